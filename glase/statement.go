package glase

import (
	"errors"
	"fmt"
	"strconv"

	"kioskd/internal/money"
)

// Statement is what a reconciliation report says. A details report has a row for each movement of money; a summary has
// one row with their number and their sum instead.
type Statement struct {
	TerminalID string // whom it is about; "" of a shop's
	PeriodID   string // what MarkTransactionPeriod answered
	Rows       []StatementRow
	Summary    *StatementSummary // nil: the report has none
}

// StatementRow is one movement: a sale, or below zero what was given back. Which ErsReference a refund's row has, its
// own or the payment's, is not documented.
type StatementRow struct {
	TerminalID   string
	Amount       money.Amount
	ErsReference string
}

// StatementSummary is the number of sales and their sum.
type StatementSummary struct {
	Count int
	Total money.Amount
}

// ErrStatement is a report that does not say what a reconciliation report says.
var ErrStatement = errors.New("glase: not a reconciliation report")

// statementMax bounds a report's elements: some 25,000 movements, which is a month of eight hundred sales a day, and
// 8 MiB of memory.
const statementMax = 1 << 17

// ParseStatement reads a report's XML. Its amounts name no currency: they are in the one that the shop sells in. Both
// kinds of row are taken under either root element, since the documentation's own sample of the terminal's details is
// a summary.
func ParseStatement(content []byte, currency string) (Statement, error) {
	nodes, err := parseUpTo(statementMax, content)
	if err != nil {
		return Statement{}, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	if root := string(nodes[0].name); root != "TransactionDetails" && root != "CashierTransactionSummary" {
		return Statement{}, fmt.Errorf("%w: it begins with %q", ErrStatement, clean(root, idMax))
	}
	all := answer{nodes: nodes}
	meta := all.child("Meta")
	s := Statement{
		TerminalID: meta.token("TerminalId", idMax), PeriodID: meta.token("TransactionPeriodId", idMax),
	}
	all.join(meta)
	all.each("Row", func(row *answer) {
		if row.find("SalesCount") != absent {
			if s.Summary != nil {
				row.fail("SalesCount", "is there twice")
			}
			s.Summary = &StatementSummary{row.count("SalesCount"), row.decimal("SalesTotal", currency)}
			return
		}
		s.Rows = append(s.Rows, StatementRow{TerminalID: row.token("TerminalId", idMax),
			Amount: row.decimal("SalesAmount", currency), ErsReference: row.reference("ErsReference")})
	})
	if all.err != nil {
		return Statement{}, fmt.Errorf("%w: %w", ErrStatement, all.err)
	}
	return s, nil
}

// count is a number that is not negative.
func (a *answer) count(name string) int {
	n, err := strconv.ParseUint(a.required(name), 10, 31)
	if err != nil {
		a.fail(name, "not a count")
	}
	return int(n)
}

// decimal is an amount without a currency of its own.
func (a *answer) decimal(name, currency string) money.Amount {
	amount, err := money.ParseXML(a.required(name), currency)
	if err != nil {
		a.fail(name, "not an amount")
	}
	return amount
}
