package world

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"regexp"
	"time"

	"kioskd/fsm"
	"kioskd/internal/money"
)

// What the kiosk says to Glase must be right by itself, also where this Glase would forgive it.

const (
	questionMax = 3 * time.Second // Glase takes back what nobody asks for within 20 s, so no question may wait for long
	reversedIn  = 20 * time.Second
)

var (
	referenceOf = regexp.MustCompile(`<invoiceReference>(.*?)</invoiceReference>`)
	amountOf    = regexp.MustCompile(`<amount>.*?<value>(.*?)</value>.*?</amount>`)
	paidAlready = []byte("<resultCode>50</resultCode>")
)

func part(r *regexp.Regexp, body []byte) string {
	if m := r.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	return ""
}

// asks: what is committed is what the invoice says by then, and a payment that came before its cancelling is left to
// Glase.
func (w *wire) asks(op string, body []byte) {
	ref := part(referenceOf, body)
	switch op {
	case "commitReservation":
		i, err := w.world.glase.Invoice(ref)
		amount, bad := money.Parse(part(amountOf, body), i.Total.Currency)
		if err == nil && i.Status == "RESERVED" && (bad != nil || amount != i.Total) {
			w.world.referee.violated("commits %v while the invoice is still of %v", amount, i.Total)
		}
	case "getPaymentStatus":
		w.mu.Lock()
		early := time.Now().Before(w.hush[ref])
		w.mu.Unlock()
		if early && w.gate.alive() {
			w.world.referee.violated("asks for a payment that Glase would take back by itself, invoice %s", ref)
		}
	}
}

// told: no question waits for long; and in direct debit, 50 says that somebody just paid.
func (w *wire) told(op string, body []byte, began time.Time, answer *http.Response) {
	if d := time.Since(began); op == "getPaymentStatus" && d > questionMax {
		w.world.referee.violated("waits %v for the answer to one question", d)
	}
	if op == "sendInvoice" {
		w.world.referee.heard.sent(answer)
	}
	if op != "cancelInvoice" || answer == nil || w.world.o.Flow == string(fsm.Reservation) {
		return
	}
	b := said(answer)
	if !bytes.Contains(b, paidAlready) || xml.Unmarshal(b, new(struct{})) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hush == nil {
		w.hush = map[string]time.Time{}
	}
	w.hush[part(referenceOf, body)] = time.Now().Add(reversedIn)
}
