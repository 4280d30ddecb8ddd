package world

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/glase/glasetest"
)

// books is the operator's bookkeeping: as Glase's Reseller he closes the terminal's periods while it sells, and reads
// their reports. No kiosk knows of that.
type books struct {
	mu      sync.Mutex
	periods []string // that were closed, by Glase's names
	gaps    bool     // one has no name here: the answer was lost
}

// reported is a row of a report: what was charged, or went back as less than nothing.
type reported struct {
	Ers    string `xml:"ErsReference"`
	Amount string `xml:"SalesAmount"`
}

// office is what happens at the operator's desk meanwhile.
func (w *world) office(visit string) {
	for n := range 2 {
		if r, yes := w.maybe(50, fmt.Sprintf("%s/refund %d", visit, n+1)); yes {
			w.people.Go(func() {
				time.Sleep(seconds(r, 120))
				w.givesBack(r)
			})
		}
	}
	if r, yes := w.maybe(17, visit+"/books"); yes {
		w.people.Go(func() {
			time.Sleep(seconds(r, 90))
			w.closesBooks()
		})
	}
}

// attempts counts the operator's calls on their way.
type attempts struct {
	next http.RoundTripper
	made *int
}

// RoundTrip implements http.RoundTripper.
func (a attempts) RoundTrip(r *http.Request) (*http.Response, error) {
	*a.made++
	return a.next.RoundTrip(r)
}

func (w *world) operator(made *int) *glase.Client {
	c, err := glase.New(glase.Config{
		Endpoint: w.cfg.Glase.Endpoint, ClientID: "operator", Timeout: w.cfg.Glase.Timeout,
		Reseller: &glase.Reseller{ID: glasetest.TestReseller, UserID: glasetest.TestResellerUser,
			Password: glasetest.TestResellerPassword},
		NewReference: func() string { return "operator" }, Transport: attempts{w.glase.Transport(), made},
	})
	if err != nil {
		panic(err) // a config of this package's
	}
	return c
}

// closesBooks ends the terminal's period, and reads what it has sold in it.
func (w *world) closesBooks() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	made := 0
	id, err := w.operator(&made).MarkTransactionPeriod(ctx,
		glase.Parameter{Key: glase.ParameterTerminalID, Value: glasetest.TestTerminal})
	w.books.mu.Lock()
	if err == nil {
		w.books.periods = append(w.books.periods, id)
	}
	w.books.gaps = w.books.gaps || err != nil || made > 1 // each attempt may have ended a period
	w.books.mu.Unlock()
	var lines []reported
	if err == nil {
		lines, err = w.report(id)
	}
	w.diary.note("the operator closes the books on %d lines: %v", len(lines), err)
}

// report is what the details of a period, or of the open one, have.
func (w *world) report(period string) ([]reported, error) {
	ask := glase.ReportRequest{ReportID: glase.ReportTerminalDetails, Parameters: []glase.Parameter{
		{Key: glase.ParameterTerminalID, Value: glasetest.TestTerminal}}}
	if period != "" {
		ask.Parameters = append(ask.Parameters, glase.Parameter{Key: glase.ParameterPeriodID, Value: period})
	}
	r, err := w.operator(new(int)).ExecuteReport(context.Background(), ask)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Row []reported
	}
	err = xml.Unmarshal(r.Content, &doc)
	return doc.Row, err
}

// booked holds the reports of all periods against Glase's ledger, and against what the journal says was charged: each
// movement of money is in one of them, once, whenever the books were closed.
func (f *referee) booked() {
	b := &f.world.books
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.periods) == 0 {
		return
	}
	found, charged := map[reported]int{}, map[string]string{}
	for _, period := range append(b.periods, "") {
		lines, err := f.world.report(period)
		if err != nil {
			f.violated("the report of a period cannot be read: %v", err)
		}
		for _, l := range lines {
			found[l]++
			if !strings.HasPrefix(l.Amount, "-") {
				charged[l.Ers] = l.Amount
			}
		}
	}
	for _, m := range f.world.glase.Ledger() {
		l := reported{m.ErsReference, m.Amount.Decimal() + moreDigits}
		switch m.Kind {
		case glasetest.Charge:
		case glasetest.Refund, glasetest.Reversal:
			l.Amount = "-" + l.Amount
		default:
			continue
		}
		if found[l]--; found[l] < 0 && !b.gaps {
			f.violated("the reports lack %s of %s", m.Kind, m.Amount)
		}
	}
	for l, n := range found {
		if n > 0 {
			f.violated("the reports have %s, and Glase's ledger has not", l.Amount)
		}
	}
	for _, sale := range f.world.store.sales() {
		state := fsm.SaleState(sale.State)
		if state != fsm.Charged && state != fsm.Refunded || b.gaps || f.carelessly(sale) {
			continue
		}
		if said := charged[sale.ErsReference]; said != sale.Charged+moreDigits {
			f.violated("the reports have %q of a payment: %s", said, brief(sale))
		}
	}
}

// moreDigits are those that the reports write behind an amount's two.
const moreDigits = "000"
