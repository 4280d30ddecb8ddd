package app

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/hw/display"
	"kioskd/internal/config"
	"kioskd/internal/shop"
	"kioskd/internal/shop/shoptest"
	"kioskd/ups"
)

// browse is a browser that has opened the code that the machine's screen shows.
func (w *world) browse() *shoptest.Browser {
	w.t.Helper()
	for range 20 { // the last sale's result is shown first
		if s := w.screen.now(); s.OnPage || s.Page != "" {
			break
		}
		time.Sleep(time.Second)
	}
	b := &shoptest.Browser{Server: w.app.UPS}
	if status := b.Open(w.pageLink()); status != http.StatusOK {
		w.t.Fatalf("the screen's code opens a page with %d", status)
	}
	synctest.Wait() // until the screen shows another one
	return b
}

// pageLink is what the screen's code says.
func (w *world) pageLink() string {
	s := w.screen.now()
	if s.OnPage {
		return s.QR
	}
	return s.Page
}

// order chooses on the page, and gives the page as it is when there is something to pay.
func (w *world) order(b *shoptest.Browser, slot string) shop.View {
	w.t.Helper()
	if _, err := b.Order(slot); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(time.Second)
	v, err := b.State()
	if err != nil || v.Step != shop.Pay || !strings.HasPrefix(v.Link, "seqr://SEQR.SE/R") {
		w.t.Fatalf("ordered, and the page shows %+v, %v\n%s", v, err, w.log.String())
	}
	return v
}

// pays is the phone at the link, or the code, that the page shows.
func (w *world) pays(v shop.View) (reference string) {
	w.t.Helper()
	i, err := w.glase.Scan(w.t.Context(), glasetest.Scan{QR: "HTTP:" + strings.TrimPrefix(v.Link, "seqr:")})
	if err != nil {
		w.t.Fatal(err)
	}
	w.confirm(i.Reference)
	return i.Reference
}

func (w *world) shows(b *shoptest.Browser, step shop.Step) shop.View {
	w.t.Helper()
	v, err := b.State()
	if err != nil || v.Step != step {
		w.t.Errorf("the page shows %+v, %v, and should %s\n%s", v, err, step, w.log.String())
	}
	return v
}

func TestAProductIsChosenAndPaidOnAPage(t *testing.T) {
	for fault, paid := range map[string]int64{"none": 1500, "jam": 0} {
		play(t, "web", func(w *world) {
			w.fault("A1", fault)
			b := w.browse()
			if v := w.shows(b, shop.Choose); !strings.Contains(v.HTML, "Water") || !strings.Contains(v.HTML, "15.00") {
				t.Errorf("the price list is %s", v.HTML)
			}
			v := w.order(b, "A1")
			if s := w.screen.now(); s.Kind != display.Scan || "seqr:"+strings.TrimPrefix(s.QR, "HTTP:") != v.Link {
				t.Errorf("the machine's own screen shows %+v", s)
			}
			ref := w.pays(v)
			sale := w.settled()
			w.money(ref, paid)
			if sale.Flow != fsm.Web || (sale.State == fsm.Charged) != (paid > 0) ||
				w.dropped()["A1"] != int(paid/1500) {
				t.Errorf("%s: the sale ended as %+v", fault, sale)
			}
			v = w.shows(b, shop.Ended)
			if thanks := strings.Contains(v.HTML, "Thank you"); thanks != (paid > 0) || v.Sale != sale.ID {
				t.Errorf("%s: the page says %s", fault, v.HTML)
			}
			if n := len(w.glase.Receipts(ref)); (n == 1) != (paid > 0) {
				t.Errorf("%d receipts", n)
			}
		})
	}
}

