package fsm

import (
	"time"

	"kioskd/internal/reason"
)

// hurryAfter sales in a row that nobody paid for shorten the time for the PIN to Rules.PinHurry. Anybody who has seen
// the machine's QR can ask for an invoice and leave it: a customer who means it pays, and three in a row do not just
// give up.
const hurryAfter = 3

// Hurried reports whether so many sales in a row were not paid for that the time for the PIN is Rules.PinHurry.
func (s State) Hurried() bool { return s.Rules.PinHurry > 0 && s.Unpaid >= hurryAfter }

// PinTime is how long the next customer has for the PIN (reservation): Rules.PinTimeout, or less while the machine is
// Hurried.
func (s State) PinTime() time.Duration {
	if s.Hurried() {
		return min(s.Rules.PinTimeout, s.Rules.PinHurry)
	}
	return s.Rules.PinTimeout
}

// countUnpaid keeps the count when a sale has ended. What somebody does who is not at the machine counts: to let the
// time pass, to cancel or to fail on a phone. The cancel button, a fault and a restart are not theirs, and a customer
// who reserved money is none of them, whatever came of it. The count stops at hurryAfter: more of it decides nothing.
func (t *step) countUnpaid() {
	sale := t.s.Sale
	switch {
	case sale.State == Charged:
		t.s.Unpaid = 0
	case sale.Flow != Reservation || sale.State != Cancelled || sale.SeenReserved || t.s.Rules.PinHurry <= 0:
	case sale.Why == reason.PinTimeout || sale.Why == reason.CancelledOnPhone || sale.Why == reason.PaymentFailed:
		t.s.Unpaid = min(t.s.Unpaid+1, hurryAfter)
	}
}
