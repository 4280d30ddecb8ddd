package app

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/config"
)

// beside is a technician's phone beside the machine.
type beside struct {
	w      *world
	cookie string
}

// asks is a request of the phone, a form when there is one.
func (b *beside) asks(method, path string, form url.Values, with ...string) *httptest.ResponseRecorder {
	b.w.t.Helper()
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://localhost")
	}
	for n := 0; n < len(with); n += 2 {
		r.Header.Set(with[n], with[n+1])
	}
	if b.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "kioskd_technician", Value: b.cookie})
	}
	rec := httptest.NewRecorder()
	b.w.app.Debug.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if c.Name == "kioskd_technician" {
			b.cookie = c.Value
		}
	}
	return rec
}

// sends is the page's form that does that, filled in.
func (b *beside) sends(page, do string, fill ...string) *httptest.ResponseRecorder {
	b.w.t.Helper()
	return b.asks("POST", "/t/act", b.form(page, do, fill...))
}

var hidden = regexp.MustCompile(`name="form" value="([0-9A-Z]+)"><input type="hidden" name="do" value="([a-z]+)"`)

func (b *beside) form(page, do string, fill ...string) url.Values {
	b.w.t.Helper()
	f := url.Values{"do": {do}}
	for _, m := range hidden.FindAllStringSubmatch(b.asks("GET", page, nil).Body.String(), -1) {
		if m[2] == do {
			f.Set("form", m[1])
		}
	}
	if f.Get("form") == "" {
		b.w.t.Fatalf("%s has no form that does %q", page, do)
	}
	for n := 0; n < len(fill); n += 2 {
		f.Set(fill[n], fill[n+1])
	}
	return f
}

// after is the page that a form leads to.
func (b *beside) after(rec *httptest.ResponseRecorder) string {
	b.w.t.Helper()
	if rec.Code != http.StatusSeeOther {
		b.w.t.Fatalf("a form is answered with %d: %s", rec.Code, rec.Body)
	}
	return b.asks("GET", rec.Header().Get("Location"), nil).Body.String()
}

// serviced is a world whose port a phone reaches.
func serviced(t *testing.T, story func(w *world)) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("let-me-in"), 0o600); err != nil {
		t.Fatal(err)
	}
	playWith(t, "reservation", func(c *config.Config) {
		c.Debug.Listen, c.Debug.TokenFile = "192.0.2.7:8443", filepath.Join(dir, "token")
	}, story)
}

// opened asks for a code, scans it off the machine's display, and opens the page.
func opened(w *world) *beside {
	w.t.Helper()
	if code, answer, _ := w.acted("/api/page", `{}`); code != 200 {
		w.t.Fatalf("no code: %d %s", code, answer)
	}
	time.Sleep(time.Second)
	s := w.screen.now()
	at, ours := strings.CutPrefix(s.QR, "http://192.0.2.7:8443")
	if !ours || !s.Staff {
		w.t.Fatalf("the display shows %+v", s)
	}
	b := &beside{w: w}
	if rec := b.asks("POST", at, url.Values{"by": {"anna"}, "token": {"let-me-in"}}); rec.Code != http.StatusSeeOther {
		w.t.Fatalf("the code opens nothing: %d %s", rec.Code, rec.Body)
	}
	return b
}

