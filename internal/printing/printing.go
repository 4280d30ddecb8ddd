// Package printing prints a receipt for each sale that was paid, on the kiosk's receipt printer.
//
// No sale knows of it. It follows the kiosk as the display does, and whatever the printer does, nobody waits: receipts
// wait for the printer, at most queueMax of them and at most for staleAfter, since after that the next customer would
// find them. What was not printed is dropped, logged, and counted where the technician looks.
//
// A receipt is printed at most once, when its sale ends before this program's eyes. A sale that a restart found,
// whether it had ended or not, and one that a person decides about, print nothing: nobody may be there any more. A
// person prints what is missing, as a copy.
package printing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/hw/printer"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
	"kioskd/internal/receipt"
)

const (
	queueMax   = 4
	staleAfter = time.Minute      // who has waited so long for a receipt has gone
	checkEvery = 30 * time.Second // how the printer is, while nothing is printed
	awaitMax   = 8 * time.Second  // how long a person waits for a copy: less than the command waits for its answer
)

// Why a copy is not, or not yet, printed.
var (
	ErrFull  = errors.New("other receipts wait for the printer: try again, and look at kioskd status")
	ErrEnded = errors.New("the daemon ends")
	ErrLater = errors.New("the printer is still at it: kioskd status says how it is")
)

// Open opens the serial line of a section of the config, like hardware.Ports.Opener.
type Open func(section, device string, baud int) func() (io.ReadWriteCloser, error)

// Desk is where the receipts are printed.
type Desk struct {
	printer *printer.Printer
	head    receipt.Head
	width   int
	wall    func() time.Time
	synced  func() bool
	log     zerolog.Logger
	queue   chan job
	ended   chan struct{}

	mu      sync.Mutex
	trouble error // how the printer was when it was last asked or used
	since   time.Time
	asked   bool
	printed int // receipts since the start
	lost    int
}

// job is a receipt that waits for the printer.
type job struct {
	receipt receipt.Receipt
	since   time.Time
	told    chan<- error // nil: nobody waits
}

// New makes the desk that the config names; nil when there is no printer. Synced says whether wall's clock can be
// believed: what it says otherwise is on no receipt.
func New(cfg config.Config, serial Open, log zerolog.Logger, wall func() time.Time, synced func() bool) (*Desk, error) {
	c := cfg.Printer
	if c.Device == "" {
		return nil, nil
	}
	open := func() (io.ReadWriteCloser, error) { return printer.OpenUSB(c.Device) }
	if c.Baud > 0 {
		open = serial("printer", c.Device, c.Baud)
	}
	p, err := printer.New(printer.Config{Device: c.Device, Open: open, CodePage: c.CodePage})
	if err != nil {
		return nil, err
	}
	return &Desk{printer: p, head: head(cfg.Machine), width: c.Width, wall: wall, synced: synced, log: log,
		queue: make(chan job, queueMax), ended: make(chan struct{})}, nil
}

func head(m config.Machine) receipt.Head {
	return receipt.Head{Machine: m.Name, Language: m.Language, Timezone: m.Timezone}
}

// Sales is the record of the machine's sales, as *journal.Journal keeps it.
type Sales interface {
	Find(ctx context.Context, id string) (fsm.Sale, journal.Sale, error)
}

// Find makes the receipt of any sale that is on record; the error is journal.ErrNoSale, or says as package receipt does
// why there is none. A sale that a person decided about ended long after it was paid, and has the time at which it
// began.
func Find(ctx context.Context, sales Sales, m config.Machine, id string) (receipt.Receipt, error) {
	sale, told, err := sales.Find(ctx, id)
	if err != nil {
		return receipt.Receipt{}, err
	}
	at := told.Ended
	if sale.Verdict != (fsm.Verdict{}) {
		at = told.Started
	}
	return head(m).Of(sale, at)
}

// Run prints what the kiosk's updates bring until ctx ends, which also ends a print that is on. It may be called once.
func (d *Desk) Run(ctx context.Context, updates <-chan kiosk.Update) {
	defer close(d.ended)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { d.work(ctx) })
	last, begun := "", false // the sale that is done with
	for {
		select {
		case u := <-updates:
			sale := u.State.Sale
			switch {
			case !begun: // whatever the restart found
				last, begun = sale.ID, true
			case sale.Ended && sale.ID != last:
				last = sale.ID
				d.sold(sale, u.Wall)
			}
		case <-ctx.Done():
			return
		}
	}
}

