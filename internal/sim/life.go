package sim

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
	"kioskd/internal/app"
)

// life is one run of the kiosk.
type life struct {
	gate   *gate
	app    *app.App
	screen *screen
	stop   context.CancelFunc // SIGTERM
	ended  chan struct{}
	power  bool // it ended with the power; guarded by world.mu
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
	r := rand.New(rand.NewPCG(w.seed, 3))
	for {
		l, err := w.start(r)
		if err != nil {
			w.referee.violated("the kiosk does not start: %v", err)
			return
		}
		leftovers.Go(func() {
			<-l.ended
			_ = l.app.Close() // of a killed run nothing reaches the world
		})
		select {
		case <-l.gate.killed:
			w.leave()
			l.stop()
			w.aftermath(r, l)
		case <-l.ended:
			w.leave()
		case <-ctx.Done():
			l.stop()
			<-l.ended
			return
		}
		if w.o.NoRestart {
			<-ctx.Done()
			return
		}
		dark := time.Second + seconds(r, 5)
		w.mu.Lock()
		if w.restless && r.IntN(6) == 0 {
			dark = time.Duration(r.Int64N(int64(longestDark)))
		}
		w.mu.Unlock()
		w.harm.silent(dark)
		time.Sleep(dark)
	}
}

// leave takes the run out of the world.
func (w *world) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.life = nil
}

// aftermath is what a kill leaves: relays at their level until systemd's "kioskd outputs-off", or a machine without power that
// wakes up with another boot.
func (w *world) aftermath(r *rand.Rand, l *life) {
	w.harm.ended(true)
	w.mu.Lock()
	power := l.power || r.IntN(3) == 0
	w.kills++
	w.mu.Unlock()
	w.diary.note("the kiosk is killed, power=%v", power)
	w.store.forget(w.o.Forget)
	for _, s := range w.cfg.Slots { // a dead process waits for no edge
		for _, in := range []string{s.Vend.Drop, s.Button} {
			w.halt(in)
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
	for _, s := range w.cfg.Slots {
		p, err := w.board.Pin(s.Vend.Relay)
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
func (w *world) start(r *rand.Rand) (*life, error) {
	l := &life{gate: newGate(), screen: &screen{}, ended: make(chan struct{})}
	w.mu.Lock()
	boot, began := fmt.Sprint("boot ", w.bootN), w.boot
	w.mu.Unlock()
	var transport http.RoundTripper = wire{l.gate, &w.net, w.glase.Transport()}
	if w.o.Transport != nil {
		transport = w.o.Transport(transport)
	}
	a, err := app.New(context.Background(), w.cfg, app.Parts{
		Version: "sim", Random: w.random, Screen: l.screen, Board: panel{w.board, l.gate, w},
		Transport: transport,
		Clock: app.Clock{
			Boot: boot, Wall: func() time.Time { return time.Now().Add(w.wall) }, Synced: func() bool { return false },
			Now: func() fsm.Instant { return fsm.Instant(time.Since(began)) + 1 },
		},
		OpenJournal: func(context.Context) (app.Store, error) { return w.store.open(l.gate) },
	})
	if err != nil {
		return nil, err
	}
	l.app = a
	var ctx context.Context
	ctx, l.stop = context.WithCancel(context.Background())
	w.mu.Lock()
	w.life = l
	if w.restless && w.kills < killsMax {
		l.gate.doom(r)
	}
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
