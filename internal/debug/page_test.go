package debug

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"kioskd/fsm"
)

// TestThePageNeedsNoTokenAndShowsNoFact: its files are the same for everybody, and load nothing from elsewhere.
func TestThePageNeedsNoTokenAndShowsNoFact(t *testing.T) {
	s := serve(t, Config{Token: "technician", Machine: "Lobby", Picture: func() ([]byte, error) { return []byte("png"), nil }})
	for path, kind := range map[string]string{"/": "text/html", "/page.js": "text/javascript", "/page.css": "text/css"} {
		r := ask(t, s, "GET", path, "")
		policy := r.header.Get("Content-Security-Policy")
		if r.code != http.StatusOK || !strings.HasPrefix(r.header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d, %s", path, r.code, r.header.Get("Content-Type"))
		}
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("%s: the policy is %s", path, policy)
		}
		if b := r.body; strings.Contains(b, "Lobby") || strings.Contains(b, "//cdn") || strings.Contains(b, "https://") {
			t.Errorf("%s tells a fact, or asks somebody else", path)
		}
	}
	for _, path := range []string{"/api/status", "/api/machine", "/api/health", "/api/pins", "/api/screen.png", "/api/sales/SALE1/story", "/page.html", "/page/page.html", "/nothing"} {
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
	var lines []line
	if err := json.Unmarshal([]byte(text), &lines); err != nil || len(lines) != 7 || lines[0].Seq != 1 || lines[0].Time.IsZero() {
		t.Fatalf("%v: %s", err, text)
	}
	for n, want := range []string{
		"a customer scanned: up to 50.00 SEK", "sendInvoice: invoice 4711", "getPaymentStatus: PAID 15.00 SEK", "the product was not delivered: jam",
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
	if err := json.Unmarshal([]byte(ask(t, s, "GET", "/api/sales/BIG/story", "").body), &lines); err != nil || len(lines) != storyMax || lines[storyMax-1].Seq != 2*storyMax {
		t.Errorf("a long story has %d lines and ends with %d: %v", len(lines), lines[len(lines)-1].Seq, err)
	}
	broken := serve(t, Config{Sales: &fakeSales{err: errors.New("the card is gone")}})
	if r := ask(t, broken, "GET", "/api/sales/SALE1/story", ""); r.code != http.StatusServiceUnavailable {
		t.Errorf("without a journal: %d", r.code)
	}
}

// TestEveryEventHasItsWords: none of the state machine's events is left with its name.
func TestEveryEventHasItsWords(t *testing.T) {
	for _, e := range []fsm.Event{
		fsm.Booted{}, fsm.PurchaseRequested{}, fsm.ProductChosen{}, fsm.CancelPressed{}, fsm.RetryPressed{}, fsm.Notified{}, fsm.InvoiceSent{}, fsm.StatusAnswered{},
		fsm.InvoiceUpdated{}, fsm.ReservationCommitted{}, fsm.InvoiceCanceled{}, fsm.PaymentRefunded{}, fsm.ReceiptSubmitted{}, fsm.VendEnded{}, fsm.FaultRaised{},
		fsm.FaultCleared{}, fsm.SlotsOpened{}, fsm.SaleStopped{}, fsm.SaleResolved{}, fsm.Remembered{}, fsm.Ticked{},
	} {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if words := inWords(fsm.Name(e), b); words == fsm.Name(e) || words == "" {
			t.Errorf("%s is told as %q", fsm.Name(e), words)
		}
	}
}

func TestTheScreenIsAPictureOrAReason(t *testing.T) {
	s := serve(t, Config{Picture: func() ([]byte, error) { return []byte("png"), nil }, Parts: func() []Part { return []Part{{Name: "Clock"}} }, Pins: func() []Pin { return nil }})
	if r := ask(t, s, "GET", "/api/screen.png", ""); r.header.Get("Content-Type") != "image/png" || r.body != "png" {
		t.Errorf("the screen: %d", r.code)
	}
	if r := ask(t, s, "GET", "/api/health", ""); !strings.Contains(r.body, `"ok":false`) {
		t.Errorf("the health: %d", r.code)
	}
	broken := serve(t, Config{Picture: func() ([]byte, error) { return nil, errors.New("no QR code") }})
	if r := ask(t, broken, "GET", "/api/screen.png", ""); r.code != http.StatusServiceUnavailable || !strings.Contains(r.body, "no QR code") {
		t.Errorf("a screen that cannot be drawn: %d", r.code)
	}
}
