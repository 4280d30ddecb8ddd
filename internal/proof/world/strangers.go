package world

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"kioskd/glase"
	"kioskd/glase/glasetest"
	"kioskd/internal/money"
)

// strangers are those who should not be there: a forger of notifications, and a second machine with our terminal, as
// from a copied card.
func (w *world) strangers(visit string) {
	if r, yes := w.maybe(15, visit+"/forger"); yes {
		w.harm.met("forged notifications")
		w.people.Go(func() { w.forge(r) })
	}
	if r, yes := w.maybe(5, visit+"/foreign cancel"); yes {
		w.people.Go(func() { w.foreignCancel(seconds(r, 50)) })
	}
	if r, yes := w.maybe(5, visit+"/foreign invoice"); yes {
		w.harm.met("foreign invoice")
		w.people.Go(func() {
			time.Sleep(seconds(r, 50))
			price := money.Amount{Minor: 1500, Currency: "SEK"}
			w.diary.note("a foreign machine makes an invoice")
			w.harm.moment(foreignInvoice)
			_, _ = w.foreign.SendInvoice(context.Background(), glase.Invoice{
				PaymentMode: glase.ImmediateDebit, Title: foreignTitle,
				ClientInvoiceID: fmt.Sprintf("foreign %d", r.Uint32()),
				Rows:            []glase.InvoiceRow{{Description: "Foreign", Quantity: 1, Total: price}}, Total: price,
			})
		})
	}
}

// foreignCancel lets go of whatever the last sale has.
func (w *world) foreignCancel(in time.Duration) {
	time.Sleep(in)
	w.harm.met("foreign cancel")
	if sale, any := w.store.last(); any && sale.InvoiceReference != "" {
		w.diary.note("a foreign machine cancels")
		// it may fail: others have troubles, too
		_ = w.foreign.CancelInvoice(context.Background(), sale.InvoiceReference)
	}
}

const (
	foreignTitle   = "Foreign"
	foreignInvoice = "foreign invoice"
)

// intruder is a foreign machine's way to Glase, which notes its calls.
type intruder struct{ world *world }

// RoundTrip implements http.RoundTripper.
func (i intruder) RoundTrip(r *http.Request) (*http.Response, error) {
	i.world.referee.intrusion()
	return i.world.glase.Transport().RoundTrip(r)
}

// forge sends notifications that are not Glase's: with no secret of ours, or with one that was overheard.
func (w *world) forge(r *rand.Rand) {
	for range 1 + r.IntN(5) {
		time.Sleep(seconds(r, 30))
		path := "/seqr/notify/AAAAAAAAAAAAAAAAAAAAAAAAAA"
		w.mu.Lock()
		if n := len(w.hints); n > 0 && r.IntN(3) > 0 {
			path = w.hints[r.IntN(n)]
		}
		w.mu.Unlock()
		req, err := http.NewRequest(http.MethodPost, "http://kiosk.test"+path,
			bytes.NewReader([]byte("invoiceReference=1")))
		if err != nil {
			panic(err) // a path that came from a request
		}
		resp, err := glasetest.InProcess(doorway{w}).RoundTrip(req)
		if err != nil {
			continue // no kiosk runs
		}
		w.diary.note("a forged notification: %s", resp.Status)
	}
}