// TestAPageSellsBesideAReservationMachine: one customer at a time, whichever way.
func TestAPageSellsBesideAReservationMachine(t *testing.T) {
	beside := func(c *config.Config) { c.Shop.Enabled = true }
	playWith(t, "reservation", beside, func(w *world) {
		if s := w.screen.now(); s.QR != ups.StaticQR("public_test_shop", "123456") || s.Page == "" || s.OnPage {
			t.Fatalf("the screen shows %+v", s)
		}
		b, late := w.browse(), w.browse()
		v := w.order(b, "A1")
		if _, err := w.glase.Scan(w.t.Context(), glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"),
			Amount: sek(5000)}); err == nil || !strings.Contains(err.Error(), "DEVICE_IN_USE") {
			t.Errorf("somebody else scans the machine's code meanwhile: %v", err)
		}
		w.shows(late, shop.Busy)
		ref := w.pays(v)
		w.settled()
		w.money(ref, 1500)
		if v := w.shows(late, shop.Choose); strings.Contains(v.HTML, "Thank you") { // while the machine's screen does
			t.Errorf("a page tells of somebody else's sale: %s", v.HTML)
		}
		if v, err := b.Order("A2"); err != nil || v.Step != shop.Ended || w.app.Kiosk.State().Busy() {
			t.Errorf("a page that has had its sale begins another: %+v, %v", v, err)
		}
		ref = w.scan()
		w.confirm(ref)
		status := &shoptest.Browser{Server: w.app.UPS}
		if got := status.Ask("GET", "/seqr/notify/"+w.app.Kiosk.State().Sale.Secret, nil, nil).Code; got != 404 {
			t.Errorf("the status of a sale at the machine is told: %d", got)
		}
		if v, err := late.Order("A2"); err != nil || v.Step != shop.Busy {
			t.Errorf("a page orders while somebody else has a reservation: %+v, %v", v, err)
		}
		w.press("A2")
		w.settled()
		w.money(ref, 2250)
		if n := w.dropped(); n["A1"] != 1 || n["A2"] != 1 {
			t.Errorf("came out: %v", n)
		}
	})
}

// TestEachEventIsTheWholeState, from the first of each connection.
func TestEachEventIsTheWholeState(t *testing.T) {
	play(t, "web", func(w *world) {
		b := w.browse()
		ctx, leave := context.WithCancel(w.t.Context())
		defer leave()
		events := b.Follow(ctx)
		if v := <-events; v.Step != shop.Choose || !strings.Contains(v.HTML, "Cake") {
			t.Errorf("the first event is %+v", v)
		}
		w.pays(w.order(b, "A1"))
		w.settled()
		var steps []shop.Step
		for synctest.Wait(); len(events) > 0; synctest.Wait() {
			if v := <-events; len(steps) == 0 || steps[len(steps)-1] != v.Step {
				steps = append(steps, v.Step)
			}
		}
		if got := fmt.Sprint(steps); got != "[wait pay wait ended]" {
			t.Errorf("the events went %v", got)
		}
		if v := <-b.Follow(ctx); v.Step != shop.Ended { // a reload
			t.Errorf("another connection's first event is %+v", v)
		}
	})
}

// TestHiddenIsNotGone: a page that is silent is given up after 25 s, unless the link to the app was opened; then the
// time for the PIN decides. What is paid meanwhile is delivered.
func TestHiddenIsNotGone(t *testing.T) {
	for name, c := range map[string]struct {
		then  func(w *world, b *shoptest.Browser) // and then nothing is heard of the page
		after time.Duration                       // the sale is given up, and a second before it is not
	}{
		"closed at once": {func(*world, *shoptest.Browser) {}, 25 * time.Second},
		"asked once more": {func(w *world, b *shoptest.Browser) {
			w.quiet(10 * time.Second)
			w.shows(b, shop.Pay)
		}, 25 * time.Second},
		"the app is open":  {func(_ *world, b *shoptest.Browser) { _, _ = b.Opened() }, 59 * time.Second},
		"without a script": {func(_ *world, b *shoptest.Browser) { b.Ask("GET", "open", nil, nil) }, 59 * time.Second},
		"its stream is open": {func(w *world, b *shoptest.Browser) {
			go func() {
				for range b.Follow(w.t.Context()) {
				}
			}()
		}, 59 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, "web", func(w *world) {
				b := w.browse()
				w.order(b, "A1")
				c.then(w, b)
				w.quiet(c.after - 1500*time.Millisecond)
				if s := w.app.Kiosk.State(); s.Stage != fsm.Awaiting {
					t.Errorf("the sale is %s %s early", s.Stage, s.Sale.Why)
				}
				w.quiet(3 * time.Second)
				if s := w.app.Kiosk.State(); s.Busy() || s.Sale.State != fsm.Cancelled {
					t.Errorf("the sale is %s, %s late", s.Stage, s.Sale.State)
				}
			})
		})
	}
	for name, pays := range map[string]time.Duration{"hidden": 55 * time.Second, "closed": 20 * time.Second} {
		play(t, "web", func(w *world) {
			b := w.browse()
			v := w.order(b, "A1")
			if name == "hidden" {
				_, _ = b.Opened()
			}
			w.quiet(pays)
			ref := w.pays(v)
			w.settled()
			w.money(ref, 1500)
			if w.dropped()["A1"] != 1 {
				t.Errorf("%s: what was paid did not come out", name)
			}
			if v := w.shows(b, shop.Ended); !strings.Contains(v.HTML, "Thank you") { // it comes back
				t.Errorf("%s: the page says %s", name, v.HTML)
			}
		})
	}
}

