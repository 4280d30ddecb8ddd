package fsm

import (
	"testing"

	"kioskd/internal/money"
)

// TestEachRefundHasItsOwnName: whatever follows a refund has another name, or Glase may take it for the same
// one.
func TestEachRefundHasItsOwnName(t *testing.T) {
	sek := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }
	s := Sale{Payment: Payment{ClientInvoiceID: "I1", Charged: sek(1500)}}
	names := map[string]bool{}
	for _, refunded := range []int64{0, 500, 501, 1000} {
		s.Refunded = sek(refunded)
		if names[s.refundID()] {
			t.Errorf("after %d: %s", refunded, s.refundID())
		}
		names[s.refundID()] = true
	}
	s.Refunded, s.Invoices = sek(0), []Invoice{{Reference: "R0", Charged: sek(500)}}
	if names[s.refundID()] {
		t.Errorf("another payment's: %s", s.refundID())
	}
}

// TestARefundCountsWhatWentBackSinceItWasRead: two requests may read the record before the first of them has ended.
func TestARefundCountsWhatWentBackSinceItWasRead(t *testing.T) {
	sek := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }
	read := Sale{ID: "S1", State: Charged, Ended: true,
		Payment: Payment{Reference: "R1", ErsReference: "E1", Reserved: sek(1500), Charged: sek(1500)}}
	now := read
	now.Refunded = sek(500)
	for amount, want := range map[int64]Refusal{1001: NothingToDo, 1000: ""} {
		v := Verdict{Decision: Refund, By: "anna", Reason: "it was warm", Amount: sek(amount)}
		s, effects, _ := Step(State{Stage: Ready, Sale: now}, SaleResolved{Request: "v1", Sale: read, Verdict: v})
		if a, ok := effects[0].(Answer); !ok || a.Refusal != want || s.Sale.Refunded != sek(500) {
			t.Errorf("%d of the 1000 that are left: %+v, and %v went back", amount, effects, s.Sale.Refunded)
		}
	}
}
