package world

// invoiceSabotages are about a Glase that makes a new invoice of each sendInvoice.
func invoiceSabotages() []sabotage {
	const invoicesFile = "fsm/invoices.go"
	return []sabotage{
		{name: "forgets-an-older-reference",
			what: "of several invoices that Glase made for one sale only the newest is remembered",
			edits: []edit{{invoicesFile,
				`		sale.Invoices = append(slices.Clip(sale.Invoices), Invoice{Reference: sale.Reference})
		fallthrough
`, `		fallthrough
`}}},
		{name: "older-invoice-left-open",
			what: "of several invoices that Glase made for one sale only the newest is cancelled",
			edits: []edit{{invoicesFile,
				`Invoice{Reference: sale.Reference})
`, `Invoice{Reference: sale.Reference, Settled: true})
`}}},
		{name: "nameless-invoice-left", what: "an invoice whose answer was lost is left to whoever scans the sticker",
			edits: []edit{{invoicesFile,
				`	case !sale.Unheard:
		return false
`, `	case true:
		return false
`}}},
	}
}
