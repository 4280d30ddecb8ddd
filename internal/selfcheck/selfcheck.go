// Package selfcheck has a machine look at itself once a week, in a quiet hour, while nobody is served: sensors, the
// lines of its relays, display, boards, printer, journal, card. It reads, and moves nothing: no line is driven, and no
// board is given an order. What it finds is no matter of money, so that it stands in a small file beside the journal.
package selfcheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/hw/gpio/hostpin"
	"kioskd/internal/config"
	"kioskd/internal/debug/api"
	"kioskd/internal/host"
	"kioskd/internal/plainfile"
)

const (
	tick     = time.Minute
	idleFor  = 10 // ticks in a row that nobody was served in
	every    = 7 * 24 * time.Hour
	early    = 12 * time.Hour      // a test of last week that was late does not move this week's
	anyHour  = 9 * 24 * time.Hour  // without a quiet hour for so long, any hour will do
	late     = 15 * 24 * time.Hour // so long without one, and it is said
	within   = 3 * time.Minute     // one test, which is mostly the journal's pages
	quiet    = 2                   // o'clock, by the machine's zone, is the earliest
	spread   = 2 * time.Hour       // over which a fleet's machines test themselves
	window   = time.Hour           // from a machine's own moment on
	busyLook = time.Second         // how often a test looks whether a customer has come
)

var (
	// ErrBusy says that somebody is served: a customer or a technician.
	ErrBusy = errors.New("somebody is being served: the self-test waits until nobody is")
	// ErrRuns says that one is on.
	ErrRuns = errors.New("a self-test is on: look at its outcome")
)

// Config is what is looked at, and by whose clock.
type Config struct {
	Machine config.Config
	Host    *host.Watch // the computer
	State   func() fsm.State
	Parts   func() []api.Part // the machine's own; they are not asked anew
	Pins    func() []api.Pin  // their levels, read now
	// Lines says who holds each pin; nil: the machine's lines are simulated.
	Lines   func() ([]hostpin.Use, error)
	Screen  Driver                      // the display; a *Redrawn draws its picture again
	Journal func(context.Context) error // looks at its pages; it ends with its context
	Wall    func() time.Time
	Synced  func() bool
	Log     zerolog.Logger
}

// Tester tests a machine. Its methods may be called from any goroutine; those of a nil Tester are of a machine that
// does not test itself.
type Tester struct {
	c     Config
	began time.Time
	begin chan struct{} // a person wants one
	drawn chan error    // a picture that the display is drawing for a test; nil: none

	mu      sync.Mutex
	running bool
	last    api.SelfTest // the last one that came to an end
	oddFile string       // why the last one is not known
}

// New makes a tester, which reads how the last test went; nil where nobody looks at the computer either.
func New(c Config) *Tester {
	if c.Host == nil {
		return nil
	}
	t := &Tester{c: c, began: c.Wall(), begin: make(chan struct{}, 1)}
	var err error
	if t.last, err = read(t.file()); err != nil {
		t.oddFile = err.Error()
	}
	return t
}

// file keeps the last outcome.
func (t *Tester) file() string {
	return filepath.Join(filepath.Dir(t.c.Machine.Journal.Path), "selftest.json")
}

// Run tests when it is time, or somebody wants it, until ctx ends. It looks at the computer all the while.
func (t *Tester) Run(ctx context.Context) {
	if t == nil {
		return
	}
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { t.c.Host.Run(ctx) })
	next, idle := time.NewTicker(tick), 0
	defer next.Stop()
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-t.begin:
			asked = true
		case <-next.C:
		}
		if idle++; !still(t.c.State()) {
			idle = 0
		}
		if asked || idle >= idleFor && t.due() {
			t.test(ctx)
		}
	}
}

// still: nobody is served, and nobody is about to be.
func still(s fsm.State) bool {
	return !s.Busy() && !s.Serving() && (s.Stage == fsm.Ready || s.Stage == fsm.OutOfService)
}

