// Package upgrade is the daemon's side of a change of versions: it keeps the machine between two sales while one
// version takes over from another, and tells how the last change went. The change itself is made by the unit
// kioskd-upgrade, which is part of neither version.
package upgrade

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/reason"
)

// File is where the unit writes down how the last change of versions stands.
const File = "/var/lib/kioskd-upgrade/state.json"

// sizeMax, in bytes, is far more than the unit writes.
const sizeMax = 4 << 10

// What State.State may be.
const (
	Waiting = "waiting" // for the sale that is on to end
	Trial   = "trial"   // the new version runs, and is watched
	Done    = "done"    // the new version has proven itself
	Back    = "back"    // the new version was no good, and the old one runs again
	Refused = "refused" // the new version was never started: the old one runs on
)

func words() []string { return []string{Waiting, Trial, Done, Back, Refused} }

// State is how the last change of versions stands.
type State struct {
	State string    `json:"state"`
	From  string    `json:"from"` // the package's version that ran before
	To    string    `json:"to"`
	Why   string    `json:"why,omitempty"` // of Back and Refused: a word, as "not_ready"
	At    time.Time `json:"at"`            // by the machine's clock of that moment
}

// Read gives how the last change stands that is written down in a file; the zero State when there was none. A file that
// does not say it is an error.
func Read(path string) (State, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("upgrade: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, sizeMax+1))
	if err != nil {
		return State{}, fmt.Errorf("upgrade: %w", err)
	}
	s, err := parse(text)
	if err != nil {
		return State{}, fmt.Errorf("upgrade: %s: %w", path, err)
	}
	return s, nil
}

func parse(text []byte) (s State, err error) {
	if len(text) > sizeMax {
		return s, fmt.Errorf("it has more than %d bytes", sizeMax)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&s); err != nil {
		return State{}, fmt.Errorf("it does not say how the change of versions stands: %w", err)
	}
	if d.More() {
		return State{}, errors.New("something follows what it says")
	}
	if !slices.Contains(words(), s.State) {
		return State{}, fmt.Errorf("a change of versions does not stand at %.40q", s.State)
	}
	return s, nil
}

// Told gives what the port tells of the last change that is written down in a file; nil: there was none. Of a file that
// does not say it, that is told.
func Told(path string) func() *api.Upgrade {
	return func() *api.Upgrade {
		s, err := Read(path)
		switch {
		case err != nil:
			return &api.Upgrade{State: "unknown", Why: err.Error()}
		case s.State == "":
			return nil
		}
		return &api.Upgrade{State: s.State, From: s.From, To: s.To, Why: s.Why, At: s.At.UTC()}
	}
}

// Kiosk is the machine that is held between two sales.
type Kiosk interface {
	State() fsm.State
	Raise(fsm.Fault)
	Clear(reason.Why)
}

// HoldMax is the longest that one Hold keeps a machine from selling.
const HoldMax = 5 * time.Minute

// Gate keeps a machine from beginning a sale. Several goroutines may use it.
type Gate struct {
	kiosk Kiosk

	mu    sync.Mutex
	until *time.Timer
}

// NewGate makes the gate of a machine. It is open.
func NewGate(k Kiosk) *Gate { return &Gate{kiosk: k} }

// Hold lets no new sale begin for so long, at most for HoldMax, and says whether the machine stands still already: no
// sale is on, and no technician's act. A sale that is on goes on to its own end. Whoever waits for that asks again,
// which holds anew from then on; 0 opens the gate. When nobody asks again it opens by itself: an upgrade that dies half
// way darkens no machine.
func (g *Gate) Hold(long time.Duration) (still bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.until != nil {
		g.until.Stop()
		g.until = nil
	}
	if long <= 0 {
		g.kiosk.Clear(reason.Upgrade)
		return false
	}
	// Before the gate is closed for good, for a sale that begins just now would not be seen.
	s := g.kiosk.State()
	held := slices.ContainsFunc(s.Faults, func(f fsm.Fault) bool { return f.Name == reason.Upgrade })
	g.kiosk.Raise(fsm.Fault{Name: reason.Upgrade})
	var mine *time.Timer
	mine = time.AfterFunc(min(long, HoldMax), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.until == mine { // nobody has asked again meanwhile
			g.until = nil
			g.kiosk.Clear(reason.Upgrade)
		}
	})
	g.until = mine
	return held && !s.Busy() && !s.Serving()
}
