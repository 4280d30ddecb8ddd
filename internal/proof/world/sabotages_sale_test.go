package world

const (
	reservedFile = "fsm/reserved.go"
	settleFile   = "fsm/settle.go"
	stateFile    = "fsm/state.go"
	callsFile    = "fsm/calls.go"
)

// saleSabotages are about who may buy what, and when.
func saleSabotages() []sabotage {
	return []sabotage{
		{name: "purchase-while-busy", what: "a createPurchase is taken while another customer is served",
			edits: []edit{{reservedFile,
				`	case t.s.Busy() && !sale.Recovered && len(t.s.machineFaults()) == 0:
		refuse(DeviceInUse)
	case t.s.Stage != Ready || `, `	case t.s.Stage != Ready && !t.s.Busy() || `}}},
		{name: "second-invoice", what: "an invoice without an answer is given up, and the next customer gets another",
			edits: []edit{{reservedFile,
				`		t.unanswered()
		t.retry()
`, `		t.fail(e)
`}}},
		{name: "fresh-invoice-id", what: "a repeated sendInvoice has a clientInvoiceId of its own",
			edits: []edit{{callsFile,
				`		c.ClientInvoiceID, c.Reference, c.Secret, c.Flow = sale.ClientInvoiceID, `,
				`		c.ClientInvoiceID, c.Reference, c.Secret, c.Flow = sale.ClientInvoiceID+string(rune('A'+c.Number%26)), `}}},
		{name: "same-invoice-id", what: "every invoice of the machine has the same clientInvoiceId",
			edits: []edit{{"internal/mint/mint.go",
				`ClientInvoiceID: m.Text(10)`, `ClientInvoiceID: "kioskd"`}}},
		{name: "debit-at-once", what: "the customer is charged at once instead of giving a reservation",
			edits: []edit{{"internal/glasepay/glasepay.go",
				`		in.PaymentMode, in.CommitReservationTimeout = glase.ReservationPreliminary, c.ReservationTimeout
`, ``}}},
		{name: "reservation-too-short", what: "Glase is told of a shorter reservation than the machine counts on",
			edits: []edit{{"internal/glasepay/glasepay.go",
				`= glase.ReservationPreliminary, c.ReservationTimeout`,
				`= glase.ReservationPreliminary, c.ReservationTimeout/10`}}},
		{name: "issued-is-enough", what: "whoever has the invoice on the phone may choose", edits: []edit{{reservedFile,
			`	case e.Status == StatusReserved && sale.Flow == Reservation:
		sale.SeenReserved`,
			`	case (e.Status == StatusReserved || e.Status == StatusIssued) && sale.Flow == Reservation:
		sale.SeenReserved`}}},
		{name: "notification-trusted", what: "a notification counts as the customer's PIN", edits: []edit{{reservedFile,
			`	case Notified:
		t.notified(e)
	case CancelPressed:
		t.release(reason.CancelledByCustomer)
`, `	case Notified:
		if t.s.Sale.Flow == Reservation {
			t.s.Sale.SeenReserved, t.s.Live.KnownAt = true, t.now
			t.choose()
			return
		}
		t.s.Sale.Charged = t.s.Sale.Reserved
		t.start(t.s.Sale.Items[0])
	case CancelPressed:
		t.release(reason.CancelledByCustomer)
`}}},
		{name: "notification-alone", what: "nobody asks for the status before a notification comes",
			edits: []edit{{reservedFile,
				`		t.end(Cancelled, reason.PaymentFailed)
	default:
		t.poll()
	}
}`, `		t.end(Cancelled, reason.PaymentFailed)
	}
}`}}},
		{name: "polls-end-with-a-lost-answer",
			what: "a question without an answer while the customer pays is the last one", edits: []edit{{reservedFile,
				`			return
		}
		t.poll()
		return
	}
	t.s.Live.Version = e.Version
	switch {`, `			return
		}
		return
	}
	t.s.Live.Version = e.Version
	switch {`}}},
		{name: "slow-polls", what: "the status is asked for every 25 s", edits: []edit{{stepFile,
			`	pollEvery    = time.Second `, `	pollEvery    = 25 * time.Second `}}},
		{name: "too-expensive", what: "a price is not held against the credit", edits: []edit{{reservedFile,
			`	case t.s.Sale.Credit().Less(item.Price):`, `	case false:`}}},
		{name: "credit-for-ever", what: "what came out is not taken from the credit", edits: []edit{{stateFile,
			`	left := s.Reserved.Sub(s.Basket())
`, `	left := s.Reserved
`}}},
		{name: "price-changes", what: "a product costs what was reserved for it", edits: []edit{{reservedFile,
			`	t.s.Sale.Items = append(slices.Clip(t.s.Sale.Items), item)
`, `	item.Price = t.s.Sale.Reserved
	t.s.Sale.Items = append(slices.Clip(t.s.Sale.Items), item)
`}}},
		{name: "second-look-never", what: "a reservation that was seen once is believed to the end",
			edits: []edit{{stepFile,
				`	freshFor = 10 * time.Second`, `	freshFor = 100 * time.Hour`}}},
		{name: "vend-outlasts-the-reservation", what: "a vend may end after the reservation",
			edits: []edit{{reservedFile,
				`	return t.now.add(i.MaxVend+settleMargin) > t.s.Sale.ReservedUntil
`, `	return false
`}, {reservedFile,
				`min(t.now.add(t.s.Rules.ChooseTimeout), t.s.Sale.ReservedUntil.add(-settleMargin))`,
				`t.now.add(t.s.Rules.ChooseTimeout)`}}},
		{name: "stale-answers",
			what: "an answer to an earlier question, or about another sale, is taken for the one that is waited for",
			edits: []edit{{callsFile,
				`	if a.Operation != t.operation() || a.Sale != t.s.Sale.ID || t.s.Sale.Ended || a.Call == 0 || a.Call != t.s.Live.Waiting {
`, `	if a.Operation != t.operation() || t.s.Sale.Ended || a.Call == 0 {
`}}},
		{name: "deadlines-stay", what: "the customer's time to choose goes on while the product comes out",
			edits: []edit{{stepFile,
				`	t.s.Stage, t.s.Deadline, t.s.Reason = stage, 0, ""
`, `	t.s.Stage, t.s.Reason = stage, ""
`}, {"fsm/dispensing.go",
				`	t.s.Deadline = t.now.add(item.MaxVend + vendGrace)
`, ``}}},
		{name: "no-deadlines", what: "nothing happens when a customer's time is up", edits: []edit{{stepFile,
			`		t.s.Deadline = 0
		t.deadline()
`, `		t.s.Deadline = 0
`}}},
		{name: "wall-time", what: "deadlines are counted by the wall clock", edits: []edit{{"internal/kiosk/kiosk.go",
			`	k := &Kiosk{
`, `	cfg.Now = func() fsm.Instant { return fsm.Instant(cfg.Wall().UnixNano()) }
	k := &Kiosk{
`}}},
		{name: "faults-wait", what: "a fault that must end a sale waits for the sale's own end",
			edits: []edit{{faultsFile,
				`	if f.Hard && len(f.Slots) == 0 {
`, `	if f.Name == "" {
`}}},
	}
}

