package debug

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/story"
)

// TestThePageNeedsNoTokenAndShowsNoFact: its files are the same for everybody, and load nothing from elsewhere.
func TestThePageNeedsNoTokenAndShowsNoFact(t *testing.T) {
	s := serve(t, Config{Token: "technician", Machine: "Lobby",
		Picture: func() ([]byte, error) { return []byte("png"), nil }})
	for path, kind := range map[string]string{"/": "text/html", "/page.js": "text/javascript",
		"/page.css": "text/css"} {
		r := ask(t, s, "GET", path, "")
		policy := r.header.Get("Content-Security-Policy")
		if r.code != http.StatusOK || !strings.HasPrefix(r.header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d, %s", path, r.code, r.header.Get("Content-Type"))
		}
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") ||
			strings.Contains(policy, "http") {
			t.Errorf("%s: the policy is %s", path, policy)
		}
		if b := r.body; strings.Contains(b, "Lobby") || strings.Contains(b, "//cdn") ||
			strings.Contains(b, "https://") {
			t.Errorf("%s tells a fact, or asks somebody else", path)
		}
	}
	for _, path := range []string{"/api/status", "/api/machine", "/api/health", "/api/pins", "/api/screen.png",
		"/api/sales/SALE1/story", "/page.html", "/page/page.html", "/nothing"} {
		if r := ask(t, s, "GET", path, ""); r.code != http.StatusUnauthorized {
			t.Errorf("%s without the token: %d", path, r.code)
		}
	}
	for _, path := range []string{"/", "/page.js", "/api/screen.png"} {
		if r := ask(t, s, "POST", path, "{}"); r.code == http.StatusOK {
			t.Errorf("POST %s is answered", path)
		}
	}
}

// TestTheStoryIsTheJournalInWords: a line for each record, with no customer in it, and not more than a page shows.
func TestTheStoryIsTheJournalInWords(t *testing.T) {
	s := serve(t, Config{})
	r := ask(t, s, "GET", "/api/sales/SALE1/story", "")
	text := r.body
	var lines []api.Line
	if err := json.Unmarshal([]byte(text), &lines); err != nil || len(lines) != 7 || lines[0].Seq != 1 ||
		lines[0].Time.IsZero() {
		t.Fatalf("%v: %s", err, text)
	}
	for n, want := range []string{
		"a customer scanned: up to 50.00 SEK", "sendInvoice: invoice 4711", "getPaymentStatus: PAID 15.00 SEK",
		"the product was not delivered: jam",
		"updateInvoice: refused with code 48", "commitReservation: no answer, outcome unknown", "FromTheFuture",
	} {
		if lines[n].Text != want {
			t.Errorf("line %d is %q, want %q", n+1, lines[n].Text, want)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("the story tells the payer's hash")
	}
	if r := ask(t, s, "GET", "/api/sales/NONE/story", ""); r.code != http.StatusNotFound {
		t.Errorf("a sale that nobody knows: %d", r.code)
	}
	if err := json.Unmarshal([]byte(ask(t, s, "GET", "/api/sales/BIG/story", "").body), &lines); err != nil ||
		len(lines) != storyMax || lines[storyMax-1].Seq != 2*storyMax {
		t.Errorf("a long story has %d lines and ends with %d: %v", len(lines), lines[len(lines)-1].Seq, err)
	}
	broken := serve(t, Config{Sales: &fakeSales{err: errors.New("the card is gone")}})
	if r := ask(t, broken, "GET", "/api/sales/SALE1/story", ""); r.code != http.StatusServiceUnavailable {
		t.Errorf("without a journal: %d", r.code)
	}
}

// TestEveryEventHasItsWords: none of the state machine's events is left with its name.
func TestEveryEventHasItsWords(t *testing.T) {
	var outcomes []fsm.Event
	for _, o := range fsm.Operations() {
		outcomes = append(outcomes, fsm.Answered{Operation: o})
	}
	for _, e := range append(outcomes, fsm.Booted{}, fsm.PurchaseRequested{}, fsm.ProductChosen{}, fsm.StockCounted{},
		fsm.CancelPressed{}, fsm.PageLeft{}, fsm.RetryPressed{}, fsm.Notified{}, fsm.VendEnded{}, fsm.FaultRaised{},
		fsm.FaultCleared{}, fsm.SlotsOpened{}, fsm.SaleStopped{}, fsm.SaleResolved{}, fsm.LossAccepted{},
		fsm.PlanogramSet{}, fsm.Commanded{},
		fsm.Booted{Lost: "5 entries"}, fsm.Remembered{}, fsm.Ticked{}) {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if words := story.Line(fsm.Name(e), b, nil); words == fsm.Name(e) || words == "" {
			t.Errorf("%s is told as %q", fsm.Name(e), words)
		}
	}
}

func TestTheScreenIsAPictureOrAReason(t *testing.T) {
	s := serve(t, Config{Picture: func() ([]byte, error) { return []byte("png"), nil },
		Parts: func() []Part { return []Part{{Name: "Clock"}} }, Pins: func() []Pin { return nil }})
	if r := ask(t, s, "GET", "/api/screen.png", ""); r.header.Get("Content-Type") != "image/png" || r.body != "png" {
		t.Errorf("the screen: %d", r.code)
	}
	if r := ask(t, s, "GET", "/api/health", ""); !strings.Contains(r.body, `"ok":false`) {
		t.Errorf("the health: %d", r.code)
	}
	broken := serve(t, Config{Picture: func() ([]byte, error) { return nil, errors.New("no QR code") }})
	if r := ask(t, broken, "GET", "/api/screen.png", ""); r.code != http.StatusServiceUnavailable ||
		!strings.Contains(r.body, "no QR code") {
		t.Errorf("a screen that cannot be drawn: %d", r.code)
	}
}

// TestTheDoorIsTheSameForThePageAsForItsFacts: no stranger's name and no other site's page gets one of them, with a
// token or without.
func TestTheDoorIsTheSameForThePageAsForItsFacts(t *testing.T) {
	for _, token := range []string{"", "technician"} {
		s := serve(t, Config{
			Token: token, Machine: "Lobby", Words: func() Screen { return Screen{Title: "Hello"} },
			Picture: func() ([]byte, error) { return []byte("png"), nil },
			Parts:   func() []Part { return nil }, Pins: func() []Pin { return nil },
		})
		for _, path := range []string{
			"/", "/page.js", "/page.css", "/api/status", "/api/sales", "/api/sales/SALE1/story", "/api/events",
			"/api/machine", "/api/health", "/api/pins", "/api/screen", "/api/screen.png",
		} {
			for _, c := range []struct {
				code   int
				header []string
			}{
				// its name was made to point here
				{421, []string{"Host", "attacker.example"}},
				// so that all of it is one origin
				{421, []string{"Host", "attacker.example", "Origin", "http://attacker.example"}},
				{421, []string{"Host", "attacker.example:80", "Sec-Fetch-Site", "same-origin"}}, //
				// fetch, a script or a style from elsewhere
				{403, []string{"Origin", "http://attacker.example", "Sec-Fetch-Site", "cross-site"}},
				{403, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}}, //
				// another port of this machine
				{403, []string{"Sec-Fetch-Site", "same-site"}},
				// a frame in a sandbox, a file
				{403, []string{"Origin", "null"}},
			} {
				r := ask(t, s, "GET", path, "", append([]string{"Authorization", "Bearer " + token}, c.header...)...)
				if r.code != c.code || !strings.HasPrefix(r.body, `{"error":`) ||
					r.header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("token %q, %s for %q: %d %.60s, want %d", token, path, c.header, r.code, r.body, c.code)
				}
			}
			if path == "/api/events" { // it would not end
				continue
			}
			r := ask(t, s, "GET", path, "", "Authorization", "Bearer "+token, "Origin", s.URL, "Sec-Fetch-Site",
				"same-origin")
			if r.code != http.StatusOK || r.header.Get("Cache-Control") != "no-store" ||
				r.header.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.Contains(r.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
				t.Errorf("token %q, %s for its own page: %d %v", token, path, r.code, r.header)
			}
		}
	}
}

