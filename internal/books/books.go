// Package books balances a machine's sales with Glase's own books: it closes the terminal's transaction period there,
// reads Glase's reports of it, and gives a verdict for every sale.
//
// Nothing here moves money, and no sale waits for it. What was begun is on the disk before Glase is asked, so that a
// period whose report did not come is asked for again instead of being left behind.
package books

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/glase"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
	"kioskd/internal/terminal"
)

const (
	idleWithin = 2 * time.Minute // for the sale that is on; then somebody asks again
	idleEach   = 200 * time.Millisecond
	pieceSize  = 200 // sales read at once: some 100 KiB
)

// Sales is the machine's record.
type Sales interface {
	// SalesBefore gives the newest of the sales that began before an entry, newest first.
	SalesBefore(ctx context.Context, entry int64, limit int) ([]journal.Numbered, error)
}

// Glase is asked as the reseller; a *glase.Client.
type Glase interface {
	terminal.Reseller
	Close()
}

// Config is whose books they are.
type Config struct {
	Folder   string // of the closings' files; made when there is something to keep
	Terminal string
	Currency string // of the machine's sales
	Sales    Sales
	// Open makes a client that asks as the reseller. asked is told of each attempt: nil means that it was answered.
	Open func(asked func(op string, attempt int, err error)) (Glase, error)
	Busy func() bool // whether a sale is on
	Wall func() time.Time
	Log  zerolog.Logger
}

// Books closes periods, one at a time. Its methods may be called at any time; Run does the work.
type Books struct {
	Config
	asked chan Wish

	mu  sync.Mutex
	now api.Report // the one that is on, or the last one; the zero one: none yet
	on  bool
}

// Wish is what a person wants of a closing.
type Wish struct {
	By   string // who wants it
	Shop bool   // the shop's period is closed too, and its reports looked into
	Anew bool   // a period whose report never came is left, and another one marked
}

// New opens the books as they were left. A file that cannot be read is said in the log and is as if it were not there.
func New(c Config) *Books {
	b := &Books{Config: c, asked: make(chan Wish, 1)}
	if last, ok := b.last(); ok {
		b.now = last.Report
		if b.now.Step != api.ReportDone && b.now.Step != api.ReportFailed {
			b.now.Step, b.now.Problem = api.ReportFailed, "the daemon ended meanwhile: report again, which goes on with it"
		}
	}
	return b
}

// ErrRunning is what Begin answers while a closing is on.
var ErrRunning = errors.New("a report is being made already")

// Begin has Run close the period. How it goes shows in Report.
func (b *Books) Begin(w Wish) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.on {
		return ErrRunning
	}
	b.on = true
	b.now = api.Report{By: w.By, Step: api.ReportWaits, Began: b.Wall().UTC()}
	b.asked <- w // there is room: only one is on
	return nil
}

// Report is the closing that is on, or the last one; false: there was none.
func (b *Books) Report() (api.Report, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now, b.now.Step != ""
}

// Run closes what Begin asks for until ctx ends.
func (b *Books) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-b.asked:
			b.run(ctx, w)
		}
	}
}

func (b *Books) run(ctx context.Context, w Wish) {
	c, err := b.close(ctx, w)
	if err != nil {
		b.Log.Warn().Err(err).Msg("the books could not be closed")
		c.Step, c.Problem = api.ReportFailed, err.Error()
	}
	c.Ended = b.Wall().UTC()
	if c.Asked { // else nothing came of it
		if keep := b.save(c); keep != nil {
			c.Step, c.Problem = api.ReportFailed, errors.Join(err, fmt.Errorf("it could not be kept: %w", keep)).Error()
		}
	}
	b.mu.Lock()
	b.now, b.on = c.Report, false
	b.mu.Unlock()
}

// show tells how a closing stands.
func (b *Books) show(c closing) {
	b.mu.Lock()
	b.now = c.Report
	b.mu.Unlock()
}

// close does all of it. What it gives back is to be kept, with an error or without.
func (b *Books) close(ctx context.Context, w Wish) (closing, error) {
	all := b.load()
	c := b.next(all, w)
	if err := b.idle(ctx); err != nil {
		return c, err
	}
	doubtful := false // an answer to a mark was lost, and the mark repeated
	g, err := b.Open(func(op string, _ int, err error) {
		doubtful = doubtful || op == markOperation && errors.As(err, new(*glase.UnknownError))
	})
	if err != nil {
		return c, err
	}
	defer g.Close()
	if c.Period == "" {
		err := b.mark(ctx, g, &c)
		if doubtful {
			c.Lost = cmp.Or(c.Lost, lostMark)
		}
		if err != nil && !errors.As(err, new(*glase.UnknownError)) {
			c.Asked = doubtful
		}
		if err != nil {
			return c, err
		}
	}
	if c.Newest == 0 {
		newest, err := b.Sales.SalesBefore(ctx, math.MaxInt64, 1)
		if err != nil {
			return c, err
		}
		for _, s := range newest {
			c.Newest = s.First
		}
		if err := b.save(c); err != nil {
			return c, err
		}
	}
	if c.Shop && c.ShopPeriod == "" {
		c.Step = api.ReportMarks
		b.show(c)
		if c.ShopPeriod, err = terminal.Mark(ctx, g, ""); err != nil {
			return c, fmt.Errorf("the shop's period: %w", err)
		}
		if err := b.save(c); err != nil {
			return c, err
		}
	}
	c.Step = api.ReportReads
	b.show(c)
	select {
	case <-time.After(terminal.ReportAfter):
	case <-ctx.Done():
		return c, ctx.Err()
	}
	s, err := b.read(ctx, g, c)
	if err != nil {
		return c, err
	}
	return b.settle(ctx, c, all, s)
}