// age is how long ago the last test was: by the clock where that can be believed, else since the start.
func (t *Tester) age() time.Duration {
	now := t.c.Wall()
	up := now.Sub(t.began)
	if t.last.At.IsZero() || !t.c.Synced() || t.last.At.After(now) {
		return up
	}
	return now.Sub(t.last.At)
}

// due says whether it is time. A machine that was never tested is so in its first quiet hour; one that is never idle
// then, or switched off, at any hour of the tenth day.
func (t *Tester) due() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	age := t.age()
	if age >= anyHour {
		return true
	}
	if !t.last.At.IsZero() && age < every-early {
		return false
	}
	if !t.c.Synced() { // which hour it is nobody knows
		return age >= every
	}
	zone := t.c.Machine.Machine.Timezone
	if zone == nil {
		zone = time.UTC
	}
	now := t.c.Wall().In(zone)
	from := time.Date(now.Year(), now.Month(), now.Day(), quiet, 0, 0, 0, zone).Add(t.own())
	return !now.Before(from) && now.Before(from.Add(window))
}

// own is the machine's own part of the spread: always the same, so that its week is one.
func (t *Tester) own() time.Duration {
	h := fnv.New32a()
	h.Write([]byte(t.c.Machine.Machine.Token + t.c.Machine.Machine.Name))
	return time.Duration(h.Sum32()) % spread
}

// Begin has a test begin soon. It is refused while somebody is served, or one is on.
func (t *Tester) Begin() error {
	if t == nil {
		return errors.New("this machine does not test itself")
	}
	if !still(t.c.State()) {
		return ErrBusy
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running {
		return ErrRuns
	}
	t.running = true
	select {
	case t.begin <- struct{}{}:
	default: // one was asked for that has not begun
	}
	return nil
}

// test makes one test. One that a customer ends is as if it had not been, and is made again.
func (t *Tester) test(ctx context.Context) {
	t.mu.Lock()
	t.running = true
	t.mu.Unlock()
	outcome, whole := t.look(ctx)
	t.mu.Lock()
	t.running = false
	if whole {
		t.last, t.oddFile = outcome, ""
	}
	t.mu.Unlock()
	if !whole {
		if ctx.Err() == nil {
			t.c.Log.Info().Msg("the self-test was ended: somebody is being served")
		}
		return
	}
	line := t.c.Log.Info()
	if !outcome.OK {
		line = t.c.Log.Warn()
	}
	for _, c := range outcome.Checks {
		if !c.OK {
			line.Str(c.Name, c.Says)
		}
	}
	line.Bool("ok", outcome.OK).Msg("self-test")
	if err := write(t.file(), outcome); err != nil {
		t.c.Log.Warn().Err(err).Msg("the self-test's outcome cannot be kept")
	}
}

// Last is how the last test went, and whether one is on; At is zero when there was none.
func (t *Tester) Last() api.SelfTest {
	if t == nil {
		return api.SelfTest{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.last
	last.Running = t.running
	return last
}

// sizeMax bounds the file, in bytes: a check has some hundred.
const sizeMax = 64 << 10

func read(file string) (s api.SelfTest, err error) {
	b, _, err := plainfile.Read(file, sizeMax)
	if err != nil {
		return s, missing(err)
	}
	if s, err = parse(b); err != nil {
		return api.SelfTest{}, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

func parse(b []byte) (s api.SelfTest, err error) {
	if len(b) > sizeMax {
		return s, fmt.Errorf("it has more than %d bytes", sizeMax)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("it does not say how the last self-test went: %w", err)
	}
	if s.At.IsZero() || len(s.Checks) == 0 {
		return s, errors.New("it does not say how the last self-test went")
	}
	s.Running, s.OK = false, true
	for _, c := range s.Checks {
		s.OK = s.OK && c.OK
	}
	return s, nil
}

func write(file string, s api.SelfTest) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return plainfile.Replace(file, append(b, '\n'))
}
