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
