package app

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/internal/books"
	"kioskd/internal/chain"
	"kioskd/internal/glasepay"
	"kioskd/internal/identity"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
	"kioskd/internal/printing"
	"kioskd/internal/reason"
	"kioskd/internal/receipt"
	"kioskd/internal/terminal"
	"kioskd/internal/verdicts"
)

const (
	keepFor = 400 * 24 * time.Hour // records stay for a year and a month: some 300 MB for 100 sales a day
	// also for a machine that is switched off each night; there is seldom anything to do
	pruneEvery = time.Hour
)

// Store is the durable record: a *journal.Journal, or a simulated world's own. What its methods promise stands there.
type Store interface {
	Load(ctx context.Context) (fsm.State, error)
	Append(ctx context.Context, r journal.Record) error
	SalesBefore(ctx context.Context, entry int64, limit int) ([]journal.Numbered, error)
	InDoubt(ctx context.Context) ([]journal.Sale, error)
	Doubt(ctx context.Context, id string) (fsm.Sale, error)
	Charged(ctx context.Context, id string) (fsm.Sale, error)
	Find(ctx context.Context, id string) (fsm.Sale, journal.Sale, error)
	Entries(ctx context.Context, sale string) ([]journal.Entry, error)
	Known(ctx context.Context, sale, invoice, ers string) (string, error)
	Prune(ctx context.Context, olderThan time.Time, had int64) (int, error)
	Copies(ctx context.Context, after int64, limit int) ([]chain.Entry, error)
	Span(ctx context.Context) (first, last int64, err error)
	Lost() string // what is known to be gone of its end; "": nothing
	Close() error
}

// openIdentity gives the credentials. A file that must not be used fails it. A folder that takes none does
// not: it takes no journal either, so the machine will be out of service and say so.
func (a *App) openIdentity() (identity.Identity, error) {
	path := terminal.IdentityFile(a.cfg)
	serial := identity.MachineSerial(identity.SerialFile)
	id, err := identity.Ensure(path, serial)
	if errors.Is(err, identity.ErrExposed) || errors.Is(err, identity.ErrBad) {
		return id, err
	}
	if err != nil {
		a.log.Warn().Err(err).Msg("the identity cannot be saved: a copy of this card will not show")
		return identity.New(serial), nil
	}
	if id.Serial != "" && serial != "" && id.Serial != serial {
		a.log.Error().Str("identity", path).
			Msg("out of service: this card was made on another machine, and two machines must not share a terminal")
		a.copied = true
		a.faults = append(a.faults, fsm.Fault{Name: reason.ClonedCard, Hard: true})
	}
	return id, nil
}

// openJournal gives what the journal remembers. One that cannot be used is replaced by one that refuses every record,
// so that the kiosk comes up out of service. So is that of a copied card: the sale in it is another machine's to
// settle.
func (a *App) openJournal(ctx context.Context) (fsm.State, kiosk.Journal, error) {
	if a.copied {
		return fsm.State{}, refusing{errors.New("the card was made on another machine")}, nil
	}
	state, err := a.loadJournal(ctx)
	if errors.Is(err, journal.ErrLocked) || errors.Is(err, context.Canceled) {
		return fsm.State{}, nil, err
	}
	if err != nil {
		a.log.Error().Err(err).Msg("out of service: the journal cannot be used")
		if a.journal != nil {
			err = errors.Join(err, a.journal.Close())
			a.journal = nil
		}
		return fsm.State{}, refusing{err}, nil
	}
	if a.lost = a.journal.Lost(); a.lost != "" {
		a.log.Error().Str("lost", a.lost).Msg(
			"out of service: the journal has lost its newest entries; compare with Glase's books, then: kioskd accept")
	}
	return state, records{a.journal, func() { a.fleet.Recorded() }}, nil
}

func (a *App) loadJournal(ctx context.Context) (fsm.State, error) {
	var err error
	if a.journal, err = a.open(ctx); err != nil {
		a.journal = nil // not an interface around nothing
		return fsm.State{}, err
	}
	return a.journal.Load(ctx)
}

// errAgain ends a daemon that came up without its journal, once it could come up with it.
var errAgain = errors.New("the journal can be used now: start kioskd again, as systemd does")

// awaitJournal tries a journal that could not be opened once a minute.
func (a *App) awaitJournal(ctx context.Context, again context.CancelCauseFunc) {
	for a.journal == nil && !a.copied {
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return
		}
		if j, err := a.open(ctx); err == nil {
			again(errors.Join(errAgain, j.Close()))
		}
	}
}

// prune lets go of what is older than keepFor, only when the kernel says that the clock is right: a wrong one must
// not make records old.
func (a *App) prune(ctx context.Context) {
	for {
		select {
		case <-time.After(pruneEvery):
		case <-ctx.Done():
			return
		}
		if a.journal == nil || !a.clock.Synced() {
			continue
		}
		n, err := a.journal.Prune(ctx, a.clock.Wall().Add(-keepFor), a.fleet.Had())
		if err != nil {
			a.log.Error().Err(err).Msg("old records cannot be let go")
		} else if n > 0 {
			a.log.Info().Int("entries", n).Msg("old records were let go")
		}
	}
}

// records is the journal as the loop sees it.
type records struct {
	journal  Store
	recorded func() // is told of each entry, after it is on the disk
}

func (r records) Append(ctx context.Context, rec kiosk.Record) error {
	err := r.journal.Append(ctx, journal.Record(rec))
	if err == nil {
		r.recorded()
	}
	return err
}

// refusing stands in for a journal that could not be opened.
type refusing struct{ err error }

func (r refusing) Append(context.Context, kiosk.Record) error { return r.err }

var errNoJournal = verdicts.ErrNoJournal

// sales is the journal as the technicians' port sees it; nil when it could not be opened.
type sales struct{ journal Store }

func (s sales) SalesBefore(ctx context.Context, entry int64, limit int) ([]journal.Numbered, error) {
	if s.journal == nil {
		return nil, errNoJournal
	}
	return s.journal.SalesBefore(ctx, entry, limit)
}

func (s sales) InDoubt(ctx context.Context) ([]journal.Sale, error) {
	if s.journal == nil {
		return nil, errNoJournal
	}
	return s.journal.InDoubt(ctx)
}

func (s sales) Entries(ctx context.Context, sale string) ([]journal.Entry, error) {
	if s.journal == nil {
		return nil, errNoJournal
	}
	return s.journal.Entries(ctx, sale)
}

// openBooks are the machine's books, which lie beside the journal.
func (a *App) openBooks(terminalID string, p Parts) *books.Books {
	return books.New(books.Config{
		Folder: filepath.Join(filepath.Dir(a.cfg.Journal.Path), "books"), Terminal: terminalID,
		Currency: a.cfg.Machine.Currency, Sales: sales{a.journal}, Wall: p.Clock.Wall, Log: p.Log,
		Busy: func() bool { return a.Kiosk.State().Busy() },
		Open: func(asked func(op string, attempt int, err error)) (books.Glase, error) {
			return terminal.AsReseller(a.cfg, glase.Config{
				NewReference: glasepay.References(p.Version, p.Random), Transport: p.Transport, Log: asked,
			})
		},
	})
}

// receipt is what a customer is told in writing about a sale.
func (a *App) receipt(ctx context.Context, id string) (receipt.Receipt, error) {
	if a.journal == nil {
		return receipt.Receipt{}, errNoJournal
	}
	return printing.Find(ctx, a.journal, a.cfg.Machine, id)
}
