// Command powercut proves that the journal keeps what it acknowledged through power cuts: it is the writer, the
// checker, and the replayer of a recorded log of writes. The script "run" beside it uses it.
//
//	powercut write DIR N           serve customers, recording each step with package journal, and print "C n" once entry n is
//	                               acknowledged; N entries, or for ever when N is 0
//	powercut naive DIR N           the same promise kept badly: a file that is written and renamed, and never synced
//	powercut found DIR             print the last entry that DIR holds, or "BAD why"; a journal must verify, and a start must work
//	powercut cut LOG DIR WORK N    cut the power after each call of strace's LOG of a writer in DIR, N times by chance, and check
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"kioskd/fsm"
	"kioskd/internal/journal"
	"kioskd/internal/money"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println("BAD", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	number := func(at int) int {
		n, err := strconv.Atoi(args[at])
		if err != nil {
			panic(err) // the script gives a number
		}
		return n
	}
	switch {
	case len(args) == 3 && args[0] == "write":
		return write(args[1], number(2))
	case len(args) == 3 && args[0] == "naive":
		return naive(args[1], number(2))
	case len(args) == 2 && args[0] == "found":
		n, err := found(args[1])
		if err == nil {
			fmt.Println(n)
		}
		return err
	case len(args) == 5 && args[0] == "cut":
		return cutAll(args[1], args[2], args[3], number(4))
	}
	return errors.New("usage: powercut write|naive DIR N, found DIR, cut LOG DIR WORK N")
}

func open(dir string) (*journal.Journal, error) {
	return journal.Open(context.Background(), filepath.Join(dir, "journal.db"), journal.Options{Version: "powercut"})
}

// write serves one customer after the other with the real state machine and a Glase that always does well.
func write(dir string, limit int) error {
	ctx := context.Background()
	j, err := open(dir)
	if err != nil {
		return err
	}
	defer j.Close()
	chain, err := j.Verify(ctx)
	if err != nil {
		return err
	}
	state, err := j.Load(ctx)
	if err != nil {
		return err
	}
	m := machine{state: state, boot: fmt.Sprint("boot ", chain.Last), sale: int(chain.Last), seq: chain.Last,
		end: chain.Last + int64(limit)}
	if limit == 0 {
		m.end = 1<<63 - 1
	}
	m.record = func(r journal.Record) error {
		if err := j.Append(ctx, r); err != nil {
			return err
		}
		m.seq++
		fmt.Println("C", m.seq)
		if m.seq%500 == 0 { // old records are let go under way
			_, err := j.Prune(ctx, r.Wall.Add(-time.Second), math.MaxInt64)
			return err
		}
		return nil
	}
	return m.serve()
}

// naive is what the script must find out: it promises what it has not synced.
func naive(dir string, limit int) error {
	state := filepath.Join(dir, "state")
	last, err := naiveFound(state)
	if err != nil {
		return err
	}
	for n := last + 1; limit == 0 || n <= last+int64(limit); n++ {
		if err := os.WriteFile(state+".tmp", fmt.Append(nil, n), 0o600); err != nil {
			return err
		}
		if err := os.Rename(state+".tmp", state); err != nil {
			return err
		}
		fmt.Println("C", n)
	}
	return nil
}

func naiveFound(path string) (int64, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(b), 10, 64)
}

// found opens what a power cut left, as a start does: the journal opens, its chain is whole, its state can be stepped
// on, and it takes the next record.
func found(dir string) (int64, error) {
	ctx := context.Background()
	if n, err := naiveFound(filepath.Join(dir, "state")); n > 0 || err != nil {
		return n, err
	}
	j, err := open(dir)
	if err != nil {
		return 0, err
	}
	defer j.Close()
	if lost := j.Lost(); lost != "" {
		return 0, fmt.Errorf("a power cut is taken for a loss: %s", lost)
	}
	chain, err := j.Verify(ctx)
	if err != nil {
		return 0, err
	}
	state, err := j.Load(ctx)
	if err != nil {
		return 0, err
	}
	if _, err := j.Sales(ctx, 10); err != nil {
		return 0, err
	}
	e := fsm.Booted{At: 1, Boot: fmt.Sprint("found ", chain.Last), Rules: rules, Shelf: shelf}
	next, effects, _ := fsm.Step(state, e)
	if err := j.Append(ctx, journal.Record{Wall: time.Now(), Event: e, After: next, Effects: effects}); err != nil {
		return 0, fmt.Errorf("the next record: %w", err)
	}
	return chain.Last, nil
}

