package selfcheck

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/hw/display"
	"kioskd/hw/gpio/hostpin"
	"kioskd/hw/vend"
	"kioskd/hw/wire"
	"kioskd/internal/config"
	"kioskd/internal/debug/api"
	"kioskd/internal/host"
)

// cabinet is a machine whose parts a test sets.
type cabinet struct {
	mu     sync.Mutex
	state  fsm.State
	parts  []api.Part
	pins   []api.Pin
	uses   []hostpin.Use
	pages  func(context.Context) error
	synced bool
	looked int // at the pages
}

func (c *cabinet) set(change func(*cabinet)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

func get[T any](c *cabinet, of func(*cabinet) T) func() T {
	return func() T {
		c.mu.Lock()
		defer c.mu.Unlock()
		return of(c)
	}
}

// wired is a slot with a motor's relay and a drop sensor.
type wired struct{ vend.Config }

func (wired) Wires(p vend.Place) []wire.Wire {
	return []wire.Wire{{Pin: "GPIO17", Slot: "A1", Role: wire.Motor}, {Pin: "GPIO27", Slot: "A1", Role: wire.Drop}}
}

func newCabinet(t *testing.T) (*cabinet, Config) {
	c := &cabinet{state: fsm.State{Stage: fsm.Ready}, synced: true,
		parts: []api.Part{{Name: "Glase", What: "silent"}, {Name: "Display", OK: true, What: "terminal"}},
		pins: []api.Pin{{Name: "GPIO5", Role: "A1 button"}, {Name: "GPIO17", Role: "A1 relay"},
			{Name: "GPIO27", Role: "A1 drop sensor"}},
		pages: func(context.Context) error { return nil }}
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	var cfg config.Config
	cfg.Machine.Token, cfg.Machine.Timezone = "123456", zone
	cfg.Journal.Path = filepath.Join(t.TempDir(), "journal.db")
	cfg.Slots = []config.Slot{{ID: "A1", Button: "GPIO5", Vend: wired{}}}
	wall := func() time.Time { return time.Now().AddDate(26, 10, 0) }
	synced := get(c, func(c *cabinet) bool { return c.synced })
	return c, Config{Machine: cfg, State: get(c, func(c *cabinet) fsm.State { return c.state }),
		Parts: get(c, func(c *cabinet) []api.Part { return c.parts }),
		Pins:  get(c, func(c *cabinet) []api.Pin { return slices.Clone(c.pins) }),
		Lines: func() ([]hostpin.Use, error) { return get(c, func(c *cabinet) []hostpin.Use { return c.uses })(), nil },
		Wall:  wall, Synced: synced, Log: zerolog.Nop(),
		Journal: func(ctx context.Context) error {
			c.set(func(c *cabinet) { c.looked++ })
			return get(c, func(c *cabinet) func(context.Context) error { return c.pages })()(ctx)
		},
		Host: host.New(host.Config{Root: fstest.MapFS{}, Room: func(string) (host.Room, error) {
			return host.Room{Free: 1 << 40, Size: 1 << 40}, nil
		}, Folder: "/", Wall: wall, Synced: synced, Log: zerolog.Nop()})}
}

// runs has a tester work in virtual time, until the test's function is over.
func runs(t *testing.T, do func(c *cabinet, tester *Tester)) {
	synctest.Test(t, func(t *testing.T) {
		c, config := newCabinet(t)
		tester := New(config)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { tester.Run(ctx); close(ended) }()
		do(c, tester)
		cancel()
		<-ended
	})
}

func TestAMachineTestsItselfOnceAWeekInAQuietHour(t *testing.T) {
	runs(t, func(c *cabinet, tester *Tester) {
		var at []time.Time
		for range 29 * 24 * 60 {
			time.Sleep(time.Minute)
			if last := tester.Last(); !last.At.IsZero() && (len(at) == 0 || !last.At.Equal(at[len(at)-1])) {
				at = append(at, last.At)
			}
		}
		if len(at) != 5 { // the first night, and four more
			t.Fatalf("in four weeks it was tested at %v", at)
		}
		zone, _ := time.LoadLocation("Europe/Stockholm")
		for n, one := range at {
			y, m, d := one.In(zone).Date()
			if after := one.Sub(time.Date(y, m, d, 2, 0, 0, 0, zone)) - tester.own(); after < 0 || after > window {
				t.Errorf("it was tested at %v", one.In(zone))
			}
			if n > 0 && one.Sub(at[n-1]).Round(2*time.Hour) != every {
				t.Errorf("a week is %v long", one.Sub(at[n-1]))
			}
		}
		if last := tester.Last(); !last.OK || len(last.Checks) != 4 {
			t.Errorf("it found %+v", last)
		}
		again := New(tester.c)
		if !again.Last().At.Equal(tester.Last().At) {
			t.Errorf("the next start knows of %+v", again.Last())
		}
	})
}

// TestNoCustomerMeetsASelfTest: it begins while nobody is served, and a customer who comes ends it.
func TestNoCustomerMeetsASelfTest(t *testing.T) {
	runs(t, func(c *cabinet, tester *Tester) {
		c.set(func(c *cabinet) {
			c.state = fsm.State{Stage: fsm.Vending, Sale: fsm.Sale{ID: "S"}}
			c.pages = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		})
		time.Sleep(16 * 24 * time.Hour)
		if last := tester.Last(); !last.At.IsZero() || last.Running {
			t.Fatalf("in the middle of a sale: %+v", last)
		}
		if err := tester.Begin(); !errors.Is(err, ErrBusy) {
			t.Errorf("a person begins one in the middle of a sale: %v", err)
		}
		if p, word := tester.judge(); word != Late || p.OK || p.Do == "" {
			t.Errorf("that it is never tested is said so: %q %+v", word, p)
		}
		c.set(func(c *cabinet) { c.state = fsm.State{Stage: fsm.Ready} })
		time.Sleep(idleFor*tick + time.Second)
		if !tester.Last().Running {
			t.Fatal("nobody is served for ten minutes, and no test begins")
		}
		if err := tester.Begin(); !errors.Is(err, ErrRuns) {
			t.Errorf("a person begins a second one: %v", err)
		}
		c.set(func(c *cabinet) { c.state = fsm.State{Stage: fsm.Invoicing, Sale: fsm.Sale{ID: "T"}} })
		time.Sleep(2 * busyLook)
		if last := tester.Last(); last.Running || !last.At.IsZero() {
			t.Errorf("a customer has come, and it stands so: %+v", last)
		}
	})
}

// TestWhoIsServedAndWhoIsNot: a machine that is out of service tests itself too, and one with a technician does not.
func TestWhoIsServedAndWhoIsNot(t *testing.T) {
	for stage, want := range map[fsm.Stage]error{fsm.Ready: nil, fsm.OutOfService: nil, fsm.Maintenance: ErrBusy,
		fsm.Resolving: ErrBusy, fsm.Choosing: ErrBusy, "": ErrBusy} {
		runs(t, func(c *cabinet, tester *Tester) {
			c.set(func(c *cabinet) { c.state = fsm.State{Stage: stage} })
			if err := tester.Begin(); !errors.Is(err, want) {
				t.Errorf("%q: %v", stage, err)
			}
			synctest.Wait()
			if last := tester.Last(); last.At.IsZero() != (want != nil) {
				t.Errorf("%q: %+v", stage, last)
			}
		})
	}
	var none *Tester
	if err := none.Begin(); err == nil || none.Parts() != nil || none.Troubles() != nil || !none.Last().At.IsZero() {
		t.Errorf("a machine that does not test itself begins: %v", err)
	}
	none.Run(t.Context())
	none.Metrics(nil)
}

func TestWhatASelfTestFindsIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*cabinet)
		want   string
	}{
		"a stuck drop sensor": {func(c *cabinet) { c.pins[2].Active = true }, "A1 drop sensor (GPIO27) is covered"},
		"a stuck button":      {func(c *cabinet) { c.pins[0].Active = true }, "A1 button (GPIO5) is pressed"},
		"a sensor that is gone": {func(c *cabinet) { c.pins = c.pins[:2] },
			"A1 drop sensor (GPIO27) cannot be read"},
		"a relay that is on": {func(c *cabinet) { c.pins[1].Active = true }, "A1 motor relay (GPIO17) is on"},
		"a relay that another program has": {func(c *cabinet) {
			c.uses = []hostpin.Use{{Pin: "GPIO17", By: "gpioset"}}
		}, `is held by "gpioset"`},
		"a display that fails": {func(c *cabinet) {
			c.parts[1] = api.Part{Name: "Display", What: "input/output error"}
		}, "display: input/output error"},
		"a board that is silent": {func(c *cabinet) {
			c.parts = append(c.parts, api.Part{Name: "Board", What: "no answer"})
		}, "board: no answer"},
		"a bad page": {func(c *cabinet) {
			c.pages = func(context.Context) error { return errors.New("database disk image is malformed") }
		}, "malformed"},
		"pages that never end": {func(c *cabinet) {
			c.pages = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		}, "deadline"},
	} {
		t.Run(name, func(t *testing.T) {
			runs(t, func(box *cabinet, tester *Tester) {
				box.set(c.change)
				if err := tester.Begin(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(within + time.Minute)
				p, word := tester.judge()
				if word != Failed || p.OK || !strings.Contains(p.What, c.want) || p.Do == "" {
					t.Errorf("it is said so: %q %+v", word, p)
				}
				if told := tester.Troubles(); len(told) != 1 || told[0].Name != Failed {
					t.Errorf("the fleet is told %+v", told)
				}
				var page bytes.Buffer
				tester.Metrics(&page)
				if !strings.Contains(page.String(), "kioskd_selftest_failed_checks 1\n") {
					t.Errorf("the metrics:\n%s", page.String())
				}
			})
		})
	}
}

