package world

// astraySabotages are about answers that were meant for somebody else.
func astraySabotages() []sabotage {
	return []sabotage{
		{name: "anothers-status", what: "a status is taken whatever invoice, terminal or payment it names",
			edits: []edit{{"internal/glasepay/glasepay.go",
				`		r := result(err)
		if err == nil {
			r = p.statusOurs(ctx, c, s)
		}
`, `		r := result(err)
`}}},
		{name: "anothers-reference",
			what: "an invoice's reference is given to the customer before Glase knows it as this machine's",
			edits: []edit{{reservedFile,
				`	t.s.Live.Unseen = true
	t.call()
`, `	for _, r := range t.s.Live.Requests {
		t.do(Answer{Request: r, Reference: t.s.Sale.Reference})
	}
	t.s.Live.Requests = nil
	t.callIn(pollEvery)
`}}},
		{name: "known-reference", what: "a reference is taken that the journal knows as another sale's",
			edits: []edit{{"internal/glasepay/answers.go",
				`	other, err := p.known(ctx, sale, sent.Reference, "")
`, `	other, err := "", error(nil)
`}}},
		{name: "said-once", what: "one answer that names no invoice is enough to end a sale",
			edits: []edit{{"fsm/heard.go",
				`	if word == t.s.Live.Heard {
`, `	if word != "" || t.s.Live.Heard == "" {
`}}},
	}
}