var rules = fsm.Rules{Flow: fsm.Reservation, PinTimeout: time.Minute, ChooseTimeout: time.Minute,
	ReservationTimeout: 10 * time.Minute}

var shelf = []fsm.Slot{{ID: "A1", Name: "Water", Price: sek(1500), MaxVend: 5 * time.Second}}

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// machine is a kiosk whose Glase and motors do well.
type machine struct {
	state    fsm.State
	boot     string
	sale     int
	now      fsm.Instant
	seq, end int64 // entries recorded, and to be
	record   func(journal.Record) error
}

func (m *machine) serve() error {
	if err := m.happen(fsm.Booted{Boot: m.boot, Rules: rules, Shelf: shelf,
		First: map[string]int{"A1": 1 << 30}}); err != nil {
		return err
	}
	for m.seq < m.end {
		m.sale++
		id := fmt.Sprint("S", m.sale)
		for _, e := range []fsm.Event{
			fsm.PurchaseRequested{Request: "r", New: fsm.NewSale{ID: id, ClientInvoiceID: "C" + id, Secret: "N" + id},
				Amount: sek(5000)},
			fsm.Ticked{}, fsm.ProductChosen{Item: "I" + id, Slot: "A1"}, fsm.CancelPressed{},
		} {
			if err := m.happen(e); err != nil {
				return err
			}
		}
		if m.state.Busy() {
			return fmt.Errorf("sale %s is stuck in %s", id, m.state.Stage)
		}
	}
	return nil
}

// happen takes an event and all that follows from it.
func (m *machine) happen(e fsm.Event) error {
	for queue := []fsm.Event{e}; len(queue) > 0; queue = queue[1:] {
		m.now += fsm.Instant(2 * time.Second)
		e := at(queue[0], m.now)
		before := m.state.Live
		next, effects, durable := fsm.Step(m.state, e)
		if durable {
			if err := m.record(journal.Record{Wall: time.Now(), Before: before, Event: e, After: next,
				Effects: effects}); err != nil {
				return err
			}
		}
		m.state = next
		for _, f := range effects {
			if a := m.answer(f); a != nil {
				queue = append(queue, a)
			}
		}
	}
	return nil
}

// at gives the events of serve their moment; answers are made with theirs.
func at(e fsm.Event, now fsm.Instant) fsm.Event {
	switch e := e.(type) {
	case fsm.Booted:
		e.At = now
		return e
	case fsm.PurchaseRequested:
		e.At = now
		return e
	case fsm.Ticked:
		e.At = now
		return e
	case fsm.ProductChosen:
		e.At = now
		return e
	case fsm.CancelPressed:
		e.At = now
		return e
	}
	return e
}

// answer is Glase's, or the dispenser's.
func (m *machine) answer(f fsm.Effect) fsm.Event {
	switch f := f.(type) {
	case fsm.Call:
		a := f.To(fsm.Result{Kind: fsm.Done})
		a.At = m.now
		switch {
		case f.Operation == fsm.SendInvoice:
			a.Reference, a.QR = "9"+f.Sale, "HTTP://SEQR.SE/R9"
		case f.Operation != fsm.AskStatus:
		case m.state.Live.Unseen: // nobody can have paid it
			a.Status, a.Version = fsm.StatusIssued, f.Version
		case m.state.Stage == fsm.Confirming:
			a.Status, a.Version, a.Amount, a.ErsReference = fsm.StatusPaid, f.Version, m.state.Sale.Basket(), "E9"
		case m.state.Stage == fsm.Releasing:
			a.Status, a.Version = fsm.StatusCanceled, f.Version
		default:
			a.Status, a.Version = fsm.StatusReserved, f.Version
		}
		return a
	case fsm.Vend:
		return fsm.VendEnded{At: m.now, Sale: f.Sale, Item: f.Item.ID, Outcome: fsm.Delivered}
	}
	return nil
}
