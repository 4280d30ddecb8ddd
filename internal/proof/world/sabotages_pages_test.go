package world

// pageSabotages are about sales on the machine's page.
func pageSabotages() []sabotage {
	const (
		shopFile     = "internal/shop/shop.go"
		handlerFile  = "internal/shop/handler.go"
		reservedFile = "fsm/reserved.go"
		stepFile     = "fsm/step.go"
	)
	const left = `		if t.leftBy(e) {
			t.release(reason.WalkedAway)
		}
`
	all := []sabotage{
		{name: "page-waits-for-nobody", what: "a page that nobody looks at any more is never given up",
			edits: []edit{{shopFile, `go s.cfg.Kiosk.PageLeft(s.state.Sale.ID) // the loop may wait for us`, ``}}},
		{name: "page-word-is-ignored", what: "the state machine does not hear that a page was left",
			edits: []edit{{reservedFile, left, ``}}},
		{name: "page-hidden-is-gone", what: "a page that is out of sight while its customer is in the app is given up",
			edits: []edit{{shopFile, `s.unpaid() && !v.opened && len`, `s.unpaid() && len`}}},
		{name: "page-app-is-forgotten", what: "that the link to the app was opened is not noted",
			edits: []edit{{handlerFile, `v.opened = v.opened || v.sale.ID != "" && !v.sale.Ended`, ``}}},
		{name: "page-left-is-the-end", what: "when a page was left its sale ends, and its invoice stays",
			edits: []edit{{reservedFile, left, `		if t.leftBy(e) {
			t.end(Cancelled, reason.WalkedAway)
		}
`}}},
		{name: "page-timeout-is-the-end", what: "when the time for the PIN is over a page's sale ends, and its invoice stays",
			edits: []edit{{stepFile,
				`		if t.s.Sale.Flow == Reservation || t.s.Sale.Flow == Web { // a page cannot ask again: it may be out of sight
`, `		if t.s.Sale.Flow == Web {
			t.end(Cancelled, reason.PinTimeout)
			return
		}
		if t.s.Sale.Flow == Reservation {
`}}},
		{name: "page-cancel-is-the-end", what: "the page's Cancel ends the sale, and its invoice stays",
			edits: []edit{{reservedFile, `	case CancelPressed:
		t.release(reason.CancelledByCustomer)
	case RetryPressed:
`, `	case CancelPressed:
		t.end(Cancelled, reason.CancelledByCustomer)
	case RetryPressed:
`}}},
		{name: "page-paid-late-is-kept", what: "what is paid while a page's sale is being given up is kept",
			edits: []edit{{"fsm/settle.go", `	t.s.Sale.Charged, t.s.Sale.ErsReference = e.Amount, e.ErsReference
	t.payBack("")
`, `	t.s.Sale.Charged, t.s.Sale.ErsReference = e.Amount, e.ErsReference
	if t.s.Sale.Flow == Web {
		t.end(Charged, "")
		return
	}
	t.payBack("")
`}}},
		{name: "page-vends-before-the-payment", what: "a product that was chosen on a page comes out before it is paid",
			edits: []edit{{reservedFile, `	case e.Status == StatusPaid:
		t.paidFirst(e)
`, `	case e.Status == StatusPaid:
		t.paidFirst(e)
	case sale.Flow == Web && e.Status == StatusIssued:
		t.start(sale.Items[0])
`}}},
		{name: "page-jam-is-kept", what: "a product that was paid on a page and did not come out is not paid back",
			edits: []edit{{"fsm/dispensing.go", `	if t.s.Sale.Flow != Reservation {
		t.payBack(e.Why)
		return
	}
`, `	if t.s.Sale.Flow == Web {
		t.receipt()
		return
	}
	if t.s.Sale.Flow != Reservation {
		t.payBack(e.Why)
		return
	}
`}}},
		{name: "page-order-over-another", what: "a choice on a page begins a sale while another one is on",
			edits: []edit{{reservedFile, `	case t.s.Stage == Ready && e.Claim != "" && t.s.Rules.Pages():
`, `	case (t.s.Stage == Ready || t.s.Stage == Awaiting) && e.Claim != "" && t.s.Rules.Pages():
`}}},
	}
	for n := range all {
		all[n].flow = "web"
	}
	return all
}