// quiet lets time pass in which nothing is heard of any page.
func (w *world) quiet(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestAPaymentWinsOverALeavingCustomer: paid in the very moment in which the page is given up or cancelled, it is
// delivered or goes back.
func TestAPaymentWinsOverALeavingCustomer(t *testing.T) {
	for _, flow := range []string{"web", "invoice", "sticker"} {
		for step := range 12 {
			play(t, flow, func(w *world) {
				at := time.Duration(step) * 150 * time.Millisecond
				var ref string
				if flow == "web" {
					b := w.browse()
					w.order(b, "A1")
					ref = w.app.Kiosk.State().Sale.Reference
					_, _ = b.Cancel()
				} else {
					w.press("A1")
					ref = w.app.Kiosk.State().Sale.Reference
					_ = w.front.Press("cancel")
				}
				time.Sleep(at)
				_, err := w.glase.Confirm(ref, "1234")
				sale := w.settled()
				w.money(ref, int64(w.dropped()["A1"])*1500)
				if paid := err == nil; paid && sale.State == fsm.Cancelled {
					if _, got := w.glase.Balance(ref); !got.IsZero() {
						t.Errorf("%s, %v after the button: the sale is %s, and Glase has %v", flow, at, sale.State, got)
					}
				}
				if sale.Doubtful() {
					t.Errorf("%s, %v after the button: in doubt: %s", flow, at, sale.Note)
				}
			})
		}
	}
}

// TestTheOneWhoScannedAlone may begin, see and end the sale.
func TestTheOneWhoScannedAlone(t *testing.T) {
	play(t, "web", func(w *world) {
		link := w.pageLink()
		b := w.browse()
		second := &shoptest.Browser{Server: w.app.UPS, Address: "192.0.2.2"}
		ask := func(who *shoptest.Browser, method, path string, change func(*http.Request)) int {
			return who.Ask(method, path, url.Values{"slot": {"A1"}}, change).Code
		}
		header := func(name, value string) func(*http.Request) {
			return func(r *http.Request) {
				r.Header.Del(name)
				if value != "" {
					r.Header.Set(name, value)
				}
			}
		}
		both := func(changes ...func(*http.Request)) func(*http.Request) {
			return func(r *http.Request) {
				for _, c := range changes {
					c(r)
				}
			}
		}
		foreign := header("Origin", "https://evil.example")
		for _, c := range []struct {
			name string
			do   func() int
			want int
		}{
			{"a replayed code", func() int { return second.Open(link) }, 403},
			{"a guessed code", func() int { return second.Open(link[:len(link)-26] + strings.Repeat("0", 26)) }, 403},
			{"a page without a code", func() int { return ask(second, "GET", "", nil) }, 403},
			{"a second phone's look", func() int { return ask(second, "GET", "state", nil) }, 403},
			{"a second phone's events", func() int { return ask(second, "GET", "events", nil) }, 403},
			{"a second phone's code", func() int { return ask(second, "GET", "qr.svg", nil) }, 403},
			{"a second phone's order", func() int { return ask(second, "POST", "order", nil) }, 403},
			{"a second phone's end", func() int { return ask(second, "POST", "cancel", nil) }, 403},
			{"a foreign origin", func() int { return ask(b, "POST", "order", foreign) }, 403},
			{"a foreign origin's end", func() int { return ask(b, "POST", "cancel", foreign) }, 403},
			{"a foreign form", func() int {
				return ask(b, "POST", "order", both(header("Origin", "null"), header("Sec-Fetch-Site", "cross-site")))
			}, 403},
			{"nobody says where from", func() int {
				return ask(b, "POST", "order", both(header("Origin", ""), header("Sec-Fetch-Site", "")))
			}, 403},
			{"a cookie with a mistake", func() int {
				return ask(b, "GET", "state", header("Cookie", "kioskd_page="+b.Cookie().Value[1:]))
			}, 403},
			{"an order by a link", func() int { return ask(b, "GET", "order", nil) }, 303}, // to the page
			{"a large form", func() int {
				return b.Ask("POST", "order", url.Values{"slot": {strings.Repeat("A", 4000)}}, nil).Code
			}, 413},
			{"another method", func() int { return ask(b, "PUT", "order", nil) }, 405},
			{"nothing of that name", func() int { return ask(b, "POST", "vend", nil) }, 404},
		} {
			if got := c.do(); got != c.want {
				t.Errorf("%s: %d, want %d", c.name, got, c.want)
			}
			if s := w.app.Kiosk.State(); s.Busy() {
				t.Fatalf("%s has begun a sale", c.name)
			}
		}
		if c := b.Cookie(); !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/seqr/s/" ||
			len(c.Value) != 26 {
			t.Errorf("the cookie is %v", c)
		}
		page := b.Ask("GET", "", nil, nil)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store",
			"Referrer-Policy": "no-referrer",
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
		} {
			if got := page.Header().Get(name); !strings.Contains(got, want) {
				t.Errorf("%s: %q", name, got)
			}
		}
		if csp := page.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("the page may be framed: %s", csp)
		}
		if _, err := b.Order("A1"); err != nil { // who scanned may all the same
			t.Error(err)
		}
		time.Sleep(time.Second)
		w.shows(b, shop.Pay)
		for range 3 { // and once
			if _, err := b.Order("A2"); err != nil {
				t.Error(err)
			}
		}
		sale := w.app.Kiosk.State().Sale
		if len(sale.Items) != 1 || sale.Items[0].Price != sek(1500) {
			t.Errorf("the sale is %+v", sale)
		}
		for _, part := range []string{b.Cookie().Value, link[len(link)-26:], sale.Secret} {
			if strings.Contains(w.log.String(), part) {
				t.Errorf("a secret is in the log: %s", w.log.String())
			}
		}
		for _, file := range []string{"", "-wal"} {
			db, err := os.ReadFile(w.cfg.Journal.Path + file)
			if err == nil && bytes.Contains(db, []byte(b.Cookie().Value)) {
				t.Error("what opens the page is in the journal")
			}
		}
	})
}

