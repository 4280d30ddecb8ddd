package world

const (
	loopFile    = "internal/kiosk/loop.go"
	memoryFile  = "internal/kiosk/memory.go"
	recordsFile = "internal/app/records.go"
	bootFile    = "fsm/boot.go"
	stepFile    = "fsm/step.go"
	faultsFile  = "fsm/faults.go"
)

// recordSabotages are about what is on the disk, and when.
func recordSabotages() []sabotage {
	return []sabotage{
		{name: "act-before-recording", what: "the motor starts before the step is on the disk", edits: []edit{{loopFile,
			`		err := k.cfg.Journal.Append(k.ctx, Record{k.cfg.Wall(), before.Live, e, next, effects})
		if err != nil {
			k.journalFailed(e, err)
			return
		}
	}
`, `		k.commit(e, next, effects, durable)
		if err := k.cfg.Journal.Append(k.ctx, Record{k.cfg.Wall(), before.Live, e, next, effects}); err != nil {
			k.journalFailed(e, err)
		}
		return
	}
`}}},
		{name: "record-in-passing", what: "the loop does not wait for the record", edits: []edit{{loopFile,
			`		err := k.cfg.Journal.Append(k.ctx, Record{k.cfg.Wall(), before.Live, e, next, effects})
		if err != nil {
			k.journalFailed(e, err)
			return
		}
`, `		r := Record{k.cfg.Wall(), before.Live, e, next, effects}
		k.work.Go(func() { _ = k.cfg.Journal.Append(k.ctx, r) })
`}}},
		{name: "failing-journal-ignored", what: "a record that fails is logged, and the sale goes on",
			edits: []edit{{loopFile,
				`			k.journalFailed(e, err)
			return
`, `			k.cfg.Log.Error().Err(err).Msg("the journal cannot be written")
`}}},
		{name: "act-once-more-before-the-fault",
			what: "what the journal did not take is carried out before the machine goes out of service",
			edits: []edit{{memoryFile,
				`	k.step(fault)
	k.step(e)
}`, `	k.step(e)
	k.step(fault)
}`}}},
		{name: "sales-recorded-at-their-ends", what: "a sale is recorded when it begins and when it ends",
			edits: []edit{{stepFile,
				`!reflect.DeepEqual(before, after)`, `!reflect.DeepEqual(before.Sale.State, after.Sale.State)`}}},
		{name: "memory-never-recorded",
			what: "what happened while the journal failed is not recorded when it works again",
			edits: []edit{{memoryFile,
				`	if err := k.cfg.Journal.Append(k.ctx, Record{k.cfg.Wall(), fsm.Live{}, e, next, nil}); err != nil {
`, `	if err := k.cfg.Journal.Append(k.ctx, Record{k.cfg.Wall(), fsm.Live{}, e, k.cfg.State, nil}); err != nil {
`}}},
		{name: "missed-stock-forgotten",
			what: "the products that were taken while the journal failed stay in the stock", edits: []edit{{memoryFile,
				`	e := fsm.Remembered{At: k.cfg.Now(), State: next}
`, `	next.Stock = k.cfg.State.Stock
	e := fsm.Remembered{At: k.cfg.Now(), State: next}
`}}},
		{name: "config-knows-the-stock", what: "each start takes the config's word for what is in the machine",
			edits: []edit{{"fsm/shelf.go",
				`!known || e.RefilledBy != ""`, `!known || known`}}},
		{name: "service-without-a-record",
			what: "a machine goes back into service although the record that says so was refused",
			edits: []edit{{memoryFile,
				`		k.refused()
		return
	}
	k.cfg.Log.Warn()`, `		k.refused()
		k.memory = true
	}
	k.cfg.Log.Warn()`}}},
		{name: "journal-never-tried-again", what: "a journal that could not be opened is not tried again",
			edits: []edit{{recordsFile,
				`case <-time.After(time.Minute):`, `case <-time.After(10000 * time.Hour):`}}},
		{name: "sells-without-a-journal", what: "without a journal the kiosk works from memory",
			edits: []edit{{recordsFile,
				`func (r refusing) Append(context.Context, kiosk.Record) error { return r.err }`,
				`func (r refusing) Append(context.Context, kiosk.Record) error { return nil }`}}},
		{name: "journal-fault-stays", what: "a machine whose journal failed once never sells again",
			edits: []edit{{memoryFile,
				`fsm.FaultCleared{At: k.cfg.Now(), Name: reason.Journal}`,
				`fsm.FaultCleared{At: k.cfg.Now(), Name: ""}`}}},
		{name: "faults-never-cleared", what: "a door that was open once keeps the machine out of service",
			edits: []edit{{faultsFile,
				`	if !t.s.fault(name) {
		return
	}
`, `	if !t.s.fault(name) || name == reason.Door {
		return
	}
`}}},
		{name: "stock-not-taken", what: "the stock is not counted down", edits: []edit{{"fsm/dispensing.go",
			`	if taken {
		t.takeStock(slot)
`, `	if taken && false {
		t.takeStock(slot)
`}}},
		{name: "stock-taken-for-a-jam", what: "a product that did not come out is taken from the stock",
			edits: []edit{{"fsm/dispensing.go",
				`	if taken {
		t.takeStock(slot)
`, `	if taken || o == NotDelivered {
		t.takeStock(slot)
`}}},
	}
}

