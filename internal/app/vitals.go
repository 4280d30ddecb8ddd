package app

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"image/png"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/hw/display"
	"kioskd/internal/debug"
	"kioskd/internal/doctor"
)

// vitals is what a technician asks first about what the machine depends on.
type vitals struct {
	wall func() time.Time
	cold *cold // nil: no temperature is measured

	mu       sync.Mutex
	answered time.Time // when Glase answered last, with whatever
	failed   time.Time // when it did not; zero: since it answered it always has
	failure  error     // why, at the last call
	purchase time.Time // when a customer's phone came in last through Glase
	display  error     // why the display shows nothing
}

// heard notes a call's end, and hands its error on.
func (v *vitals) heard(err error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if refused := (*glase.ResultError)(nil); err == nil || errors.As(err, &refused) {
		v.answered, v.failed = v.wall(), time.Time{}
		return err
	}
	if v.failed.IsZero() {
		v.failed = v.wall()
	}
	v.failure = err
	return err
}

func (v *vitals) scanned() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.purchase = v.wall()
}

func (v *vitals) shown(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.display = err
}

// clockBegins is before this program was written: a clock that says less was never set.
const clockBegins = 2025

// parts says how each of them is, and what to do about those that are not well.
func (a *App) parts() []debug.Part {
	v := &a.vitals
	v.mu.Lock()
	defer v.mu.Unlock()
	calls := debug.Part{Name: "Glase", OK: true, What: "not called since the start", Since: v.answered}
	now, synced := v.wall(), a.clock.Synced()
	var distrust doctor.Distrust
	switch {
	case !v.failed.IsZero():
		calls = debug.Part{Name: "Glase", What: v.failure.Error(), Since: v.failed, Do: "look at the network: kioskd asks again by itself, and sells nothing until Glase answers"}
		var ok bool
		if distrust, ok = doctor.Distrusted(v.failure, now, synced); ok {
			calls.What, calls.Do = "cannot be reached: "+distrust.Says, distrust.Remedy
		}
	case !v.answered.IsZero():
		calls.What = "answers"
	}
	state := a.Kiosk.State()
	if state.Helpless() {
		calls.OK = false
		calls.What += fmt.Sprintf("; it leaves open what becomes of sale %s, which kioskd asks again and again", state.Sale.ID)
		calls.Do = cmp.Or(calls.Do, "look at the network") + fmt.Sprintf(
			"; if it stays so, settle the sale with Glase by telephone, and record that: kioskd resolve %s charge|release|refund --by-hand", state.Sale.ID)
	}
	scans := debug.Part{Name: "UPS", OK: true, What: "not used: the config has no [ups]"}
	if a.UPS != nil {
		scans = a.door.part(a.cfg.UPS, state, v.purchase)
	}
	records := debug.Part{Name: "Journal", OK: true, What: a.cfg.Journal.Path}
	for _, f := range state.Faults {
		switch f.Name {
		case fsm.FaultJournalLost:
			records.OK, records.What = false, "has lost its newest entries: "+f.Note
			records.Do = `look in Glase's books for sales and open reservations since then, and at every slot; then: kioskd accept --reason "…"`
		case fsm.FaultJournal:
			records.OK, records.What, records.Do = false, "cannot be written", "look at the disk: is it full, or has the card failed? It is tried again each minute"
		}
	}
	if a.journal == nil {
		records.OK, records.What, records.Do = false, "could not be opened", "the log of the last start says why"
	}
	screen := debug.Part{Name: "Display", OK: v.display == nil, What: a.cfg.Display.Driver}
	if v.display != nil {
		screen.What, screen.Do = v.display.Error(), "look at the display's cable and at [display]; it is tried again every 10 s"
	}
	all := []debug.Part{calls, scans, records, clockPart(now, synced, distrust.Clock), screen}
	if v.cold != nil {
		all = append(all, v.cold.part(v.wall()))
	}
	for _, l := range a.lines {
		all = append(all, l.part())
	}
	if a.bus != nil {
		all = append(all, a.bus.part())
	}
	return append(all, a.certs.parts(v.wall())...)
}

