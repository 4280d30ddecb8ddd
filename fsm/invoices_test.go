package fsm

import (
	"fmt"
	"testing"
	"time"

	"kioskd/internal/money"
)

// TestASaleHasABoundedNumberOfInvoices: a Glase that loses an answer each time and makes a new invoice each time is
// given up at a bound. Every invoice that it named is settled then, and only where somebody may have paid one without a
// name a person must look.
func TestASaleHasABoundedNumberOfInvoices(t *testing.T) {
	for flow, want := range map[Flow]SaleState{Reservation: Cancelled, InvoiceQR: Cancelled, Sticker: InDoubt} {
		now := Instant(time.Hour)
		sek := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }
		shelf := []Slot{{ID: "A1", Name: "P", Price: sek(1500), MaxVend: time.Second}}
		s, _, _ := Step(State{}, Booted{At: now, Boot: "b", Shelf: shelf, First: map[string]int{"A1": 5},
			Rules: Rules{flow, false, money.Amount{}, time.Minute, time.Minute, 10 * time.Minute, 20 * time.Second}})
		var first Event = ProductChosen{At: now, New: NewSale{"S1", "I1", "s"}, Item: "i1", Slot: "A1"}
		if flow == Reservation {
			first = PurchaseRequested{now, "r", NewSale{"S1", "I1", "s"}, "p", sek(5000)}
		}
		s, _, _ = Step(s, first)
		sent := 0
		for range 1000 {
			if s.Sale.Ended {
				break
			}
			if s.Live.Waiting == 0 {
				now, _ = s.Wake()
				s, _, _ = Step(s, Ticked{now})
				continue
			}
			done, call := Result{Kind: Done}, s.Live.Waiting
			switch {
			case s.Stage == Invoicing:
				sent++
				s, _, _ = Step(s, Answered{At: now, Operation: SendInvoice, Call: call, Sale: "S1", Result: done,
					Reference: fmt.Sprint("R", sent), Repeated: true})
			case s.Live.Checking:
				s, _, _ = Step(s, Answered{At: now, Operation: AskStatus, Call: call, Sale: "S1", Result: done,
					Status: StatusCanceled})
			default:
				s, _, _ = Step(s, Answered{At: now, Operation: CancelInvoice, Call: call, Sale: "S1", Result: done})
			}
		}
		if !s.Sale.Ended || s.Sale.State != want || sent > invoicesMax+1 {
			t.Errorf("%s: %s after %d invoices: %+v", flow, s.Sale.State, sent, s.Sale)
		}
		for n := range sent {
			if ref := fmt.Sprint("R", n+1); !s.Sale.has(ref) {
				t.Errorf("%s: invoice %s is forgotten", flow, ref)
			}
		}
		for _, i := range s.Sale.Invoices {
			if !i.Settled {
				t.Errorf("%s: invoice %s is not settled", flow, i.Reference)
			}
		}
	}
}
