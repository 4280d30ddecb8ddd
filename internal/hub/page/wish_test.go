package page

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
)

// hidden gives the hidden fields of the form in a page, as a browser sends them back.
func hidden(body string) url.Values {
	form := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(body,
		-1) {
		form.Add(m[1], unescape(m[2]))
	}
	return form
}

func unescape(s string) string {
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&#43;", "+", "&amp;", "&").Replace(s)
}

// wishes is a form's rows: each is kind, key, price, name, VAT, EAN and stock.
func wishes(known, from, do string, rows ...[7]string) url.Values {
	form := url.Values{"known": {known}, "from": {from}, "do": {do}}
	for _, r := range rows {
		for n, name := range []string{"kind", "key", "price", "product", "vat", "ean", "stock"} {
			form.Add(name, r[n])
		}
	}
	return form
}

// wantedOf is what is wanted of a scope now.
func (d *desk) wantedOf(of store.Scope) protocol.Plan {
	d.t.Helper()
	w, _, err := d.store.WantedOf(d.t.Context(), of, d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	plan, _ := w.Now(d.now)
	return plan
}

var ofK1 = store.Scope{Kind: store.OfKiosk, Key: "K1"}

// slots is a desk with two machines of a group, and a third of none.
func slots(t *testing.T) *desk {
	d := open(t)
	d.machine(1, "K1", "Lobby", "nord", "ready", "", 0)
	d.machine(2, "K2", "Pier", "nord", "ready", "", 0)
	d.machine(3, "K3", "Mill", "", "ready", "", 0)
	d.put("stock (machine, slot, name, price, currency, vat, remains, closed, since)", 1, "A1", "Water", 1500, "SEK", 12,
		7, "", 0)
	d.look()
	return d
}

// TestWhatIsWantedIsReviewedBeforeItIsSaved: until then nothing is.
func TestWhatIsWantedIsReviewedBeforeItIsSaved(t *testing.T) {
	d := slots(t)
	d.signIn("olle")
	form := d.get("/m/1/want")
	if form.code != 200 || !strings.Contains(form.body, "Slot A1 <small>now Water, 15,00") ||
		strings.Contains(form.body, `http-equiv="refresh"`) {
		t.Fatalf("%d: %s", form.code, form.body)
	}
	name := `Äpple "<b>" & 'co' 🍏`
	rows := [][7]string{{"slot", "A1", "17.00", name, "12", "none", "9"}, {"slot", "A2", "", "", "", "", ""},
		{"product", "7310070000017", "22.5", "", "", "", ""}}
	review := d.ask(http.MethodPost, "/m/1/want", wishes(hidden(form.body).Get("known"), "", "review", rows...))
	for _, want := range []string{"From <b>now</b>, for <b>1 machine</b>: Lobby", "slot A1", "17.00", "no EAN",
		"9 in it", "now Water, 15,00", "EAN 7310070000017", "Äpple &#34;&lt;b&gt;&#34; &amp; &#39;co&#39; 🍏"} {
		if review.code != 200 || !strings.Contains(review.body, want) {
			t.Errorf("the review lacks %q: %d\n%s", want, review.code, review.body)
		}
	}
	if plan := d.wantedOf(ofK1); plan.Version != 0 {
		t.Fatalf("it was saved before it was confirmed: %+v", plan)
	}
	save := hidden(review.body)
	edit := url.Values{}
	for k, v := range save {
		edit[k] = v
	}
	edit.Set("do", "edit")
	if got := d.ask(http.MethodPost, "/m/1/want", edit); got.code != 200 || !strings.Contains(got.body, `value="22.5"`) {
		t.Errorf("to change it lost what was typed: %s", got.body)
	}
	save.Set("do", "save")
	if got := d.ask(http.MethodPost, "/m/1/want", save); got.code != http.StatusSeeOther {
		t.Fatalf("%d: %s", got.code, got.body)
	}
	plan := d.wantedOf(ofK1)
	a1 := plan.Slots["A1"]
	if plan.By != "olle" || !plan.From.Equal(d.now) || len(plan.Slots) != 1 || *a1.Price != "17.00" ||
		*a1.Name != name || *a1.VAT != 12 || *a1.EAN != "" || *a1.Stock != 9 ||
		*plan.Products["7310070000017"].Price != "22.5" {
		t.Errorf("%+v", plan)
	}
	// the same form once more, as by a second click, is not another version and no fright
	if got := d.ask(http.MethodPost, "/m/1/want", save); got.code != http.StatusSeeOther {
		t.Errorf("a second click: %d, %s", got.code, got.body)
	}
	if again := d.wantedOf(ofK1); again.Version != plan.Version {
		t.Errorf("a second click made version %d of %d", again.Version, plan.Version)
	}
	for _, path := range []string{"/wanted", "/m/1"} {
		if got := d.get(path); !strings.Contains(got.body, "by olle") || !strings.Contains(got.body, "🍏") {
			t.Errorf("%s does not show it: %s", path, got.body)
		}
	}
	form = d.get("/m/1/want")
	if got := hidden(form.body); !strings.Contains(form.body, `value="none"`) || got.Get("known") == "0" ||
		!strings.Contains(form.body, "Withdraw all of it") {
		t.Errorf("what is wanted is not in the form: %s", form.body)
	}
	withdraw := d.ask(http.MethodPost, "/m/1/want", wishes(hidden(form.body).Get("known"), "", "withdraw", rows...))
	if !strings.Contains(withdraw.body, "Nothing is wanted of them any more") ||
		d.wantedOf(ofK1).Version != plan.Version {
		t.Fatalf("%s", withdraw.body)
	}
	save = hidden(withdraw.body)
	save.Set("do", "save")
	d.now = d.now.Add(time.Second)
	if got := d.ask(http.MethodPost, "/m/1/want", save); got.code != http.StatusSeeOther {
		t.Fatalf("%d: %s", got.code, got.body)
	}
	if plan := d.wantedOf(ofK1); len(plan.Slots)+len(plan.Products) != 0 {
		t.Errorf("it was not withdrawn: %+v", plan)
	}
}

// TestAFieldThatIsWrongSaysSoAndKeepsWhatWasTyped, and nothing is saved.
func TestAFieldThatIsWrongSaysSoAndKeepsWhatWasTyped(t *testing.T) {
	d := slots(t)
	d.exec("UPDATE machines SET currency = 'JPY' WHERE kiosk = 'K2'")
	d.signIn("anna")
	for _, c := range []struct {
		path, from, says string
		row              [7]string
	}{
		{"/m/1/want", "", "digits and a point, as 17.00", [7]string{"slot", "A1", "17,5", "", "", "", ""}},
		{"/m/1/want", "", "digits and a point, as 17.00", [7]string{"slot", "A1", "1e3", "", "", "", ""}},
		{"/m/1/want", "", "digits and a point, as 17.00", [7]string{"slot", "A1", "-5", "", "", "", ""}},
		{"/m/1/want", "", "digits and a point, as 17.00", [7]string{"slot", "A1", "1.555", "", "", "", ""}},
		{"/m/2/want", "", "digits and a point, as 1700", [7]string{"slot", "A1", "17.00", "", "", "", ""}},
		{"/groups/nord/want", "", "as 1700 in JPY", [7]string{"slot", "A1", "17.00", "", "", "", ""}},
		{"/m/1/want", "", "0 to 100", [7]string{"slot", "A1", "", "", "101", "", ""}},
		{"/m/1/want", "", "a whole number", [7]string{"slot", "A1", "", "", "12%", "", ""}},
		{"/m/1/want", "", "8 to 14 digits", [7]string{"slot", "A1", "", "", "", "123", ""}},
		{"/m/1/want", "", "8 to 14 digits", [7]string{"product", "A1", "1.00", "", "", "", ""}},
		{"/m/1/want", "", "0 to 9999", [7]string{"slot", "A1", "", "", "", "", "-1"}},
		{"/m/1/want", "", "say it of the slot", [7]string{"product", "7310070000017", "", "", "", "", "3"}},
		{"/m/1/want", "", "which slot", [7]string{"slot", "", "1.00", "", "", "", ""}},
		{"/m/1/want", "", "1 to 200 bytes", [7]string{"slot", "A1", "", strings.Repeat("ö", 101), "", "", ""}},
		{"/m/1/want", "", "1 to 200 bytes", [7]string{"slot", "A1", "", "a\nb", "", "", ""}},
		{"/m/1/want", "", "Nothing is wanted", [7]string{"slot", "A1", "", "", "", "", ""}},
		{"/m/1/want", "2026-11-27T14:24", "that has passed", [7]string{"slot", "A1", "1.00", "", "", "", ""}},
		{"/m/1/want", "2027-03-28T02:30", "the clock skips", [7]string{"slot", "A1", "1.00", "", "", "", ""}},
		{"/m/1/want", "tomorrow", "write it like", [7]string{"slot", "A1", "1.00", "", "", "", ""}},
	} {
		form := wishes("0", c.from, "save", c.row)
		if !strings.HasPrefix(c.path, "/m/") {
			form.Del("stock")
		}
		got := d.ask(http.MethodPost, c.path, form)
		body := unescape(got.body)
		if got.code != http.StatusUnprocessableEntity || !strings.Contains(body, c.says) ||
			!strings.Contains(got.body, "autofocus") && c.says != "Nothing is wanted" {
			t.Errorf("%q: %d, %s", c, got.code, got.body)
		}
		for _, typed := range append(c.row[1:], c.from) {
			if typed != "" && !strings.Contains(body, `value="`+typed+`"`) {
				t.Errorf("%q: %q is lost", c, typed)
			}
		}
	}
	twice := [7]string{"slot", "A1", "1.00", "", "", "", ""}
	if got := d.ask(http.MethodPost, "/m/1/want", wishes("0", "", "save", twice, twice)); !strings.Contains(got.body,
		"stands here twice") {
		t.Errorf("%s", got.body)
	}
	for _, form := range []url.Values{{}, {"known": {"x"}, "key": {"A1"}}, {"known": {"0"}, "key": {"A1", "A2"},
		"kind": {"slot"}}} {
		if got := d.ask(http.MethodPost, "/m/1/want", form); got.code != http.StatusBadRequest {
			t.Errorf("%v: %d", form, got.code)
		}
	}
	huge := wishes("0", "", "save", [7]string{"slot", "A1", "", strings.Repeat("x", formMax), "", "", ""})
	if got := d.ask(http.MethodPost, "/m/1/want", huge); got.code != http.StatusRequestEntityTooLarge ||
		!strings.Contains(got.body, "Nothing was done") {
		t.Errorf("%d: %.100s", got.code, got.body)
	}
	if all, err := d.store.Wanted(t.Context(), d.now); err != nil || all[ofK1].Version > 1 {
		t.Errorf("something was saved: %+v, %v", all, err)
	}
}

// TestWhoHasSeenAnotherVersionOverwritesNothing: two at once, and one who comes back from lunch.
func TestWhoHasSeenAnotherVersionOverwritesNothing(t *testing.T) {
	d := slots(t)
	d.signIn("anna")
	mine := [7]string{"slot", "A1", "18.00", "", "", "", ""}
	before := hidden(d.get("/groups/nord/want").body).Get("known")
	price := "16.00"
	nord := store.Scope{Kind: store.OfGroup, Key: "nord"}
	if _, err := d.store.AddPlan(t.Context(), nord, protocol.Plan{By: "bert", From: d.now,
		Slots: map[string]protocol.Product{"A1": {Price: &price}}}, d.now); err != nil {
		t.Fatal(err)
	}
	for _, do := range []string{"review", "save"} {
		form := wishes(before, "", do, mine)
		form.Del("stock")
		got := d.ask(http.MethodPost, "/groups/nord/want", form)
		if got.code != http.StatusConflict || !strings.Contains(got.body, "bert has changed") ||
			!strings.Contains(got.body, "A1: 16.00") || !strings.Contains(got.body, `value="18.00"`) {
			t.Errorf("%s: %d, %s", do, got.code, got.body)
		}
		if plan := d.wantedOf(nord); plan.By != "bert" {
			t.Fatalf("%s overwrote it: %+v", do, plan)
		}
		// who has been told may go on, by the review, which says what was there
		form.Set("known", hidden(got.body).Get("known"))
		form.Set("do", "review")
		if got = d.ask(http.MethodPost, "/groups/nord/want", form); got.code != 200 || !strings.Contains(got.body,
			"<b>2 machines</b>: Lobby, Pier") || !strings.Contains(got.body, `Until then">16.00</td><td data-label="From then">18.00<`) {
			t.Errorf("%d: %s", got.code, got.body)
		}
	}
}

// TestAMomentIsOfTheOperatorsZoneAndWhatItEndsIsSaid: what was to come later is not silently withdrawn.
func TestAMomentIsOfTheOperatorsZoneAndWhatItEndsIsSaid(t *testing.T) {
	d := slots(t)
	d.signIn("anna")
	everybody := store.Scope{Kind: store.OfAll}
	give := func(from, price string) answer {
		t.Helper()
		d.now = d.now.Add(time.Second)
		form := wishes(hidden(d.get("/all/want").body).Get("known"), from, "review",
			[7]string{"product", "7310070000017", price, "", "", "", ""})
		form.Del("stock")
		review := d.ask(http.MethodPost, "/all/want", form)
		save := hidden(review.body)
		save.Set("do", "save")
		if got := d.ask(http.MethodPost, "/all/want", save); got.code != http.StatusSeeOther {
			t.Fatalf("%d: %s", got.code, got.body)
		}
		return review
	}
	review := give("2027-07-01T00:00", "20.00")
	if !strings.Contains(unescape(review.body), "Thu 1 Jul 2027 00:00 (UTC+02:00)") || !strings.Contains(review.body,
		"<b>3 machines</b>") {
		t.Errorf("%s", review.body)
	}
	w, newest, err := d.store.WantedOf(t.Context(), everybody, d.now)
	if err != nil || newest.From.Format(time.RFC3339) != "2027-06-30T22:00:00Z" || len(w.Plans) != 1 {
		t.Fatalf("%+v, %v", newest, err)
	}
	if got := d.get("/wanted"); !strings.Contains(got.body, "to come") {
		t.Errorf("%s", got.body)
	}
	if review = give("", "17.00"); !strings.Contains(review.body, "This was to come, and will not") ||
		!strings.Contains(review.body, "20.00") {
		t.Errorf("%s", review.body)
	}
	if got := d.get("/m/3"); !strings.Contains(got.body, "7310070000017: 17.00") {
		t.Errorf("a machine's page lacks what is wanted of all: %s", got.body)
	}
}

// TestAFormOutlivesADatabaseThatIsGone: nothing is half saved, and nothing that was typed is lost but a password.
func TestAFormOutlivesADatabaseThatIsGone(t *testing.T) {
	for _, table := range []string{"sessions", "wanted", "machines"} {
		d := slots(t)
		d.signIn("olle")
		form := wishes("0", "", "save", [7]string{"slot", "A1", "17.00", `"odd"`, "", "", ""})
		form.Set("password", "never to be shown")
		d.exec("ALTER TABLE " + table + " RENAME TO away")
		got := d.ask(http.MethodPost, "/m/1/want", form)
		if got.code != http.StatusServiceUnavailable || strings.Contains(got.body, "never to be shown") {
			t.Fatalf("%s: %d, %s", table, got.code, got.body)
		}
		d.exec("ALTER TABLE away RENAME TO " + table)
		if plan := d.wantedOf(ofK1); plan.Version != 0 {
			t.Errorf("%s: half of it was saved: %+v", table, plan)
		}
		if got = d.ask(http.MethodPost, "/m/1/want", hidden(got.body)); got.code != http.StatusSeeOther {
			t.Errorf("%s: sent again: %d, %s", table, got.code, got.body)
		}
		if plan := d.wantedOf(ofK1); *plan.Slots["A1"].Price != "17.00" || *plan.Slots["A1"].Name != `"odd"` {
			t.Errorf("%s: %+v", table, plan)
		}
	}
}

// TestAFormOutlivesItsSession, and is saved once its author has signed in again.
func TestAFormOutlivesItsSession(t *testing.T) {
	d := slots(t)
	d.signIn("olle")
	d.now = d.now.Add(13 * time.Hour)
	got := d.ask(http.MethodPost, "/m/1/want",
		wishes("0", "", "save", [7]string{"slot", "A1", "17.00", "", "", "", ""}))
	if got.code != http.StatusUnauthorized || !strings.Contains(got.body, `href="/sign-in"`) {
		t.Fatalf("%d: %s", got.code, got.body)
	}
	d.signIn("olle")
	if got = d.ask(http.MethodPost, "/m/1/want", hidden(got.body)); got.code != http.StatusSeeOther {
		t.Errorf("%d: %s", got.code, got.body)
	}
	if plan := d.wantedOf(ofK1); *plan.Slots["A1"].Price != "17.00" {
		t.Errorf("%+v", plan)
	}
}

// TestTheDeskSaysWhichMachineRefusesWhatIsWanted, and why.
func TestTheDeskSaysWhichMachineRefusesWhatIsWanted(t *testing.T) {
	d := slots(t)
	d.exec(`UPDATE machines SET status = '{"want":{"holds":"machine 7","wanted":"machine 8","why":"refused: A9: there is ` +
		`no such slot in this machine","refused":true}}' WHERE kiosk = 'K1'`)
	d.exec(`UPDATE machines SET status = '{"want":{"holds":"all 3","wanted":"all 3"}}' WHERE kiosk = 'K2'`)
	d.look()
	d.signIn("lisa")
	for path, all := range map[string][]string{
		"/wanted": {"1 sell what is wanted of them; 1 have not said", "machine 7", "machine 8",
			"refused: A9: there is no such"},
		"/m/1": {"machine 7", "refused: A9", "it refuses the prices or products"}, "/m/2": {"all 3"},
		"/m/3": {"It has not said"}, "/": {"it refuses the prices or products", "refused: A9"},
	} {
		got := d.get(path)
		for _, want := range all {
			if !strings.Contains(got.body, want) {
				t.Errorf("%s lacks %q: %s", path, want, got.body)
			}
		}
		if strings.Contains(got.body, "/want\"") || strings.Contains(got.body, "/do/") {
			t.Errorf("%s offers forms to who may only look", path)
		}
	}
}

// TestAMachineWhoseCardWasReplacedTakesNoForm: its id is another machine's by now.
func TestAMachineWhoseCardWasReplacedTakesNoForm(t *testing.T) {
	d := slots(t)
	d.exec("UPDATE machines SET retired = 1 WHERE kiosk = 'K1'")
	d.look()
	d.signIn("anna")
	for _, path := range []string{"/m/1/want", "/m/1/do/back"} {
		if got := d.get(path); got.code != http.StatusConflict {
			t.Errorf("%s: %d", path, got.code)
		}
		form := wishes("0", "", "save", [7]string{"slot", "A1", "1.00", "", "", "", ""})
		if got := d.ask(http.MethodPost, path, form); got.code != http.StatusConflict {
			t.Errorf("%s: %d", path, got.code)
		}
	}
	if got := d.get("/m/1"); strings.Contains(got.body, "/want\"") || strings.Contains(got.body, "/do/") {
		t.Errorf("%s", got.body)
	}
	if plan := d.wantedOf(ofK1); plan.Version != 0 {
		t.Errorf("%+v", plan)
	}
}

// TestASecondClickOnAPlanOfOneKindIsNoFright: a plan of slots alone, and one of products alone.
func TestASecondClickOnAPlanOfOneKindIsNoFright(t *testing.T) {
	for name, row := range map[string][7]string{"slots": {"slot", "A1", "17.00", "", "", "", ""},
		"products": {"product", "7310070000017", "17.00", "", "", "", ""}} {
		t.Run(name, func(t *testing.T) {
			d := slots(t)
			d.signIn("olle")
			save := wishes("0", "", "save", row)
			for n := range 2 {
				if got := d.ask(http.MethodPost, "/m/1/want", save); got.code != http.StatusSeeOther {
					t.Errorf("click %d: %d %v", n+1, got.code, strings.Contains(got.body, "nothing of yours was saved"))
				}
			}
		})
	}
}

// TestAPriceOfNothingIsWrongAtTheDesk: every machine would refuse all of the plan for it.
func TestAPriceOfNothingIsWrongAtTheDesk(t *testing.T) {
	d := slots(t)
	d.signIn("anna")
	for _, price := range []string{"0", "0.00"} {
		row := [7]string{"slot", "A1", price, "", "", "", ""}
		got := d.ask(http.MethodPost, "/all/want", wishes("0", "", "save", row))
		if got.code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", price, got.code)
		}
	}
}

// TestAStockIsCountedNow: what is in a slot at a moment to come, nobody can count.
func TestAStockIsCountedNow(t *testing.T) {
	d := slots(t)
	d.signIn("olle")
	row := [7]string{"slot", "A1", "17.00", "", "", "", "8"}
	for from, code := range map[string]int{"": http.StatusSeeOther,
		d.now.Add(48 * time.Hour).In(d.page.Zone).Format("2006-01-02T15:04"): http.StatusUnprocessableEntity} {
		if got := d.ask(http.MethodPost, "/m/1/want", wishes("0", from, "save", row)); got.code != code {
			t.Errorf("from %q: %d, want %d: %s", from, got.code, code, got.body)
		}
		d.exec("DELETE FROM wanted")
	}
}