// TestAClockThatIsWrongKeepsNoTestAway: which hour it is nobody knows, and a week by the machine's own time passes.
func TestAClockThatIsWrongKeepsNoTestAway(t *testing.T) {
	runs(t, func(c *cabinet, tester *Tester) {
		c.set(func(c *cabinet) { c.synced = false })
		time.Sleep(6 * 24 * time.Hour)
		if !tester.Last().At.IsZero() {
			t.Error("it was tested at an hour that nobody knows")
		}
		time.Sleep(25 * time.Hour)
		if tester.Last().At.IsZero() {
			t.Error("it was not tested in a week")
		}
	})
}

func TestAFileThatSaysNothingIsSaidAndReplaced(t *testing.T) {
	for _, bad := range []string{"", "{", "[]", `{"at":"2026-11-27T03:00:00Z"}`, strings.Repeat("x", sizeMax+1)} {
		runs(t, func(_ *cabinet, tester *Tester) {
			if err := os.WriteFile(tester.file(), []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			again := New(tester.c)
			if p, word := again.judge(); word != "" || !strings.Contains(p.What, "none that is known") {
				t.Errorf("%.20q is said to be %+v", bad, p)
			}
			if err := tester.Begin(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if last := New(tester.c).Last(); last.At.IsZero() {
				t.Errorf("after a test the file says %+v", last)
			}
		})
	}
}

// panel is a display with a cable.
type panel struct {
	mu    sync.Mutex
	drew  []display.Screen
	err   error
	hangs chan struct{}
}

func (p *panel) Show(s display.Screen) error {
	p.mu.Lock()
	hangs := p.hangs
	p.mu.Unlock()
	if hangs != nil {
		<-hangs
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drew = append(p.drew, s)
	return p.err
}

func (p *panel) Close() error { return nil }

// TestADisplayThatLostItsCableIsFoundBeforeTheNextCustomer: nothing was drawn since.
func TestADisplayThatLostItsCableIsFoundBeforeTheNextCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, config := newCabinet(t)
		shown := &panel{}
		screen := &Redrawn{Driver: shown}
		config.Screen = screen
		tester := New(config)
		test := func() api.Check {
			tester.test(t.Context())
			last := tester.Last()
			n := slices.IndexFunc(last.Checks, func(c api.Check) bool { return c.Name == "display" })
			return last.Checks[n]
		}
		if check := test(); !check.OK || len(shown.drew) != 0 {
			t.Errorf("before the first picture: %+v, and it drew %v", check, shown.drew)
		}
		if err := screen.Show(display.Screen{QR: "one"}); err != nil {
			t.Fatal(err)
		}
		if check := test(); !check.OK || len(shown.drew) != 2 || shown.drew[1].QR != "one" {
			t.Errorf("with a cable: %+v, and it drew %v", check, shown.drew)
		}
		shown.err = errors.New("no such device")
		if check := test(); check.OK || check.Says != "no such device" || check.Do == "" {
			t.Errorf("without one: %+v", check)
		}
		shown.err, shown.hangs = nil, make(chan struct{})
		for range 2 { // and no second one is begun
			if check := test(); check.OK || check.Says != errDraws.Error() {
				t.Errorf("one that hangs: %+v", check)
			}
		}
		close(shown.hangs)
		synctest.Wait()
		if check := test(); !check.OK {
			t.Errorf("one that hangs no more: %+v", check)
		}
	})
}

func FuzzOutcome(f *testing.F) {
	f.Add([]byte(`{"at":"2026-11-27T03:00:00Z","ok":true,"checks":[{"name":"relays","ok":false,"says":"x"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parse(b)
		if err != nil {
			return
		}
		if bad := slices.ContainsFunc(s.Checks, func(c api.Check) bool { return !c.OK }); bad == s.OK || s.Running {
			t.Errorf("%q is read as %+v", b, s)
		}
	})
}