// bootSabotages are about what a start makes of the sale that it finds open.
func bootSabotages() []sabotage {
	return []sabotage{
		{name: "boot-vends-again", what: "a start runs the vend again that it finds begun", edits: []edit{{bootFile,
			`	t.lostVends(e.Evidence)
	if e.Lost`, `	if s.Stage == Vending {
		t.start(t.pending())
		return
	}
	t.lostVends(e.Evidence)
	if e.Lost`}}},
		{name: "boot-vends-what-was-paid", what: "a start that finds a product paid for vends it",
			edits: []edit{{bootFile,
				`	t.lostVends(e.Evidence)
	if e.Lost`, `	if s.Sale.Flow != Reservation && s.Stage == Awaiting {
		t.enter(Awaiting)
		t.call()
		return
	}
	t.lostVends(e.Evidence)
	if e.Lost`}}},
		{name: "boot-resumes-choosing", what: "after a start the customer goes on choosing", edits: []edit{{bootFile,
			`	default:
		t.enter(Resolving)
		t.call()
	}
}`, `	case Choosing:
		t.choose()
	default:
		t.enter(Resolving)
		t.call()
	}
}`}}},
		{name: "boot-believes-in-delivery", what: "a start takes what was being vended for delivered",
			edits: []edit{{bootFile,
				`Evidence{item.ID, Unknown, reason.Restarted}`, `Evidence{item.ID, Delivered, reason.Restarted}`}}},
		{name: "boot-believes-in-no-delivery", what: "a start takes what was being vended for not delivered",
			edits: []edit{{bootFile,
				`Evidence{item.ID, Unknown, reason.Restarted}`, `Evidence{item.ID, NotDelivered, reason.Restarted}`}}},
		{name: "boot-forgets-the-sale", what: "a start begins with an empty machine", edits: []edit{{bootFile,
			`	if !t.s.Busy() {
		t.settleIdle()
`, `	if s.Sale = (Sale{}); !t.s.Busy() {
		t.settleIdle()
`}}},
		{name: "boot-ends-the-sale", what: "a start ends the sale that it finds open, without asking",
			edits: []edit{{bootFile,
				`	s.Sale.Recovered = true
`, `	s.Sale.Recovered = true
	t.end(Cancelled, reason.Restarted)
	return
`}}},
		{name: "boot-forgets-the-invoice", what: "a start gives up the invoice whose reference it does not know",
			edits: []edit{{bootFile,
				`		t.enter(Invoicing) // found by its clientInvoiceId, and cancelled, before there is another
`, `		t.end(Failed, reason.Restarted)
		return
`}}},
		{name: "boot-releases-what-came-out", what: "a start lets every reservation go", edits: []edit{{bootFile,
			`	nothing := sale.Basket().IsZero()
`, `	nothing := sale.Basket().IsZero() || !sale.Basket().IsZero()
`}}},
		{name: "boot-keeps-the-clock", what: "a start takes the moments of another boot for its own's",
			edits: []edit{{bootFile,
				`	if e.Boot != s.Boot {`, `	if s.Boot == "" { // another clock`}}},
		{name: "boot-sure-of-its-refund",
			what: "a start does not know that the refund which it repeats may have been made", edits: []edit{{bootFile,
				`		s.Live.MayHaveHappened = true
		t.call()
	case Receipting:`, `		t.call()
	case Receipting:`}}},
		{name: "boot-believes-in-the-refund", what: "a start takes a refund that was begun for made",
			edits: []edit{{bootFile,
				`		s.Live.MayHaveHappened = true
		t.call()
	case Receipting:`, `		s.Sale.Refunded = s.Sale.RefundDue
		t.end(Refunded, reason.Restarted)
	case Receipting:`}}},
		{name: "boot-repeats-a-partial-refund",
			what: "a start makes the refund of a part again, which may have been made", edits: []edit{{bootFile,
				`		if !s.Sale.fullRefund() { // the request`, `		if false { // the request`}}},
		{name: "boot-overlooks-a-payment",
			what: "a start takes a payment that it finds for an invoice that nobody paid", edits: []edit{{bootFile,
				`		t.knownByCharge(a)
		t.paidUnwanted(a)
`, `		t.unpaid()
`}}},
		{name: "boot-in-doubt", what: "a start leaves the reservation that it finds to a technician",
			edits: []edit{{bootFile,
				`	case nothing:
		sale.SeenReserved = sale.SeenReserved || a.Status == StatusReserved
		t.release(reason.Restarted)
`, `	case nothing:
		t.doubt("restarted")
`}}},
	}
}
