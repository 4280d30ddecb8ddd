package world

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/fsm"
	"kioskd/hw/display"
	wires "kioskd/hw/wire"
	"kioskd/internal/app"
	"kioskd/internal/kiosk"
	"kioskd/internal/simulated"
)

// life is one run of the kiosk.
type life struct {
	gate   *gate
	app    *app.App
	screen *screen
	stop   context.CancelFunc // SIGTERM
	ended  chan struct{}
	began  time.Time
	lost   bool // it came up without its journal
}

// screen is what a customer sees.
type screen struct {
	mu   sync.Mutex
	last display.Screen
}

func (s *screen) Show(p display.Screen) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = p
	return nil
}

func (s *screen) Close() error { return nil }

func (w *world) running() *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.life
}

// shows is what stands on the display; nothing while no kiosk runs.
func (w *world) shows() display.Screen {
	l := w.running()
	if l == nil {
		return display.Screen{}
	}
	l.screen.mu.Lock()
	defer l.screen.mu.Unlock()
	return l.screen.last
}

// keep starts the kiosk whenever it is not there, until ctx ends.
func (w *world) keep(ctx context.Context) {
	var leftovers sync.WaitGroup
	defer leftovers.Wait()
	back := w.harm.begin(noKiosk)
	for {
		w.mu.Lock()
		w.starts++
		// not of the world: what an earlier visit brought may be left out
		name := fmt.Sprintf("%s/start %d", w.chapter, w.starts)
		w.mu.Unlock()
		l, err := w.start(name)
		if err != nil {
			w.referee.violated("the kiosk does not start: %v", err)
			return
		}
		leftovers.Go(func() {
			<-l.ended
			_ = l.app.Close() // of a killed run nothing reaches the world
		})
		if !l.lost {
			back()
		}
		select {
		case <-l.gate.killed:
			back = w.leave(l, back)
			l.stop()
			w.aftermath(w.numbers(name+"/aftermath"), l)
		case <-l.ended:
			back = w.leave(l, back)
		case <-ctx.Done():
			l.stop()
			<-l.ended
			return
		}
		if w.o.NoRestart {
			<-ctx.Done()
			return
		}
		w.dark(name)
	}
}

// leave takes the run out of the world. A new time without a kiosk begins, which the next one ends that has its
// journal.
func (w *world) leave(l *life, back func()) func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.life = nil
	if l.lost {
		return back
	}
	return w.harm.begin(noKiosk)
}

// quiet is since when nothing stands in the kiosk's way any more; zero: it does still.
func (w *world) quiet() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over.IsZero() || w.life == nil || w.life.lost {
		return time.Time{}
	}
	return maxTime(w.over, w.life.began)
}

// dark is the time between two runs.
func (w *world) dark(name string) {
	w.mu.Lock()
	restless := w.restless
	w.mu.Unlock()
	long := time.Second + seconds(w.numbers(name+"/restart"), 5)
	if restless {
		if r, longer := w.maybe(15, name+"/long dark"); longer {
			long = time.Duration(r.Int64N(int64(longestDark)))
		}
	}
	time.Sleep(long)
}

// aftermath is what a kill leaves: relays at their level until systemd's "kioskd outputs-off", or a machine without
// power that wakes up with another boot.
func (w *world) aftermath(r *rand.Rand, l *life) {
	l.gate.mu.Lock()
	power := l.gate.power
	l.gate.mu.Unlock()
	w.harm.moment(kioskKilled)
	w.mu.Lock()
	w.kills++
	w.mu.Unlock()
	w.diary.note("the kiosk is killed, power=%v", power)
	w.store.forget(w.o.Forget)
	if w.o.LoseLog > 0 {
		w.loseLog(r)
	}
	for _, s := range w.cfg.Slots { // a dead process waits for no edge
		for _, role := range []wires.Role{wires.Drop, wires.DoorContact, wires.Button} {
			if in := wires.Find(s.Wires(), s.ID, role).Pin; in != "" {
				w.halt(in)
			}
		}
	}
	for _, in := range []string{"SIM-CANCEL", "SIM-RETRY", "SIM-DOOR"} {
		w.halt(in)
	}
	if !power {
		time.Sleep(time.Duration(r.Int64N(int64(outputsOff))))
	} else {
		w.mu.Lock()
		w.bootN++
		w.boot = time.Now()
		w.mu.Unlock()
	}
	if power && w.motors != nil {
		w.motors.Reset()
	}
	for _, s := range relays(w.cfg) {
		p, err := w.board.Pin(relayOf(s))
		if err == nil {
			err = p.Out(gpio.Low)
		}
		if err != nil {
			panic(err) // the board was built from the same config
		}
	}
}

func (w *world) halt(name string) {
	p, err := w.board.Pin(name)
	if err == nil {
		err = p.Halt()
	}
	if err != nil {
		panic(err)
	}
}

// start builds a kiosk on what the last one left, and lets it run.
func (w *world) start(name string) (*life, error) {
	l := &life{gate: newGate(), screen: &screen{}, ended: make(chan struct{}), began: time.Now()}
	w.mu.Lock()
	boot, began, restless := fmt.Sprint("boot ", w.bootN), w.boot, w.restless && w.kills < killsMax
	w.mu.Unlock()
	way := w.glase.Transport()
	if w.sockets != nil {
		way = w.sockets.way()
	}
	var transport http.RoundTripper = &wire{gate: l.gate, world: w, next: way}
	if w.o.Transport != nil {
		transport = w.o.Transport(transport)
	}
	serviced := ""
	if restless {
		if _, yes := w.maybe(10, name+"/serviced"); yes {
			serviced = "technician"
			w.diary.note("a technician starts the kiosk")
			w.referee.serviced()
		}
	}
	var second kiosk.Payments
	if w.o.Second {
		var err error
		if second, err = w.second(transport); err != nil {
			return nil, err
		}
	}
	a, err := app.New(context.Background(), simulated.Config(w.cfg), app.Parts{
		Payments: second,
		Version:  "sim", Random: w.random, Screen: l.screen, Pins: panel{w.board, l.gate, w},
		Transport: transport, ServicedBy: serviced, Serial: w.serial(l.gate),
		Clock: app.Clock{
			Boot: boot, Wall: func() time.Time { return time.Now().Add(time.Duration(w.wall.Load())) },
			Synced: func() bool { return false },
			Now:    func() fsm.Instant { return fsm.Instant(time.Since(began)) + 1 },
		},
		OpenJournal: func(context.Context) (app.Store, error) {
			h, err := w.store.open(l.gate)
			if l.app == nil { // afterwards it only looks whether the journal is back
				l.lost = err != nil
			}
			return h, err
		},
	})
	if err != nil {
		return nil, err
	}
	l.app = a
	var ctx context.Context
	ctx, l.stop = context.WithCancel(context.Background())
	l.gate.term = func() {
		w.diary.note("the kiosk is told to end")
		w.harm.moment(kioskTold)
		l.stop()
	}
	if restless {
		if r, doomed := w.maybe(60, name+"/doom"); doomed {
			l.gate.doom(r)
		}
	}
	w.mu.Lock()
	w.life = l
	w.mu.Unlock()
	w.diary.note("a kiosk starts")
	go func() {
		defer close(l.ended)
		if err := a.Run(ctx); err != nil {
			w.diary.note("the kiosk ends: %v", err)
		}
	}()
	return l, nil
}
