package world

// chargeSabotages are about charging what came out of a reservation.
func chargeSabotages() []sabotage {
	return []sabotage{
		{name: "commit-the-reservation", what: "all that is reserved is charged instead of what came out",
			edits: []edit{{callsFile,
				`		c.Total, c.Items = sale.Basket(), sale.charged()
`, `		if c.Total, c.Items = sale.Basket(), sale.charged(); c.Operation == CommitReservation {
			c.Total = sale.Reserved
		}
`}}},
		{name: "commit-before-the-update",
			what: "the reservation is committed before the invoice is known to be the basket's",
			edits: []edit{{settleFile,
				`		t.retry() // it sets, so repeating it is safe; the deadline ends this
`, `		t.commit()
`}}},
		{name: "update-lost-is-free", what: "an updateInvoice without an answer lets the reservation go",
			edits: []edit{{settleFile,
				`		t.retry() // it sets, so repeating it is safe; the deadline ends this
`, `		t.release("settle_failed")
`}}},
		{name: "update-48-is-final", what: "a payment in progress counts as a refusal of the update",
			edits: []edit{{settleFile,
				`	case r.Kind != Refused, r.refused(InProgress, Busy):
`, `	case r.Kind != Refused, r.refused(Busy):
`}}},
		{name: "commit-believed",
			what: "commitReservation's answer is believed, and nobody asks whether the invoice is PAID",
			edits: []edit{{settleFile,
				`only PAID proves it, and Glase takes back what nobody asks for
	t.confirm()
`, `only PAID proves it
	if r.Kind == Done {
		t.s.Sale.Charged = t.s.Sale.Basket()
		t.end(Charged, "")
		return
	}
	t.confirm()
`}}},
		{name: "commit-once", what: "a commitReservation that was lost is not made again", edits: []edit{{stepFile,
			`	commitsMax  = 150 //`, `	commitsMax  = 1 //`}}},
		{name: "commit-unknown-is-done", what: "a commitReservation without an answer counts as done",
			edits: []edit{{settleFile,
				`	case r.Kind == NotSent && t.now < t.s.Sale.ReservedUntil:
		t.retry()
		return
`, `	case r.Kind == NotSent && t.now < t.s.Sale.ReservedUntil:
		t.retry()
		return
	case r.Kind == ResultUnknown:
		t.s.Sale.Charged = t.s.Sale.Basket()
		t.end(Charged, "")
		return
`}}},
		{name: "commit-refused-is-free", what: "a commitReservation that is refused just ends the sale",
			edits: []edit{{settleFile,
				`		t.s.Sale.Refusal = c.note()
`, `		t.end(Released, "settle_failed")
		return
`}}},
		{name: "canceled-is-charged", what: "a sale counts as charged although the invoice is CANCELED",
			edits: []edit{{settleFile,
				`		case StatusCanceled, StatusFailed:
			t.gone(e.Status)
		case StatusReserved:
			t.stillReserved()
`, `		case StatusCanceled, StatusFailed:
			t.s.Sale.Charged = t.s.Sale.Basket()
			t.end(Charged, "")
		case StatusReserved:
			t.stillReserved()
`}}},
		{name: "reserved-is-charged", what: "a sale counts as charged while the invoice is still RESERVED",
			edits: []edit{{settleFile,
				`		case StatusReserved:
			t.stillReserved()
`, `		case StatusReserved:
			t.s.Sale.Charged = t.s.Sale.Basket()
			t.end(Charged, "")
`}}},
		{name: "loss-is-a-release", what: "a sale that could not be charged counts as released",
			edits: []edit{{settleFile,
				`	case !sale.Basket().IsZero():
		t.end(Lost, reason.PaymentFailed)
`, `	case !sale.Basket().IsZero():
		t.end(Released, reason.PaymentFailed)
`}}},
		{name: "unknown-is-charged", what: "an item of which nobody knows whether it came out is charged",
			edits: []edit{{stateFile,
				`	return i.Outcome == Delivered || i.Outcome == Unknown && i.UnknownCharged
`, `	return i.Outcome == Delivered || i.Outcome == Unknown
`}}},
		{name: "unknown-is-lost", what: "an item of which nobody knows whether it came out disappears from the sale",
			edits: []edit{{"fsm/dispensing.go",
				`	t.setItem(item.ID, o, why)
	if o != Delivered {`, `	if t.setItem(item.ID, o, why); o == Unknown {
		t.s.Sale.Items = slices.DeleteFunc(t.s.Sale.Items, func(i Item) bool { return i.ID == item.ID })
	}
	if o != Delivered {`}}},
		{name: "all-is-charged", what: "a jam is charged like a delivery", edits: []edit{{stateFile,
			`	return i.Outcome == Delivered || i.Outcome == Unknown && i.UnknownCharged
`, `	return i.Outcome != Pending
`}}},
		{name: "other-amount-swallowed", what: "a charge of another amount than what came out is taken as it is",
			edits: []edit{{settleFile,
				`	case e.Amount == basket:
		t.end(Charged, "")
`, `	case !basket.IsZero():
		t.end(Charged, "")
`}}},
	}
}

