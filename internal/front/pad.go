package front

import (
	"slices"
	"strings"
	"sync"
	"time"

	"kioskd/internal/reason"
)

// typedFor is how long the beginning of a slot's id waits for its end: whoever types it has gone by then.
const typedFor = 5 * time.Second

// Pad turns keys into the slot whose id they compose. An id is chosen as soon as no other begins with it, or by the key
// that ends it. Key may be called from any goroutine.
type Pad struct {
	slots        []string
	clear, enter string
	choose       func(slot string) bool
	show         func(typed string, notice reason.Why) // tells the front; both empty: nothing is typed

	mu    sync.Mutex
	typed string
	turn  int // counts the keys: a timer of an earlier one is void
}

// Pad makes the pad on which an id of the config's slots is typed for the front to show, and whole for choose to take.
func (f *Front) Pad(choose func(slot string) bool) *Pad {
	p := &Pad{clear: f.cfg.Keypad.Clear, enter: f.cfg.Keypad.Enter, choose: choose, show: f.show}
	for _, s := range f.cfg.Slots {
		p.slots = append(p.slots, s.ID)
	}
	return p
}

// Key is a key that was pressed.
func (p *Pad) Key(key rune) {
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
		p.set("", reason.UnknownCode)
	default:
		p.set(p.typed, "")
	}
}

// set is called with p locked.
func (p *Pad) set(typed string, notice reason.Why) {
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