// TestACodeIsFreshAndOpensOnePage: at least each 60 s another one is on the screen, and one that was scanned before
// that still opens the page for a while; one that was used does not. A preview uses none up.
func TestACodeIsFreshAndOpensOnePage(t *testing.T) {
	play(t, "web", func(w *world) {
		seen := map[string]bool{}
		for range 5 {
			link := w.pageLink()
			if seen[link] {
				t.Errorf("%s is shown for more than 60 s, or again", link)
			}
			seen[link] = true
			w.quiet(60 * time.Second)
		}
		link := w.pageLink()
		ahead := &shoptest.Browser{Server: w.app.UPS}
		for _, header := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
			u, _ := url.Parse(link)
			ahead.Ask("GET", u.Path, nil, func(r *http.Request) { r.Header.Set(header, "prefetch") })
			ahead.Ask("HEAD", u.Path, nil, nil)
		}
		w.quiet(50 * time.Second)
		if w.pageLink() == link {
			t.Fatal("the same code for 50 s")
		}
		late, later := &shoptest.Browser{Server: w.app.UPS}, &shoptest.Browser{Server: w.app.UPS}
		if status := late.Open(link); status != 200 {
			t.Errorf("a code that was replaced a moment ago opens %d", status)
		}
		if status := later.Open(link); status != 403 {
			t.Errorf("the same code opens another page: %d", status)
		}
		link = w.pageLink()
		w.quiet(100 * time.Second)
		if status := later.Open(link); status != 403 {
			t.Errorf("a code of 100 s ago opens %d", status)
		}
		w.quiet(5 * time.Minute)
		if _, err := late.Order("A1"); err != nil {
			t.Error(err)
		}
		if s := w.app.Kiosk.State(); s.Busy() {
			t.Error("a page that was opened long ago begins a sale")
		}
		w.shows(late, shop.Gone)
	})
}

