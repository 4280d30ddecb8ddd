// Package watch keeps what the operator should know of all machines: what is wrong with each and since when, who is
// silent, what runs out, what was sold. It reads the operator's database at its own pace, so that many people who look
// cost no more than one, and tells the same to the page and to Prometheus.
package watch

import (
	"context"
	"encoding/json"
	"math"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
)

// How often it looks.
const (
	lookEach   = 10 * time.Second // at all machines; longer when a look takes more than a tenth of it
	habitsEach = 10 * time.Minute // from the end of one round to the next
	lookWithin = 2 * time.Minute
	doubtsMax  = 200 // sales in doubt that are told one by one
	soonDays   = 3.0 // a product that lasts no longer runs out
	paceMin    = 3   // products sold make a pace
)

// Config is what it looks at.
type Config struct {
	Store *store.Store
	Zone  *time.Location // the operator's: days begin by it
	Now   func() time.Time
	Log   zerolog.Logger
}

// Watch looks. Run does the work; its other methods may be called at any time.
type Watch struct {
	Config
	mu    sync.Mutex
	last  *Snapshot
	told  map[int64]condition
	since time.Time // of the newest condition
	ways  map[int64]ways

	money money
}

// condition is what a machine last said of itself, as far as it is shown.
type condition struct {
	Last     int64 `json:"last"` // the number of its journal's last entry
	Synced   bool  `json:"synced"`
	Version  string
	Want     *protocol.WantState         `json:"want"`
	Troubles []protocol.ConditionTrouble `json:"troubles"`
	at       time.Time
}

// ways are how a machine sells, and what of its stock runs out.
type ways struct {
	seq     int64 // of the machine's last entry when they were learnt
	at      time.Time
	habit   Habit
	running []Running
}

// Running is a product that runs out.
type Running struct {
	Slot, Name string
	Left       int
	Days       float64 // that it lasts by its own pace; 0: it is sold out
}

// New makes one that has not looked yet.
func New(c Config) *Watch {
	return &Watch{Config: c, told: map[int64]condition{}, ways: map[int64]ways{}, money: money{days: map[dayKey]day{}}}
}

// Snapshot is how all machines stood at a moment. It is never changed.
type Snapshot struct {
	At       time.Time
	Took     time.Duration
	Machines []*Machine // the worst first
	Groups   []string
	Doubts   []store.SaleRow
	InDoubt  int // sales, all of them
	Alarms   []store.Alarm
	Verdicts []store.VerdictRow
}

// Look gives the newest snapshot; nil: there was none yet.
func (w *Watch) Look() *Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	var done sync.WaitGroup
	defer done.Wait()
	done.Go(func() {
		for ctx.Err() == nil {
			if err := w.Learn(ctx); err != nil && ctx.Err() == nil {
				w.Log.Warn().Err(err).Msg("how the machines usually sell cannot be read: it is tried again")
			}
			rest(ctx, habitsEach)
		}
	})
	for ctx.Err() == nil {
		took, err := w.Refresh(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.Warn().Err(err).Msg("the operator's database cannot be read: the page shows what was known")
		}
		rest(ctx, max(lookEach, 10*took))
	}
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Refresh looks once.
func (w *Watch) Refresh(ctx context.Context) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	began := w.Now()
	s, err := w.look(ctx, began)
	took = w.Now().Sub(began)
	if err != nil {
		return took, err
	}
	s.Took = took
	w.mu.Lock()
	w.last = s
	w.mu.Unlock()
	return took, nil
}

func (w *Watch) look(ctx context.Context, now time.Time) (*Snapshot, error) {
	rows, err := w.Store.Machines(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.listen(ctx, rows); err != nil {
		return nil, err
	}
	s := &Snapshot{At: now}
	if s.Alarms, err = w.Store.Alarms(ctx); err != nil {
		return nil, err
	}
	faults, err := w.Store.StandingFaults(ctx)
	if err != nil {
		return nil, err
	}
	if s.Doubts, s.InDoubt, err = w.Store.InDoubt(ctx, doubtsMax); err != nil {
		return nil, err
	}
	midnight := Midnight(now, w.Zone)
	sold, err := w.Store.Sold(ctx, midnight, midnight.Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	if s.Verdicts, err = w.Store.Verdicts(ctx, doubtsMax); err != nil {
		return nil, err
	}
	w.gather(s, rows, faults, sold)
	return s, nil
}

// Midnight is when the day of a moment began.
func Midnight(at time.Time, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// listen reads what machines have said of themselves since it last looked.
func (w *Watch) listen(ctx context.Context, rows []store.MachineRow) error {
	said, err := w.Store.StatusesSince(ctx, w.since)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range said {
		var c condition
		if len(r.Text) > protocol.ConditionMax || json.Unmarshal([]byte(r.Text), &c) != nil {
			continue // a newer program's: its entries tell the rest
		}
		c.at = r.At
		w.told[r.Machine] = c
		if r.At.After(w.since) {
			w.since = r.At
		}
	}
	in := map[int64]bool{}
	for _, r := range rows {
		in[r.ID] = true
	}
	for id := range w.told {
		if !in[id] {
			delete(w.told, id)
		}
	}
	for id := range w.ways {
		if !in[id] {
			delete(w.ways, id)
		}
	}
	return nil
}

// Learn goes through all machines that have sold since it last did.
func (w *Watch) Learn(ctx context.Context) error {
	rows, err := w.Store.Machines(ctx)
	if err != nil {
		return err
	}
	for _, m := range rows {
		now := w.Now()
		w.mu.Lock()
		old, known := w.ways[m.ID]
		w.mu.Unlock()
		if known && old.seq == m.Seq && now.Sub(old.at) < 24*time.Hour {
			continue
		}
		is, err := w.waysOf(ctx, m, now)
		if err != nil {
			return err
		}
		w.mu.Lock()
		w.ways[m.ID] = is
		w.mu.Unlock()
	}
	return nil
}

func (w *Watch) waysOf(ctx context.Context, m store.MachineRow, now time.Time) (ways, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	times, err := w.Store.SaleTimes(ctx, m.ID, now.Add(-habitOf))
	if err != nil {
		return ways{}, err
	}
	stock, err := w.Store.Stock(ctx, m.ID, now.Add(-habitOf))
	if err != nil {
		return ways{}, err
	}
	is := ways{seq: m.Seq, at: now, habit: Learn(times, now, w.Zone)}
	for _, slot := range stock {
		if days, soon := Lasts(slot, now); soon {
			is.running = append(is.running, Running{slot.Slot, slot.Name, slot.Left, days})
		}
	}
	return is, nil
}

// Lasts is how many days a slot's stock lasts by its own pace since that product was first sold there, and whether that
// is soon. What sells too seldom to have a pace lasts until it is sold out.
func Lasts(slot store.StockRow, now time.Time) (days float64, soon bool) {
	if slot.Left <= 0 {
		return 0, true
	}
	if slot.Sold < paceMin {
		return math.Inf(1), false
	}
	over := max(1, now.Sub(slot.First).Hours()/24)
	days = float64(slot.Left) / (float64(slot.Sold) / over)
	return days, days < soonDays
}
