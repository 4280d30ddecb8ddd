package books

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
)

// settle compares the sales with the reports. It looks at each sale that ended since the last closing, and at each that
// a row names, however old.
func (b *Books) settle(ctx context.Context, c closing, all []closing, s statements) (closing, error) {
	from, rows := int64(0), s.rows
	for _, old := range all {
		if old.Step == api.ReportDone && old.Number != c.Number {
			from, c.Before = old.Through, old.Ended
			rows = append(rows, ahead(old, all)...)
		}
	}
	named := map[string]bool{}
	for _, r := range slices.Concat(rows, s.shop) {
		named[r.ErsReference] = true
	}
	open := false // a sale that began before the mark still is: a row may be its own
	sales := []journal.Numbered{}
	c.Ahead = nil
	later := map[string]bool{} // ersReferences of sales that ended after the mark
	err := b.each(ctx, func(sale journal.Numbered) {
		switch {
		case sale.Ended.IsZero():
			open = open || sale.First <= c.Newest
			later[sale.ErsReference] = true
		case sale.Last > c.Through:
			later[sale.ErsReference] = true
		case sale.Last > from || sale.ErsReference != "" && named[sale.ErsReference]:
			sales = append(sales, sale)
		}
	})
	if err != nil {
		return c, err
	}
	slices.Reverse(sales) // the oldest first
	known := map[string]bool{}
	for _, sale := range sales {
		known[sale.ErsReference] = true
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(r glase.StatementRow) bool {
		if r.ErsReference != "" && later[r.ErsReference] || open && !known[r.ErsReference] {
			c.Ahead = append(c.Ahead, r)
			return true
		}
		return false
	})
	before, counted := earlier(all, c.Number, b.Currency)
	rows = append(rows, b.fromShop(rows, s.shop, sales, before)...)
	lost := c.Lost
	if !s.details {
		lost = cmp.Or(lost, "Glase's details report lists no sales")
	}
	c.Sales, c.Reversed = balance(b.Currency, sales, before, rows, lost)
	c.Notes = b.notes(s)
	c.Verdicts = map[string]int{}
	for _, v := range c.Sales {
		c.Verdicts[v.Verdict]++
	}
	c.Sold = sold(all, c.Number, sales, counted, b.Currency)
	c.Step, c.Problem = api.ReportDone, ""
	return c, nil
}

// ahead are the rows that a closing left for the next, if it is the last that is done.
func ahead(c closing, all []closing) []glase.StatementRow {
	for _, later := range all {
		if later.Number > c.Number && later.Step == api.ReportDone {
			return nil
		}
	}
	return c.Ahead
}

// fromShop are the rows of the shop's report for sales of which the terminal's has nothing: the shop's periods are not
// the terminal's, and so it is no more than a second place to look.
func (b *Books) fromShop(rows, shop []glase.StatementRow, sales []journal.Numbered,
	before map[string]int64) (found []glase.StatementRow) {
	has := map[string]bool{}
	for _, r := range rows {
		has[r.ErsReference] = true
	}
	wanted := map[string]bool{}
	for _, s := range sales {
		if _, had := before[s.ID]; !had && s.ErsReference != "" && !has[s.ErsReference] {
			wanted[s.ErsReference] = true
		}
	}
	for _, r := range shop {
		if wanted[r.ErsReference] {
			found = append(found, r)
		}
	}
	return found
}

// notes says where Glase's reports contradict each other.
func (b *Books) notes(s statements) (notes []string) {
	sum := int64(0)
	for _, r := range s.rows {
		sum += r.Amount.Minor
	}
	if s.details && s.summary != nil && s.summary.Total.Minor != sum {
		notes = append(notes, fmt.Sprintf("Glase's reports contradict each other: the summary says %s %s, and the "+
			"details add up to %s", s.summary.Total.Decimal(), b.Currency, decimal(sum, b.Currency)))
	}
	if !s.details {
		notes = append(notes, "Glase's details report of this terminal lists no sales: only the sums can be compared; "+
			"kioskd report --shop looks into the shop's details")
	}
	if s.others > 0 {
		notes = append(notes, fmt.Sprintf("%d movements of the shop's other terminals were left alone", s.others))
	}
	return notes
}

// earlier is what the closings before one had of each sale: the sum at Glase, and whether its products are counted.
func earlier(all []closing, number int, currency string) (sums map[string]int64, counted map[string]bool) {
	sums, counted = map[string]int64{}, map[string]bool{}
	for _, c := range all {
		if c.Number >= number || c.Step != api.ReportDone {
			continue
		}
		for _, v := range c.Sales {
			if v.Sale != "" && v.Currency == currency {
				sums[v.Sale] = minor(v.Glase, v.Currency)
				counted[v.Sale] = counted[v.Sale] || v.State != string(fsm.InDoubt)
			}
		}
	}
	return sums, counted
}

// sold counts the products of a closing's sales, and goes on from what the one before has counted. A sale is counted
// once, in the closing after which it is in doubt no more.
func sold(all []closing, number int, sales []journal.Numbered, counted map[string]bool, currency string) []api.Sold {
	slots := map[string]api.Sold{}
	for _, c := range all {
		if c.Number < number && c.Step == api.ReportDone {
			for _, s := range c.Sold {
				if s.Currency != currency {
					continue // the totals begin anew
				}
				slots[s.Slot] = api.Sold{Slot: s.Slot, Name: s.Name, Price: s.Price, Currency: s.Currency,
					Value: decimal(0, currency), TotalNumber: s.TotalNumber, TotalValue: s.TotalValue,
					TotalFailed: s.TotalFailed}
			}
		}
	}
	for _, sale := range sales {
		if counted[sale.ID] || sale.State == string(fsm.InDoubt) || sale.Currency != currency {
			continue
		}
		for _, i := range sale.Items {
			s := slots[i.Slot]
			if s.Slot == "" {
				zero := decimal(0, currency)
				s = api.Sold{Slot: i.Slot, Currency: currency, Value: zero, TotalValue: zero}
			}
			s.Name, s.Price = i.Name, i.Price
			if i.Charged {
				price := minor(i.Price, currency)
				s.Number, s.TotalNumber = s.Number+1, s.TotalNumber+1
				s.Value = decimal(minor(s.Value, currency)+price, currency)
				s.TotalValue = decimal(minor(s.TotalValue, currency)+price, currency)
			} else if i.Outcome == string(fsm.NotDelivered) || i.Outcome == string(fsm.Unknown) {
				s.Failed, s.TotalFailed = s.Failed+1, s.TotalFailed+1
			}
			slots[i.Slot] = s
		}
	}
	return slices.SortedFunc(maps.Values(slots), func(a, b api.Sold) int { return compareSlots(a.Slot, b.Slot) })
}

// compareSlots orders A2 before A10.
func compareSlots(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	if a < b {
		return -1
	}
	return 1
}