// TestAPageKnowsItsSaleAfterARestart: paid, and the machine restarts before anything came out; the page tells what
// became of it.
func TestAPageKnowsItsSaleAfterARestart(t *testing.T) {
	play(t, "web", func(w *world) {
		b := w.browse()
		v := w.order(b, "A1")
		w.end()
		i, err := w.glase.Scan(w.t.Context(), glasetest.Scan{QR: "HTTP:" + strings.TrimPrefix(v.Link, "seqr:")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.glase.Confirm(i.Reference, "1234"); err != nil {
			t.Logf("the invoice is over: %v", err)
		}
		w.start()
		b.Server = w.app.UPS
		sale := w.settled()
		w.money(i.Reference, 0)
		if v := w.shows(b, shop.Ended); v.Sale != sale.ID || strings.Contains(v.HTML, "Thank you") {
			t.Errorf("the page says %s of a sale that is %s", v.HTML, sale.State)
		}
	})
}

// TestTheBrowserPluginIsToldTheStatus, from any page, until there is nothing more to say; and the same address takes
// Glase's notification.
func TestTheBrowserPluginIsToldTheStatus(t *testing.T) {
	play(t, "web", func(w *world) {
		b := w.browse()
		v := w.order(b, "A1")
		u, err := url.Parse(v.StatusURL)
		if err != nil || !strings.HasPrefix(u.Path, "/seqr/notify/") {
			t.Fatalf("the status is at %s", v.StatusURL)
		}
		plugin := &shoptest.Browser{Server: w.app.UPS, Address: "192.0.2.9"}
		status := func() string {
			a := plugin.Ask("GET", u.Path, nil, nil)
			if a.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("no other page may read it: %v", a.Header())
			}
			return fmt.Sprint(a.Code, " ", strings.TrimSpace(a.Body.String()))
		}
		if got := status(); got != `200 {"status":"ISSUED","resultCode":0}` {
			t.Errorf("before the payment: %s", got)
		}
		if a := b.Ask("GET", "state", nil, nil); a.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Error("another page may read the state")
		}
		followed := make(chan string, 1)
		go func() {
			p := glasetest.Plugin{StatusURL: v.StatusURL, Origin: "https://shop.example",
				Client: &http.Client{Transport: glasetest.InProcess(w.app.UPS)}}
			status, _, err := p.Run(w.t.Context())
			followed <- fmt.Sprint(status, " ", err)
		}()
		w.quiet(3 * time.Second)
		w.pays(v)
		if got := <-followed; got != "PAID <nil>" {
			t.Errorf("the plug-in ends with %s", got)
		}
		if got := status(); got != `200 {"status":"PAID","resultCode":0}` {
			t.Errorf("after the payment: %s", got)
		}
		w.settled()
		v = w.order(w.browse(), "A2")
		if got := status(); !strings.HasPrefix(got, "404") {
			t.Errorf("once another sale is on: %s", got)
		}
		if got := plugin.Ask("GET", u.Path[:len(u.Path)-1], nil, nil).Code; got != 404 {
			t.Errorf("a guess: %d", got)
		}
		if u, _ = url.Parse(v.StatusURL); plugin.Ask("POST", u.Path, nil, nil).Code != 200 {
			t.Error("a notification is not taken there")
		}
	})
	play(t, "invoice", func(w *world) { // no page sells
		w.press("A1")
		plugin := &shoptest.Browser{Server: w.app.UPS}
		if got := plugin.Ask("GET", "/seqr/notify/"+w.app.Kiosk.State().Sale.Secret, nil, nil).Code; got == 200 {
			t.Error("a sale at the machine is told of on a status URL")
		}
	})
}