const (
	markOperation = "markTransactionPeriod"
	// lostMark is why a sale that no report has may stand in another one.
	lostMark = "an answer to markTransactionPeriod was lost: it may stand in a period whose number nobody heard; " +
		"kioskd report --shop looks into the shop's"
)

// next is the closing that is to be made: the last one again, when its period was marked and its report never came.
func (b *Books) next(all []closing, w Wish) closing {
	c := closing{Report: api.Report{Number: 1, Terminal: b.Terminal, Currency: b.Currency}}
	if len(all) > 0 {
		last := all[len(all)-1]
		c.Number = last.Number + 1
		switch {
		case last.Step != api.ReportDone && last.Period != "" && last.Terminal == b.Terminal && !w.Anew:
			c = last
		case last.Step != api.ReportDone && last.Asked:
			c.Lost = lostMark // what was in it, no later report has
		}
		if last.Terminal != b.Terminal {
			c.Lost = "the machine was terminal " + last.Terminal + " before: this one's report has none of its sales"
		}
	}
	c.By, c.Shop, c.Problem, c.Began, c.Ended = w.By, c.Shop || w.Shop, "", b.Wall().UTC(), time.Time{}
	c.Step = api.ReportWaits
	return c
}

// idle waits until no sale is on, so that none is at the period's edge.
func (b *Books) idle(ctx context.Context) error {
	late := time.After(idleWithin)
	for b.Busy() {
		select {
		case <-time.After(idleEach):
		case <-late:
			return fmt.Errorf("a sale has been on for %v: try again", idleWithin)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// mark closes the terminal's period. That Glase is asked is on the disk before it is.
func (b *Books) mark(ctx context.Context, g Glase, c *closing) (err error) {
	err = b.each(ctx, func(s journal.Numbered) {
		if !s.Ended.IsZero() {
			c.Through = max(c.Through, s.Last)
		}
	})
	if err != nil {
		return err
	}
	c.Step, c.Asked = api.ReportMarks, true
	if err := b.save(*c); err != nil {
		return fmt.Errorf("nothing was asked of Glase, since its answer could not be kept: %w", err)
	}
	b.show(*c)
	c.Period, err = terminal.Mark(ctx, g, b.Terminal)
	switch {
	case errors.As(err, new(*glase.UnknownError)):
		return fmt.Errorf("%w. The period may be closed, under a number that was not heard: report again; sales that "+
			"the next report lacks stand as unknown then", err)
	case err != nil:
		return fmt.Errorf("%w. No period was closed", err)
	}
	return nil
}

// each goes through all sales, newest first, a piece at a time.
func (b *Books) each(ctx context.Context, do func(journal.Numbered)) error {
	for before := int64(math.MaxInt64); ; {
		piece, err := b.Sales.SalesBefore(ctx, before, pieceSize)
		if err != nil {
			return err
		}
		if len(piece) == 0 {
			return nil
		}
		for _, s := range piece {
			do(s)
		}
		before = piece[len(piece)-1].First
	}
}

// statements is what Glase's reports say of a period.
type statements struct {
	rows    []glase.StatementRow // of this terminal
	details bool                 // the terminal's details have rows
	summary *glase.StatementSummary
	shop    []glase.StatementRow // of this terminal, from the shop's details
	others  int                  // rows of other terminals in the shop's
}

// read asks for the four documented reports, or the terminal's two of them.
func (b *Books) read(ctx context.Context, g Glase, c closing) (s statements, err error) {
	ask := func(id, period, terminalID string) (glase.Statement, error) {
		r, err := terminal.Report(ctx, g, id, period, terminalID)
		if err != nil {
			return glase.Statement{}, explain(id, err)
		}
		st, err := glase.ParseStatement(r.Content, b.Currency)
		switch {
		case err != nil:
			return st, fmt.Errorf("%s: %w", id, err)
		case st.PeriodID != period:
			return st, fmt.Errorf("%s: Glase answers with the report of another period: %q", id, st.PeriodID)
		case terminalID != "" && st.TerminalID != "" && st.TerminalID != b.Terminal:
			return st, fmt.Errorf("%s: Glase answers with the report of another terminal: %q", id, st.TerminalID)
		}
		return st, nil
	}
	for _, id := range []string{glase.ReportTerminal, glase.ReportTerminalDetails} {
		st, err := ask(id, c.Period, b.Terminal)
		if err != nil {
			return s, err
		}
		if st.Summary != nil {
			s.summary = st.Summary
		}
		if id == glase.ReportTerminalDetails {
			s.rows, _ = b.ours(st.Rows)
			s.details = st.Summary == nil
		}
	}
	if !c.Shop {
		return s, nil
	}
	if _, err = ask(glase.ReportShop, c.ShopPeriod, ""); err != nil {
		return s, err
	}
	st, err := ask(glase.ReportShopDetails, c.ShopPeriod, "")
	s.shop, s.others = b.ours(st.Rows)
	return s, err
}

// ours are this terminal's rows, and how many are others'.
func (b *Books) ours(rows []glase.StatementRow) (ours []glase.StatementRow, others int) {
	ours = slices.DeleteFunc(slices.Clone(rows), func(r glase.StatementRow) bool {
		return r.TerminalID != "" && r.TerminalID != b.Terminal
	})
	return ours, len(rows) - len(ours)
}

// explain says what a report that is not had may mean.
func explain(id string, err error) error {
	var refused *glase.ResultError
	if errors.As(err, &refused) && refused.Code == glase.CodeReportNotReady {
		return fmt.Errorf("%s: %w. Glase has not made it within a minute: likely it is busy, and to report again asks "+
			"for the same period; or the period is not this terminal's, and will never have a report: --anew marks "+
			"another one", id, err)
	}
	return fmt.Errorf("%s: %w", id, err)
}