// sold puts a sale's receipt into the queue. It returns at once.
func (d *Desk) sold(sale fsm.Sale, at time.Time) {
	if sale.Recovered || sale.Verdict != (fsm.Verdict{}) {
		return
	}
	if !d.synced() {
		at = time.Time{}
	}
	r, err := d.head.Of(sale, at)
	if err != nil {
		return // nothing was paid
	}
	select {
	case d.queue <- job{receipt: r, since: time.Now()}:
	default:
		d.drop(r, ErrFull)
	}
}

// Print prints a copy of a receipt for a person, after those that wait; the error says why not.
func (d *Desk) Print(ctx context.Context, r receipt.Receipt) error {
	told := make(chan error, 1)
	r.Copy = true
	select {
	case <-d.ended:
		return ErrEnded
	case d.queue <- job{receipt: r, since: time.Now(), told: told}:
	default:
		return ErrFull
	}
	late := time.NewTimer(awaitMax)
	defer late.Stop()
	select {
	case err := <-told:
		return err
	case <-d.ended:
		return ErrEnded
	case <-late.C:
		return ErrLater
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work prints, one after the other, and asks now and then how the printer is.
func (d *Desk) work(ctx context.Context) {
	next := time.NewTicker(checkEvery)
	defer next.Stop()
	for d.tell(ctx, d.printer.Check(ctx)); ctx.Err() == nil; {
		select {
		case j := <-d.queue:
			d.print(ctx, j)
		case <-next.C:
			d.tell(ctx, d.printer.Check(ctx))
		case <-ctx.Done():
		}
	}
}

// print prints a receipt, once: what became of it when that failed is not known, and the customer would not find it.
func (d *Desk) print(ctx context.Context, j job) {
	err := error(nil)
	if waited := time.Since(j.since); waited > staleAfter {
		err = fmt.Errorf("it has waited for %v for the printer", waited.Round(time.Second))
	} else {
		err = d.printer.Print(ctx, j.receipt.Text(d.width))
		d.tell(ctx, err)
	}
	switch {
	case j.told != nil:
		j.told <- err
	case err != nil:
		d.drop(j.receipt, err)
	default:
		d.mu.Lock()
		d.printed++
		d.mu.Unlock()
	}
}

// drop gives a receipt up.
func (d *Desk) drop(r receipt.Receipt, why error) {
	d.log.Warn().Str("sale", r.Sale).Err(why).Msg("a receipt is not printed")
	d.mu.Lock()
	d.lost++
	d.mu.Unlock()
}

// tell remembers how the printer is, and logs what has changed. What the end of the daemon did is not the printer's.
func (d *Desk) tell(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	d.mu.Lock()
	changed := text(err) != text(d.trouble)
	if changed || !d.asked {
		d.since = d.wall()
	}
	d.trouble, d.asked = err, true
	d.mu.Unlock()
	switch {
	case changed && err != nil:
		d.log.Warn().Err(err).Msg("no receipts: sales go on without")
	case changed:
		d.log.Info().Msg("receipts are printed again")
	}
}

// Copier is Print; nil when there is no desk.
func (d *Desk) Copier() debug.Print {
	if d == nil {
		return nil
	}
	return d.Print
}

// Parts say how the printer is, for a technician; none when there is no desk.
func (d *Desk) Parts() []debug.Part {
	if d == nil {
		return nil
	}
	return []debug.Part{d.part()}
}

func (d *Desk) part() debug.Part {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := debug.Part{Name: "receipt printer", OK: d.trouble == nil, Since: d.since}
	switch {
	case !d.asked:
		p.What = "not looked at yet"
	case d.trouble != nil:
		p.What = d.trouble.Error()
		p.Do = "help it: sales go on without receipts; kioskd receipt SALE --print prints one that is missing"
	default:
		p.What = fmt.Sprintf("well: %d receipts since the start", d.printed)
	}
	if d.lost > 0 {
		p.What += fmt.Sprintf("; %d were not printed", d.lost)
	}
	return p
}