// TestAPageSpeaksItsCustomersLanguage, and the machine's where it does not know that one.
func TestAPageSpeaksItsCustomersLanguage(t *testing.T) {
	play(t, "web", func(w *world) {
		for language, want := range map[string]string{
			"sv-SE,en;q=0.5": "Välj en vara", "de": "Produkt auswählen", "fi-FI": "Valitse tuote",
			"en":           "Choose a product",
			"xx, sv;q=0.1": "Välj en vara", "xx": "Choose a product", "": "Choose a product", ";;,": "Choose a product",
		} {
			b := &shoptest.Browser{Server: w.app.UPS, Language: language}
			b.Open(w.pageLink())
			if v := w.shows(b, shop.Choose); !strings.Contains(v.HTML, want) {
				t.Errorf("%q: %s", language, v.HTML)
			}
			w.quiet(time.Second)
		}
	})
}

// TestAPageWorksWithoutScripts: forms and a refresh do, up to and after the payment.
func TestAPageWorksWithoutScripts(t *testing.T) {
	play(t, "web", func(w *world) {
		plain := func(r *http.Request) {
			r.Header.Set("Accept", "text/html")
			if r.Method == http.MethodPost { // as a browser does with a page whose referrer policy is no-referrer
				r.Header.Set("Origin", "null")
			}
		}
		b := w.browse()
		page := func() string { return b.Ask("GET", "", nil, plain).Body.String() }
		if text := page(); !strings.Contains(text, `http-equiv="refresh"`) || !strings.Contains(text, `action="order"`) {
			t.Errorf("the page is %s", text)
		}
		if a := b.Ask("POST", "order", url.Values{"slot": {"A1"}}, plain); a.Code != 303 ||
			a.Header().Get("Location") != "/seqr/s/" {
			t.Errorf("ordered: %d to %s", a.Code, a.Header().Get("Location"))
		}
		// a gateway's page took the answer's place, and its refresh asks for the same address
		if a := b.Ask("GET", "order", nil, plain); a.Code != 303 || a.Header().Get("Location") != "/seqr/s/" {
			t.Errorf("asked for again: %d to %s", a.Code, a.Header().Get("Location"))
		}
		time.Sleep(time.Second)
		if text := page(); !strings.Contains(text, `href="open"`) || !strings.Contains(text, "qr.svg") {
			t.Errorf("the page is %s", text)
		}
		a := b.Ask("GET", "open", nil, plain)
		if link := a.Header().Get("Location"); a.Code != 303 || !strings.HasPrefix(link, "seqr://SEQR.SE/R") {
			t.Fatalf("the way to the app: %d %s", a.Code, link)
		}
		if a := b.Ask("GET", "qr.svg", nil, plain); a.Code != 200 || !strings.Contains(a.Body.String(), "<svg") {
			t.Errorf("the code: %d", a.Code)
		}
		w.pays(shop.View{Link: a.Header().Get("Location")})
		w.settled()
		if text := page(); !strings.Contains(text, "Thank you") || strings.Contains(text, "refresh") {
			t.Errorf("at the end the page is %s", text)
		}
	})
}

// TestAStrangersFloodLeavesThePageToItsCustomer: whoever asks from another address, or with no page of their own, is
// told to wait, and a customer's page goes on.
func TestAStrangersFloodLeavesThePageToItsCustomer(t *testing.T) {
	play(t, "web", func(w *world) {
		b := w.browse()
		waits := 0
		for n := range 2000 {
			flood := &shoptest.Browser{Server: w.app.UPS, Address: fmt.Sprintf("198.51.100.%d", n%100)}
			if flood.Open("http://127.0.0.1/seqr/s/0123456789ABCDEFGHJKMNPQRS") == http.StatusTooManyRequests {
				waits++
			}
		}
		if waits < 1500 {
			t.Errorf("%d of 2000 were told to wait", waits)
		}
		w.pays(w.order(b, "A1"))
		w.settled()
		w.shows(b, shop.Ended)
	})
}