// TestEveryFactHasItsShape: what a page and a shell read from it.
func TestEveryFactHasItsShape(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s := serve(t, Config{
		Machine: "Lobby", Version: "1",
		Words: func() Screen {
			return Screen{Title: "Choose", Lines: []string{"Time left: 0:45"},
				List: []Entry{{Slot: "A1", Name: "Water", Price: "SEK 15.00"}, {Name: "Juice", Price: "sold out"}}}
		},
		Parts: func() []Part {
			return []Part{{Name: "Glase", OK: true, What: "answers", Since: at},
				{Name: "Clock", What: "stands in 1970", Do: "set it"}}
		},
		Pins: func() []Pin {
			return []Pin{{Name: "GPIO26", Role: "door", Level: "high", Active: true, Means: "open", Changed: at},
				{Name: "GPIO17", Role: "A1 relay", Level: "low", Means: "off"}}
		},
	})
	for path, want := range map[string]string{
		"/api/machine": `{"name":"Lobby","version":"1"}`,
		"/api/screen":  `{"title":"Choose","lines":["Time left: 0:45"],"list":[{"slot":"A1","name":"Water","price":"SEK 15.00"},{"name":"Juice","price":"sold out"}]}`,
		"/api/health":  `[{"name":"Glase","ok":true,"what":"answers","since":"2026-11-20T12:00:00Z"},{"name":"Clock","ok":false,"what":"stands in 1970","do":"set it"}]`,
		"/api/pins": `[{"pin":"GPIO26","role":"door","level":"high","active":true,"means":"open","changed":"2026-11-20T12:00:00Z"},` +
			`{"pin":"GPIO17","role":"A1 relay","level":"low","active":false,"means":"off"}]`,
	} {
		if r := ask(t, s, "GET", path, ""); r.code != http.StatusOK || r.body != want {
			t.Errorf("%s: %d\n%s, want\n%s", path, r.code, r.body, want)
		}
	}
	bare := serve(t, Config{})
	for _, path := range []string{"/api/screen", "/api/screen.png", "/api/health", "/api/pins"} {
		if r := ask(t, bare, "GET", path, ""); r.code != http.StatusNotFound {
			t.Errorf("%s of a port that cannot tell: %d", path, r.code)
		}
	}
}