// clockPart says whether the clock can be believed. blamed: it keeps Glase away.
func clockPart(now time.Time, synced, blamed bool) debug.Part {
	p := debug.Part{Name: "Clock", OK: synced && !blamed, What: "set by the network", Since: now}
	switch {
	case now.Year() < clockBegins:
		p.OK, p.Do = false, doctor.SetClock
		p.What = fmt.Sprintf("stands in %d: Glase's certificate cannot be believed, and records have wrong times", now.Year())
	case !synced:
		p.Do = doctor.SetClock
		p.What = "not checked against a time server: one that is far off keeps Glase away, whose certificate is then not believed"
	}
	if blamed {
		p.What, p.Do = "keeps Glase away, and nothing is sold: by this clock Glase's certificate is not good", doctor.SetClock
	}
	return p
}

// levels says how each pin of the config is now. When one moved is told by the present clock, so that a pin which moved before the
// clock was set does not tell 1970.
func (a *App) levels() []debug.Pin {
	read, now := a.pins.Readings(), a.clock.Wall()
	var all []debug.Pin
	add := func(name, role string, active gpio.Level, on, off string) {
		if name == "" {
			return
		}
		r := read[name]
		p := debug.Pin{Name: name, Role: role, Level: "low", Active: r.Level == active, Means: off}
		if r.Level {
			p.Level = "high"
		}
		if p.Active {
			p.Means = on
		}
		if r.Moved {
			p.Changed = now.Add(-r.Still).UTC()
		}
		all = append(all, p)
	}
	add(a.cfg.GPIO.Door, "door", gpio.High, "open", "closed")
	add(a.cfg.GPIO.Tilt, "tilt", gpio.Low, "shaken", "still")
	add(a.cfg.GPIO.Cancel, "cancel button", gpio.Low, "pressed", "free")
	add(a.cfg.GPIO.Retry, "retry button", gpio.Low, "pressed", "free")
	for n, row := range a.cfg.Keypad.Rows {
		add(row, fmt.Sprint("keypad row ", n+1), gpio.Low, "rests", "scans")
	}
	for n, column := range a.cfg.Keypad.Columns {
		add(column, fmt.Sprint("keypad column ", n+1), gpio.Low, "a key is down", "free")
	}
	for _, s := range a.cfg.Slots {
		add(s.Vend.Relay, s.ID+" relay", gpio.High, "on", "off")
		add(s.Vend.Drop, s.ID+" drop sensor", gpio.Low, "covered", "free")
		add(s.Vend.Home, s.ID+" home switch", gpio.Low, "at home", "in a turn")
		add(s.Vend.Opened, s.ID+" door contact", gpio.High, "open", "closed")
		add(s.Button, s.ID+" button", gpio.Low, "pressed", "free")
	}
	return all
}

// words are what the customer reads now.
func (a *App) words() debug.Screen {
	c := display.Text(draw(a.cfg, a.screen.view(), a.clock.Now()))
	s := debug.Screen{Title: c.Title, Lines: []string{}, List: []debug.Entry{}}
	for _, line := range append(c.Lines, c.Notice, c.Time, c.Hint, c.Support, c.Test) {
		if line != "" {
			s.Lines = append(s.Lines, line)
		}
	}
	for _, e := range c.List {
		s.List = append(s.List, debug.Entry{Slot: e.Key, Name: e.Name, Price: e.Price})
	}
	return s
}

// pictures draws what the customer sees, for a technician who is elsewhere, as a PNG of one size.
type pictures struct {
	app *App

	mu      sync.Mutex
	painter *display.Painter // made for the first who asks
}

const pictureWidth, pictureHeight = 800, 480

func (p *pictures) draw() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.painter == nil {
		var err error
		if p.painter, err = display.NewPainter(pictureWidth, pictureHeight); err != nil {
			return nil, err
		}
	}
	m, err := p.painter.Paint(draw(p.app.cfg, p.app.screen.view(), p.app.clock.Now()))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m)
	return b.Bytes(), err
}
