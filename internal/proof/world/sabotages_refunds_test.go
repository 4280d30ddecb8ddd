package world

// giveBackSabotages are about money that a person gives back of a sale that is over.
func giveBackSabotages() []sabotage {
	const (
		verdictFile = "fsm/verdict.go"
		counted     = `		sale.Refunded = sale.refunded().Add(sale.RefundDue)
`
		busy = `	case t.s.Busy() && !helpless:
`
		ofAPart = `	case r.Kind == ResultUnknown && full:
`
		refused = `		sale.Note, sale.RefundDue = p.note()+": nothing went back; "+sale.Note, money.Amount{}
`
		asks = `	if !ok || t.undecided(a) {
		return
	}
	sale := &t.s.Sale
	nothing := sale.Basket().IsZero()
`
	)
	return []sabotage{
		{name: "refund-is-not-counted", what: "what a person gave back is not counted",
			edits: []edit{{settleFile, counted, `		if sale.Verdict.Amount.IsZero() {
			sale.Refunded = sale.refunded().Add(sale.RefundDue)
		}
`}}},
		{name: "refund-forgets-the-earlier", what: "of several refunds of a sale only the last is counted",
			edits: []edit{{settleFile, counted, `		sale.Refunded = sale.RefundDue
`}}},
		{name: "refund-of-a-part-repeated",
			what: "a part that a person gives back is asked for again without an answer",
			edits: []edit{{settleFile, ofAPart,
				`	case r.Kind == ResultUnknown && (full || sale.Verdict.Amount.Minor > 0):
`}}},
		{name: "refund-unknown-counts", what: "a part that a person gives back counts as made without an answer",
			edits: []edit{{settleFile, ofAPart, `	case r.Kind == ResultUnknown && sale.Verdict.Amount.Minor > 0:
		sale.Refunded = sale.refunded().Add(sale.RefundDue)
		t.refunded()
	case r.Kind == ResultUnknown && full:
`}}},
		{name: "refund-above-the-charge", what: "a person may give back more than was charged",
			edits: []edit{{verdictFile, `	return v.Amount.Minor > 0 && !s.Charged.Sub(s.refunded()).Less(v.Amount)
`, `	return v.Amount.Minor > 0
`}, {"internal/debug/refund.go", `	if left.Less(back) {
`, `	if false {
`}}},
		{name: "refund-98-changes-nothing", what: "a first refund that is refused with 98 just did not happen",
			edits: []edit{{settleFile, `r.Word != "" && !r.refused(OverRefunded) &&`, `r.Word != "" &&`}}},
		{name: "refund-refused-counts", what: "what Glase refuses to give back counts as given back",
			edits: []edit{{settleFile, refused, `		sale.Refunded = sale.refunded().Add(sale.RefundDue)
`}}},
		{name: "refund-forgotten-at-a-start", what: "a start ends a refund that it finds begun as if it were none",
			edits: []edit{{"fsm/boot.go", `	case Refunding:
		t.enter(Refunding)
`, `	case Refunding:
		if s.Sale.Verdict.Amount.Minor > 0 {
			t.end(Charged, "")
			return
		}
		t.enter(Refunding)
`}}},
		{name: "refund-amount-is-not-recorded", what: "how much a person gives back is forgotten over a restart",
			edits: []edit{{stateFile, "	Amount money.Amount `json:\"amount,omitzero\"`\n",
				"	Amount money.Amount `json:\"-\"`\n"}}},
		{name: "refund-in-a-sale", what: "a sale is refunded while another one is on",
			edits: []edit{{verdictFile, busy, `	case t.s.Busy() && !helpless && v.Amount.IsZero():
`}}},
		{name: "refund-without-an-answer", what: "a question without an answer counts as a refund",
			edits: []edit{{"fsm/boot.go", asks,
				`	if ok && a.Result.Kind == ResultUnknown && t.s.Sale.Verdict.Amount.Minor > 0 {
		t.s.Sale.Refunded = t.s.Sale.refunded().Add(t.s.Sale.Verdict.Amount)
		t.refunded()
		return
	}
` + asks}}},
		{name: "refund-in-doubt-is-all", what: "who decides on a part in doubt gives all back",
			edits: []edit{{verdictFile, `		s.Verdict.Amount = about
`, `		s.RefundDue = money.Amount{}
`}}},
		{name: "refund-by-hand-is-all",
			what: "a part in doubt that a person has seen in Glase's books is recorded as all",
			edits: []edit{{verdictFile, `		if about.Minor > 0 {
`, `		if about.Minor < 0 {
`}}},
		{name: "refund-takes-the-product", what: "what was given back counts as if its product had not come out",
			edits: []edit{{settleFile, counted, counted + `		if sale.Verdict.Amount.Minor > 0 {
			sale.Items = nil
		}
`}}},
	}
}
