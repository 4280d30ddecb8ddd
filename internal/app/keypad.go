package app

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"kioskd/hw/display"
	pins "kioskd/hw/gpio"
	"kioskd/hw/gpio/hostpin"
	"kioskd/hw/gpio/pinname"
)

// typedFor is how long the beginning of a slot's id waits for its end: whoever types it has gone by then.
const typedFor = 5 * time.Second

// unknownCode is what the display says of an id that no slot has.
const unknownCode = "unknown_code"

// pad turns keys into the slot whose id they compose. An id is chosen as soon as no other begins with it, or by the key that ends
// it.
type pad struct {
	slots        []string
	clear, enter string
	choose       func(slot string) bool
	show         func(typed, notice string) // tells the display; both empty: nothing is typed

	mu    sync.Mutex
	typed string
	turn  int // counts the keys: a timer of an earlier one is void
}

func (p *pad) key(key rune) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn++
	switch k := string(key); {
	case k == p.clear:
		p.set("", "")
		return
	case k == p.enter && p.typed == "":
		return
	case k != p.enter:
		p.typed += k
	}
	begin := 0
	for _, s := range p.slots {
		if strings.HasPrefix(s, p.typed) {
			begin++
		}
	}
	switch whole := slices.Contains(p.slots, p.typed); {
	case whole && (begin == 1 || string(key) == p.enter):
		slot := p.typed
		p.set("", "")
		p.choose(slot)
	case begin == 0 || string(key) == p.enter:
		p.set("", unknownCode)
	default:
		p.set(p.typed, "")
	}
}

// set is called with p locked.
func (p *pad) set(typed, notice string) {
	p.typed = typed
	p.show(typed, notice)
	if typed == "" && notice == "" {
		return
	}
	turn := p.turn
	time.AfterFunc(typedFor, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.turn == turn {
			p.set("", "")
		}
	})
}

// keypad connects the keypad to the kiosk, when there is one.
func (a *App) keypad() ([]contact, error) {
	c := a.cfg.Keypad
	if len(c.Rows) == 0 {
		return nil, nil
	}
	k := &pins.Keypad{Keys: c.Keys, Hold: contactHold}
	for _, name := range c.Rows {
		row, err := a.pins.Output(name)
		if err != nil {
			return nil, err
		}
		k.Rows = append(k.Rows, row)
	}
	for _, name := range c.Columns {
		column, err := a.pins.Input(name)
		if err != nil {
			return nil, err
		}
		k.Columns = append(k.Columns, column)
	}
	p := &pad{clear: c.Clear, enter: c.Enter, choose: a.Kiosk.Choose, show: a.screen.showTyped}
	for _, s := range a.cfg.Slots {
		p.slots = append(p.slots, s.ID)
	}
	return []contact{{"keypad", func(ctx context.Context) error { return k.Follow(ctx, p.key) }}}, k.Check()
}

// openDrain makes open drains of the keypad's rows, which meet when two keys are down.
func openDrain(all []hostpin.Wire, rows []string) []hostpin.Wire {
	for _, row := range rows {
		name, _ := pinname.Canonical(row)
		i := slices.IndexFunc(all, func(w hostpin.Wire) bool {
			other, _ := pinname.Canonical(w.Pin)
			return other == name
		})
		if i < 0 {
			i, all = len(all), append(all, hostpin.Wire{Pin: row})
		}
		all[i].OpenDrain = true
	}
	return all
}

// typing is what stands on the display beside the kiosk's own view.
type typing struct{ typed, notice string }

// showTyped shows what a customer has typed so far, and a word about it.
func (s *screen) showTyped(typed, notice string) {
	s.typing.Store(&typing{typed, notice})
	select {
	case s.again <- struct{}{}:
	default: // it is going to be drawn
	}
}

// withTyping adds it where a product can be chosen.
func (s *screen) withTyping(p display.Screen) display.Screen {
	t := s.typing.Load()
	if t == nil || p.Kind != display.Choose && (p.Kind != display.Idle || p.QR != "") {
		return p
	}
	if p.Typed = t.typed; t.typed+t.notice != "" {
		p.Notice = t.notice
	}
	return p
}