// TestTheTechniciansCodeOpensThePageOnce, for whoever scanned it, and for nobody who looks ahead or comes later.
func TestTheTechniciansCodeOpensThePageOnce(t *testing.T) {
	serviced(t, func(w *world) {
		_, answer, _ := w.acted("/api/page", `{}`)
		at := regexp.MustCompile(`/t/[0-9A-Z]+`).FindString(answer)
		b := &beside{w: w}
		for range 3 { // a preview, a prefetch, a second tap
			if rec := b.asks("GET", at, nil); rec.Code != 200 || !strings.Contains(rec.Body.String(), `name="by"`) {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
			b.asks("HEAD", at, nil)
		}
		who := url.Values{"by": {"anna"}}
		for _, wrong := range []struct {
			form url.Values
			with []string
			code int
		}{
			{url.Values{}, nil, 400},
			{url.Values{"by": {"an\nna"}}, nil, 400},
			{url.Values{"by": {strings.Repeat("a", 65)}}, nil, 400},
			{url.Values{"by": {"anna"}, "token": {"wrong"}}, nil, 403},
			{who, []string{"Origin", "http://elsewhere.test"}, 403},
			{who, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		} {
			if rec := b.asks("POST", at, wrong.form, wrong.with...); rec.Code != wrong.code || b.cookie != "" {
				t.Errorf("%v: %d, cookie %q", wrong, rec.Code, b.cookie)
			}
		}
		first := b.asks("POST", at, who)
		if c := first.Result().Cookies(); first.Code != 303 || len(c) != 1 || !c[0].HttpOnly ||
			c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/t/" {
			t.Fatalf("%d %v", first.Code, c)
		}
		for _, method := range []string{"GET", "POST"} {
			if rec := (&beside{w: w}).asks(method, at, who); rec.Code != 403 {
				t.Errorf("a code that was used: %d", rec.Code)
			}
		}
		time.Sleep(time.Second)
		if s := w.screen.now(); s.Staff {
			t.Error("the display still shows a code that was used")
		}
		for _, path := range []string{"/t/", "/t/slot?id=A1", "/t/sales", "/t/doctor", "/t/wiring", "/t/wiring.svg"} {
			if rec := b.asks("GET", path, nil); rec.Code != 200 {
				t.Errorf("%s: %d", path, rec.Code)
			}
			if rec := (&beside{w: w}).asks("GET", path, nil); rec.Code != 403 {
				t.Errorf("%s without a session: %d", path, rec.Code)
			}
		}
		// to look needs the code alone, and to act the token as well
		act := url.Values{"form": {"x"}, "do": {"test"}, "slot": {"A1"}}
		if rec := b.asks("POST", "/t/act", act); rec.Code != 403 || w.dropped()["A1"] != 0 {
			t.Errorf("without the token: %d", rec.Code)
		}
		for range 5 {
			b.asks("POST", "/t/unlock", url.Values{"token": {"guess"}})
		}
		if rec := b.asks("POST", "/t/unlock", url.Values{"token": {"let-me-in"}}); rec.Code != 429 {
			t.Errorf("the token can be guessed: %d", rec.Code)
		}
		time.Sleep(time.Minute)
		if rec := b.asks("POST", "/t/unlock", url.Values{"token": {"let-me-in"}}); rec.Code != 303 {
			t.Errorf("the token: %d", rec.Code)
		}
		time.Sleep(31 * time.Minute)
		if rec := b.asks("GET", "/t/", nil); rec.Code != 403 {
			t.Errorf("a session that was left for half an hour: %d", rec.Code)
		}
		_, answer, _ = w.acted("/api/page", `{}`)
		at = regexp.MustCompile(`/t/[0-9A-Z]+`).FindString(answer)
		time.Sleep(5 * time.Minute)
		if rec := (&beside{w: w}).asks("POST", at, who); rec.Code != 403 {
			t.Errorf("a code of five minutes ago: %d", rec.Code)
		}
	})
}

// TestATechnicianActsOnThePhoneOnceAndOnRecord, whatever is sent twice.
func TestATechnicianActsOnThePhoneOnceAndOnRecord(t *testing.T) {
	serviced(t, func(w *world) {
		b := opened(w)
		f := b.form("/t/slot?id=A1", "more", "slot", "A1", "number", "3")
		for range 2 { // a double click
			if page := b.after(b.asks("POST", "/t/act", f)); !strings.Contains(page, "A1: 8 left, was 5.") {
				t.Errorf("restocked: %s", page)
			}
		}
		f = b.form("/t/slot?id=A1", "test", "slot", "A1")
		b.asks("POST", "/t/act", f)
		rec := b.asks("POST", "/t/act", f)
		time.Sleep(10 * time.Second)
		if page := b.after(rec); !strings.Contains(page, "one product came out") || w.dropped()["A1"] != 1 {
			t.Errorf("tested: %d came out: %s", w.dropped()["A1"], page)
		}
		b.after(b.sends("/t/slot?id=A2", "close", "slot", "A2", "reason", "sticky"))
		if s := w.app.Kiosk.State(); len(s.Closed) != 1 {
			t.Errorf("closed: %+v", s.Closed)
		}
		b.after(b.sends("/t/slot?id=A2", "open", "slot", "A2", "reason", "clean"))
		b.after(b.sends("/t/", "out", "reason", "flood"))
		if s := w.app.Kiosk.State(); s.Stage != fsm.OutOfService {
			t.Errorf("out of service: %s", s.Stage)
		}
		b.after(b.sends("/t/", "back", "reason", "dry"))
		if s := w.app.Kiosk.State(); s.Stage != fsm.Ready || len(s.Closed) != 0 || s.Stock["A1"] != 7 {
			t.Errorf("%s, closed %v, stock %v", s.Stage, s.Closed, s.Stock)
		}
		for _, bad := range [][]string{{"more", "number", "many"}, {"more", "number", "99999"},
			{"close", "reason", " "}, {"close", "reason", "a\x00b"}} {
			if rec := b.sends("/t/slot?id=A1", bad[0], "slot", "A1", bad[1], bad[2]); rec.Code != 400 {
				t.Errorf("%v: %d", bad, rec.Code)
			}
		}
		for _, c := range w.app.Kiosk.State().Commands {
			if c.Refusal != "" {
				t.Errorf("%+v", c)
			}
		}
	})
}

// TestNothingActsOnThePhoneDuringASale: each form that was there before it is refused, and no motor moves unapproved.
func TestNothingActsOnThePhoneDuringASale(t *testing.T) {
	serviced(t, func(w *world) {
		b := opened(w)
		forms := []url.Values{
			b.form("/t/slot?id=A1", "more", "slot", "A1", "number", "3"),
			b.form("/t/slot?id=A1", "count", "slot", "A1", "number", "3"),
			b.form("/t/slot?id=A1", "test", "slot", "A1"),
			b.form("/t/slot?id=A1", "close", "slot", "A1", "reason", "r"),
			b.form("/t/", "out", "reason", "r"),
		}
		refused := func(when string) {
			t.Helper()
			for _, f := range forms {
				rec := b.asks("POST", "/t/act", f)
				if rec.Code != 409 || !strings.Contains(rec.Body.String(), "A sale is on") {
					t.Errorf("%s, %s: %d %s", when, f.Get("do"), rec.Code, rec.Body)
				}
			}
			if code, answer, _ := w.acted("/api/page", `{}`); code != 409 {
				t.Errorf("%s, a code: %d %s", when, code, answer)
			}
			if s := w.screen.now(); s.Staff {
				t.Errorf("%s the display is the technician's", when)
			}
		}
		w.acted("/api/page", `{}`)
		time.Sleep(time.Second)
		if s := w.screen.now(); !s.Staff {
			t.Errorf("the display shows %+v", s)
		}
		ref := w.scan()
		time.Sleep(time.Second)
		refused("awaiting")
		w.confirm(ref)
		refused("choosing")
		w.press("A1")
		refused("vending")
		if sale := w.settled(); sale.State != fsm.Charged || sale.Charged != sek(1500) || w.dropped()["A1"] != 1 {
			t.Errorf("%s %v, %d came out", sale.State, sale.Charged, w.dropped()["A1"])
		}
		w.money(ref, 1500)
		if left := w.app.Kiosk.State().Stock["A1"]; left != 4 {
			t.Errorf("%d are left", left)
		}
		if page := b.after(b.asks("POST", "/t/act", forms[0])); !strings.Contains(page, "A1: 7 left, was 4.") {
			t.Errorf("after the sale the same form: %s", page)
		}
	})
}

// TestASaleThatWaitsForAPersonIsSettledOnThePhone, with what is known of it before the technician's eyes, once.
func TestASaleThatWaitsForAPersonIsSettledOnThePhone(t *testing.T) {
	serviced(t, func(w *world) {
		b := opened(w)
		ref := w.scan()
		w.confirm(ref)
		w.rules(glasetest.Fault{Operation: "getPaymentStatus", Fault: "lost_answer", Skip: 1})
		w.press("A1")
		time.Sleep(3 * time.Minute)
		sale := w.app.Kiosk.State().Sale
		page := "/t/sale?id=" + sale.ID
		if home := b.asks("GET", "/t/", nil).Body.String(); !strings.Contains(home, page) {
			t.Errorf("the machine's page does not lead to the sale that hangs: %s", home)
		}
		known := b.asks("GET", page, nil).Body.String()
		for _, fact := range []string{ref, "A1 chosen", "the product was delivered", "verdict", "charge", "release",
			"refund"} {
			if !strings.Contains(known, fact) {
				t.Errorf("nothing says %q: %s", fact, known)
			}
		}
		verdict := []string{"sale", sale.ID, "decision", "charge", "reason", "Glase says on the telephone: paid"}
		if rec := b.sends(page, "resolve", verdict...); rec.Code != 409 {
			t.Errorf("a verdict that needs Glase's word: %d", rec.Code)
		}
		if rec := b.sends(page, "resolve", "sale", sale.ID, "reason", "r"); rec.Code != 409 {
			t.Errorf("no verdict: %d", rec.Code)
		}
		f := b.form(page, "resolve", append(verdict, "by_hand", "1")...)
		for range 2 {
			b.after(b.asks("POST", "/t/act", f))
		}
		after := w.app.Kiosk.State()
		if after.Sale.State != fsm.Charged || after.Sale.Verdict.By != "anna" || after.Stage != fsm.Ready {
			t.Errorf("after it: %s, %s in %s", after.Sale.State, after.Sale.Verdict, after.Stage)
		}
		told := b.asks("GET", page, nil).Body.String()
		if !strings.Contains(told, "anna at the machine ordered resolve") {
			t.Errorf("its log does not say who decided: %s", told)
		}
	})
}