// releaseSabotages are about money that is let go because nothing came out.
func releaseSabotages() []sabotage {
	return []sabotage{
		{name: "jam-without-release", what: "a visit in which nothing came out just ends", edits: []edit{{settleFile,
			`		t.release(why)
		return
	}
	t.update()
`, `		t.end(Released, why)
		return
	}
	t.update()
`}}},
		{name: "cancel-releases-all", what: "the cancel button lets the reservation go although something came out",
			edits: []edit{{settleFile,
				`	if t.s.Sale.Basket().IsZero() {
		t.release(why)`, `	if t.s.Sale.Basket().IsZero() || why == "cancelled_by_customer" {
		t.release(why)`}}},
		{name: "pin-timeout-without-cancel",
			what: "when the customer's time for the PIN is up the invoice is left alone", edits: []edit{{stepFile,
				`			t.release(reason.PinTimeout)
`, `			t.end(Cancelled, reason.PinTimeout)
`}}},
		{name: "walked-away-without-cancel", what: "when the customer walks away the invoice is left alone",
			edits: []edit{{stepFile,
				`	case Asking:
		t.release(reason.WalkedAway)
`, `	case Asking:
		t.end(Cancelled, reason.WalkedAway)
`}}},
		{name: "button-without-cancel", what: "the cancel button ends the sale without cancelInvoice",
			edits: []edit{{reservedFile,
				`	case CancelPressed:
		t.release(reason.CancelledByCustomer)
	case RetryPressed:`, `	case CancelPressed:
		t.end(Cancelled, reason.CancelledByCustomer)
	case RetryPressed:`}}},
		{name: "cancel-believed", what: "cancelInvoice's answer is believed for a reservation",
			edits: []edit{{settleFile,
				`		l.Checking = true
		if t.s.Sale.Flow != Reservation {
			l.Heard = string(StatusCanceled)
		}
		t.call()
`, `		t.end(Released, "")
`}}},
		{name: "cancel-unknown-is-done", what: "a cancelInvoice without an answer counts as done",
			edits: []edit{{settleFile,
				`	case r.Kind != Refused: // the status says whether it was carried out, or needs to be any more
		l.Checking = true
		t.retry()
`, `	case r.Kind != Refused:
		t.end(Cancelled, "")
`}}},
		{name: "cancel-not-sent-is-done", what: "a cancelInvoice that could not be sent counts as done",
			edits: []edit{{settleFile,
				`	case r.Kind == NotSent:
		t.retry()
	case r.refused(Busy):
		t.retryOrDoubt(e.note())
`, `	case r.Kind == NotSent:
		t.end(Cancelled, "")
	case r.refused(Busy):
		t.retryOrDoubt(e.note())
`}}},
		{name: "cancel-50-is-final", what: "an invoice that cannot be cancelled since it is paid just ends",
			edits: []edit{{settleFile,
				`		l.Checking = true
		t.callIn(reversalWait) // to ask`, `		t.end(Cancelled, "") // to ask`}}},
		{name: "cancel-50-asks-at-once",
			what: "a payment that came before its cancelling is acknowledged instead of being left to Glase's reversal",
			edits: []edit{{settleFile,
				`		t.callIn(reversalWait) // to ask`, `		t.call() // to ask`}}},
		{name: "paid-while-cancelling", what: "a payment that comes while it is being cancelled is overlooked",
			edits: []edit{{settleFile,
				`	case StatusPaid:
		t.paidUnwanted(e)
`, `	case StatusPaid:
		t.unpaid()
`}}},
		{name: "reserved-while-cancelling", what: "a reservation that comes while it is being cancelled is overlooked",
			edits: []edit{{settleFile,
				`	case StatusReserved:
		sale.SeenReserved = true
		switch {`, `	case StatusReserved:
		t.end(Cancelled, "")
		switch {`}}},
	}
}
