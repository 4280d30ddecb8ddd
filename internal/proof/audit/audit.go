// Package audit compares what a kiosk of a process of its own says of its sales with Glase's books and with the machine
// that it sold from.
package audit

import (
	"fmt"

	"kioskd/hw/gpio/simboard"
	"kioskd/internal/debug/api"
	"kioskd/internal/money"
	"kioskd/internal/proof/phone"
)

func minor(amount string) int64 {
	a, err := money.Parse(amount, "SEK")
	if err != nil {
		panic(fmt.Sprintf("%q is no amount", amount))
	}
	return a.Minor
}

// Books holds the promises against what the outside sees, and gives a sentence for each that is broken. Nothing was wrong
// in these worlds but ends and begins of the kiosk, so nothing may be lost or stand in doubt.
func Books(sales []api.Sale, ledger []phone.Movement, board simboard.Snapshot) (broken []string) {
	violated := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	held, paid := map[string]int64{}, map[string]int64{}
	for _, m := range ledger {
		switch a := minor(m.Amount); m.Kind {
		case "reserve":
			held[m.Invoice] += a
		case "release":
			held[m.Invoice] -= a
		case "charge":
			paid[m.Invoice] += a
			held[m.Invoice] = max(0, held[m.Invoice]-a) // out of the reservation, if there was one
		case "refund", "reversal":
			paid[m.Invoice] -= a
		default:
			violated("the ledger has a movement %q", m.Kind)
		}
	}
	items, delivered, unknown := map[string]int{}, map[string]int{}, map[string]int{}
	known := map[string]bool{}
	for _, s := range sales {
		known[s.InvoiceReference] = true
		var owed int64
		for _, i := range s.Items {
			items[i.Slot]++
			switch i.Outcome {
			case "delivered":
				delivered[i.Slot]++
				owed += minor(i.Price)
			case "unknown":
				unknown[i.Slot]++
			case "not_delivered":
			default:
				violated("sale %s has an item that is %s", s.ID, i.Outcome)
			}
		}
		switch s.State {
		case "charged", "released", "refunded", "cancelled", "failed":
		default:
			violated("sale %s is %s: %s %s", s.ID, s.State, s.Why, s.Note)
		}
		if net := minor(s.Charged) - minor(s.Refunded); net != owed || paid[s.InvoiceReference] != owed {
			violated("sale %s: what came out is worth %d, the kiosk says %d, and Glase %d", s.ID, owed, net,
				paid[s.InvoiceReference])
		}
	}
	for invoice, a := range held {
		if a != 0 {
			violated("%d of invoice %s is still held", a, invoice)
		}
	}
	for invoice, a := range paid {
		if a != 0 && !known[invoice] {
			violated("%d was paid for invoice %s, which no sale knows", a, invoice)
		}
	}
	for _, s := range board.Slots {
		if s.Relay {
			violated("the relay of %s is on", s.Slot)
		}
		if s.Pulses > items[s.Slot] {
			violated("motor %s started %d times for %d items", s.Slot, s.Pulses, items[s.Slot])
		}
		if s.Dropped < delivered[s.Slot] || s.Dropped > delivered[s.Slot]+unknown[s.Slot] {
			violated("%d products came out of %s, and %d are delivered and %d unknown", s.Dropped, s.Slot,
				delivered[s.Slot], unknown[s.Slot])
		}
	}
	return broken
}
