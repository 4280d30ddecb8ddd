package hostpin

import (
	"encoding/binary"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/warthog618/go-gpiocdev/uapi"
	"golang.org/x/sys/unix"
)

// bench is a kernel whose lines are pipes: what stands in one is queued edges.
type bench struct {
	t      *testing.T
	all    []chip
	hidden error

	mu    sync.Mutex
	lines map[spot]*piped
	taken map[spot]error // why a line is refused
}

func newBench(t *testing.T, all ...chip) *bench {
	return &bench{t: t, all: all, lines: map[spot]*piped{}, taken: map[spot]error{}}
}

func (b *bench) chips() ([]chip, error) { return b.all, b.hidden }

func (b *bench) request(at spot, s setup) (line, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.taken[at]; err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	l := &piped{t: b.t, r: r, w: w, setups: []setup{s}}
	if s.flags.IsOutput() {
		l.levels = []bool{s.high}
	} else {
		l.level = true
	}
	b.lines[at] = l
	return l, nil
}

// line is the line that was requested.
func (b *bench) line(n int) *piped {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lines[b.all[0].spot(n)]
	if l == nil {
		b.t.Fatalf("line %d was not requested", n)
	}
	return l
}

// piped is a line whose edges are what is written to a pipe.
type piped struct {
	t    *testing.T
	r, w *os.File

	mu     sync.Mutex
	setups []setup
	levels []bool // what an output was driven to
	level  bool
	clock  time.Duration
	broken error
}

func (p *piped) file() *os.File { return p.r }

func (p *piped) configure(s setup) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken == nil {
		p.setups = append(p.setups, s)
	}
	return p.broken
}

func (p *piped) set(high bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken == nil {
		p.levels = append(p.levels, high)
	}
	return p.broken
}

func (p *piped) get() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.levels); n > 0 {
		return p.levels[n-1], p.broken
	}
	return p.level, p.broken
}

// move makes edges.
func (p *piped) move(n int) {
	for range n {
		p.edge(false, 0)
	}
}

// edge makes one, after which the level is this, at a moment.
func (p *piped) edge(level bool, at time.Duration) {
	e := uapi.LineEvent{Timestamp: uint64(at), ID: uapi.LineEventFallingEdge}
	if level {
		e.ID = uapi.LineEventRisingEdge
	}
	b, err := binary.Append(nil, binary.NativeEndian, e)
	if err == nil {
		_, err = p.w.Write(b)
	}
	if err != nil {
		p.t.Error(err)
	}
}

// now is a moment that the test says.
func (p *piped) now() (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock, nil
}

func (p *piped) it(is time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock = is
}

// lose is the chip going away.
func (p *piped) lose() {
	p.mu.Lock()
	p.broken = unix.ENODEV
	p.mu.Unlock()
	if err := p.w.Close(); err != nil {
		p.t.Error(err)
	}
}
