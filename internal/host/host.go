// Package host is how the computer is that kioskd runs on: the card that it writes to and the room on it, its heat, its
// supply, its clock, by what the kernel tells of them. What the kernel does not tell is not guessed.
package host

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	lookEvery = time.Minute
	// lookMax is how long one look takes at the most: some of the kernel's files ask a chip or the firmware, and a
	// card that fails makes its readers wait.
	lookMax = 10 * time.Second
	// rememberLow is how long a supply that was too low is told of: a motor's start is shorter than a look.
	rememberLow = 24 * time.Hour
	// unsyncedMax is how long a clock may stand without a time server before that is a trouble of its own.
	unsyncedMax = 24 * time.Hour
)

// Config is what is looked at, and by whose clock.
type Config struct {
	Root   fs.FS                             // "/", or what stands for it in a test
	Room   func(folder string) (Room, error) // RoomAt; it may hang as long as the kernel likes
	Folder string                            // where the journal is, from "/"
	Wall   func() time.Time                  // now
	Synced func() bool                       // whether a time server sets it
	Log    zerolog.Logger
}

// State is how the computer was at the last looks.
type State struct {
	Disk       Disk
	Board      Board
	RTC        RTC
	Hangs      []string  // what does not answer: "disk", "computer", "clock"
	LowAt      time.Time // when the supply was last seen to be too low; zero: it was not
	LastSynced time.Time // when a time server was last known to set the clock; zero: not since the start
	Started    time.Time // when the looks began
	WroteDay   *uint64   // bytes written to the device in the last 24 hours, as far as the looks go back
}

// Look looks once, and waits for it no longer than ctx.
func Look(ctx context.Context, c Config) State {
	w := New(c)
	var all sync.WaitGroup
	for _, g := range w.looks() {
		all.Go(func() { w.once(ctx, g, new(chan func())) })
	}
	all.Wait()
	return w.State()
}

// Watch looks again and again. Its methods may be called from any goroutine; none of them waits for the kernel.
type Watch struct {
	c Config

	mu      sync.Mutex
	state   State
	written []sample
	said    []string // the troubles that were logged last
}

// sample is how much the device had written at a moment.
type sample struct {
	at    time.Time
	bytes uint64
}

// samples are taken each hour: those of a day, and the one before.
const (
	sampleEvery = time.Hour
	samplesMax  = 25
)

// New makes a watch that has not looked yet.
func New(c Config) *Watch {
	c.Folder = filepath.Clean(c.Folder)
	return &Watch{c: c, state: State{Started: c.Wall()}}
}

// look reads something, which may hang, and gives what notes it.
type look struct {
	name string
	read func() func()
}

func (w *Watch) looks() []look {
	return []look{
		{"disk", func() func() { d := lookAtDisk(w.c); return func() { w.disk(d) } }},
		{"computer", func() func() { b := lookAtBoard(w.c); return func() { w.board(b) } }},
		{"clock", func() func() { r := lookAtRTC(w.c); return func() { w.clock(r) } }},
	}
}

// Run looks each minute until ctx ends. What hangs is told, keeps nothing else from being looked at, and is not asked
// a second time before it has answered.
func (w *Watch) Run(ctx context.Context) {
	if w == nil {
		return
	}
	var all sync.WaitGroup
	for _, l := range w.looks() {
		all.Go(func() {
			var under chan func()
			next := time.NewTicker(lookEvery)
			defer next.Stop()
			for {
				w.once(ctx, l, &under)
				w.tell()
				select {
				case <-next.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	all.Wait()
}

// once looks, or waits on for a look that is still under way.
func (w *Watch) once(ctx context.Context, l look, under *chan func()) {
	if *under == nil {
		*under = make(chan func(), 1)
		go func(answer chan<- func()) { answer <- l.read() }(*under)
	}
	late := time.NewTimer(lookMax)
	defer late.Stop()
	select {
	case note := <-*under:
		*under = nil
		w.mu.Lock()
		defer w.mu.Unlock()
		note()
		w.state.Hangs = slices.DeleteFunc(slices.Clone(w.state.Hangs), func(h string) bool { return h == l.name })
		return
	case <-late.C:
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.state.Hangs, l.name) {
		w.state.Hangs = append(slices.Clone(w.state.Hangs), l.name)
	}
}

func (w *Watch) disk(d Disk) {
	w.state.Disk = d
	if d.Written == nil {
		w.written, w.state.WroteDay = nil, nil
		return
	}
	now := w.c.Wall()
	if n := len(w.written); n > 0 && *d.Written < w.written[n-1].bytes {
		w.written = nil // another device
	}
	if n := len(w.written); n == 0 || now.Sub(w.written[n-1].at) >= sampleEvery {
		w.written = append(w.written, sample{now, *d.Written})
		w.written = w.written[max(0, len(w.written)-samplesMax):]
	}
	wrote := *d.Written - w.written[0].bytes
	w.state.WroteDay = &wrote
}

func (w *Watch) board(b Board) {
	if w.state.Board = b; b.Low != nil && *b.Low {
		w.state.LowAt = w.c.Wall()
	}
}

func (w *Watch) clock(r RTC) {
	if w.state.RTC = r; w.c.Synced() {
		w.state.LastSynced = w.c.Wall()
	}
}

// State gives how the computer was at the last looks.
func (w *Watch) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// Facts judges that.
func (w *Watch) Facts() []Fact { return w.State().Facts(w.c.Wall(), w.c.Synced()) }

// tell logs the troubles when they have changed.
func (w *Watch) tell() {
	var words []string
	facts := w.Facts()
	for _, f := range facts {
		if f.Word != "" {
			words = append(words, f.Word)
		}
	}
	w.mu.Lock()
	changed := !slices.Equal(words, w.said)
	w.said = words
	w.mu.Unlock()
	if !changed {
		return
	}
	if len(words) == 0 {
		w.c.Log.Info().Msg("the computer is well again")
	}
	for _, f := range facts {
		if f.Word != "" {
			w.c.Log.Warn().Str("trouble", f.Word).Str("says", f.Says).Msg("the computer is not well")
		}
	}
}