// refundSabotages are about money that goes back.
func refundSabotages() []sabotage {
	return []sabotage{
		{name: "undelivered-not-refunded", what: "what was paid for and did not come out is not refunded",
			edits: []edit{{"fsm/dispensing.go",
				`	sale.Why = cmp.Or(sale.Why, why, reason.NotDelivered)
	t.refund()
`, `	sale.Why = cmp.Or(sale.Why, why, reason.NotDelivered)
	t.receipt()
`}}},
		{name: "refund-unknown-is-done", what: "a refund without an answer counts as made", edits: []edit{{settleFile,
			`		l.MayHaveHappened = true // 98 proves an earlier one
		t.retry()
`, `		sale.Refunded = sale.Charged
		t.end(Refunded, reason.NotDelivered)
`}}},
		{name: "refund-unknown-in-doubt", what: "a whole refund without an answer is left to a technician",
			edits: []edit{{settleFile,
				`		l.MayHaveHappened = true // 98 proves an earlier one
		t.retry()
`, `		t.doubt(p.note())
`}}},
		{name: "refund-not-sent-in-doubt", what: "a refund that could not be sent is left to a technician",
			edits: []edit{{settleFile,
				`	case r.Kind == NotSent:
		t.retry()
	case r.refused(InProgress`, `	case r.Kind == NotSent:
		t.doubt(p.note())
	case r.refused(InProgress`}}},
		{name: "refund-98-proves-nothing", what: "a repeated refund does not know that 98 proves the first",
			edits: []edit{{settleFile,
				`	case r.Kind == Done, r.refused(OverRefunded) && full && l.MayHaveHappened:
`, `	case r.Kind == Done:
`}, {"glase/operations.go",
				`	if full && errors.As(err, &refused) && refused.Code == CodeRefundsExceedPayment && refused.AfterUnknown {
`, `	if false && errors.As(err, &refused) {
`}, {"internal/glasepay/glasepay.go",
				`		r.Kind, r.Means, r.Word = fsm.ResultUnknown, "", ""
`, ``}}},
		{name: "refund-refused-is-done", what: "a refused refund counts as made", edits: []edit{{settleFile,
			`	default:
		t.doubt(p.note() + ": " + sale.RefundDue.String() + " owed to the customer")
`, `	default:
		sale.Refunded = sale.Charged
		t.end(Refunded, reason.NotDelivered)
`}}},
		{name: "refund-48-is-final", what: "a payment in progress counts as a refusal of the refund",
			edits: []edit{{settleFile,
				`	case r.refused(InProgress, Busy):
		l.MayHaveHappened`, `	case r.refused(Busy):
		l.MayHaveHappened`}}},
		{name: "refund-once-more", what: "a refund is made twice to be sure", edits: []edit{{settleFile,
			`		sale.Refunded = sale.refunded().Add(sale.RefundDue)
`, `		if l.Tries++; l.Tries == 1 {
			t.call()
			return
		}
		sale.Refunded = sale.refunded().Add(sale.RefundDue)
`}}},
		{name: "partial-refund-repeated", what: "the refund of a part is repeated when it had no answer",
			edits: []edit{{settleFile,
				`	case r.Kind == ResultUnknown && full:
`, `	case r.Kind == ResultUnknown:
`}, {"glase/operations.go",
				`	op := &opRefund
`, `	op := &opRefundFull
`}}},
		{name: "product-and-refund", what: "a product that came out is refunded as well",
			edits: []edit{{"fsm/dispensing.go",
				`	sale.RefundDue = sale.Charged.Sub(sale.Basket())
`, `	sale.RefundDue = sale.Charged
`}}},
	}
}
