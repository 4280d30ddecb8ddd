package hostpin

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/warthog618/go-gpiocdev/uapi"
	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
)

// probeEvery is how often a long wait asks whether the line is still there: kernels before 6.6 do not wake who waits
// for a line that goes away.
const probeEvery = time.Second

// event is an edge as the kernel saw it.
type event struct {
	level gpio.Level    // after it
	at    time.Duration // on the kernel's monotonic clock
}

// stood is the debounce of edges: a level counts when it has stood for hold, by the kernel's times of its two ends.
// (The kernel's own debounce counts in ticks of its timer, of 4 ms each: one of "1ms" would lose a product that falls
// through in 5.)
type stood struct {
	hold    time.Duration
	level   gpio.Level // that counts
	pending bool       // the line has another, since then
	since   time.Duration
}

// edge is the next event. It answers whether the level that counts has changed by then.
func (s *stood) edge(e event) (changed bool) {
	changed = s.settle(e.at)
	s.pending, s.since = e.level != s.level, e.at
	return changed
}

// settle says that there was no further event until a moment, and answers as edge does.
func (s *stood) settle(at time.Duration) (changed bool) {
	if !s.pending || at-s.since < s.hold {
		return false
	}
	s.pending, s.level = false, !s.level
	return true
}

// wanted reports whether the level that counts is the one that is waited for. Called with p locked.
func (p *pin) wanted() bool {
	return p.edge == gpio.BothEdges || p.edge == gpio.RisingEdge && p.stood.level == gpio.High ||
		p.edge == gpio.FallingEdge && p.stood.level == gpio.Low
}

// WaitForEdge waits for an edge, or takes one that is queued; a timeout of 0 only takes, any below waits without end.
// It returns false at its end, and before it when no edge was asked for, at an In or Halt of somebody else, and when
// the line is lost.
func (p *pin) WaitForEdge(timeout time.Duration) bool {
	p.mu.Lock()
	turn, l := p.turn, p.line
	p.mu.Unlock()
	for end := time.Now().Add(timeout); ; {
		edge, wait, ok := p.queued(turn)
		if edge || !ok {
			return edge
		}
		now := time.Now()
		if timeout == 0 || timeout > 0 && !now.Before(end) {
			return false
		}
		step := now.Add(wait)
		if timeout > 0 && end.Before(step) {
			step = end
		}
		if !p.until(turn, l, step) {
			return false
		}
		b := make([]byte, eventBytes)
		if n, err := l.file().Read(b); err == nil && p.counts(b[:n]) {
			return true
		} else if err != nil && !p.goesOn(turn, err) {
			return false
		}
	}
}

// queued looks for an edge among the events that are queued, and says how long to wait for another; false when the turn
// is over.
func (p *pin) queued(turn int) (edge bool, wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.turn != turn || p.edge == gpio.NoEdge || p.lost != nil {
		return false, 0, false
	}
	for {
		b, more, err := p.take()
		if err != nil {
			return false, 0, false
		}
		if !more {
			break
		}
		if p.note(b) {
			return true, 0, true
		}
	}
	if !p.stood.pending || p.stood.hold == 0 {
		return false, probeEvery, true
	}
	now, err := p.line.now()
	if err != nil {
		p.lost = err
		return false, 0, false
	}
	if p.stood.settle(now) {
		return p.wanted(), 0, true
	}
	return false, p.stood.since + p.stood.hold - now, true
}

// counts is note for whoever has not locked p.
func (p *pin) counts(b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.note(b)
}

// note takes an event into account, and answers whether there is an edge that is waited for. Called with p locked.
func (p *pin) note(b []byte) bool {
	var e uapi.LineEvent
	if n, err := binary.Decode(b, binary.NativeEndian, &e); err != nil || n != eventBytes {
		return false
	}
	if p.stood.hold == 0 {
		return true // the kernel makes only those that were asked for
	}
	return p.stood.edge(event{e.ID == uapi.LineEventRisingEdge, time.Duration(e.Timestamp)}) && p.wanted()
}

// until lets the wait of a turn go on to a moment; false when the turn is over.
func (p *pin) until(turn int, l line, at time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.turn == turn && p.lost == nil && l.file().SetReadDeadline(at) == nil
}

// goesOn looks at the error that ended a part of a wait: its time, or the line's end.
func (p *pin) goesOn(turn int, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !errors.Is(err, os.ErrDeadlineExceeded) && p.lost == nil {
		p.lost = fmt.Errorf("%w: %w", errGone, err)
	}
	return p.turn == turn && p.lost == nil
}

// take takes a queued event without waiting. Called with p locked.
func (p *pin) take() (b []byte, is bool, err error) {
	c, err := p.line.file().SyscallConn()
	if err != nil {
		return nil, false, p.lose(err)
	}
	var n int
	var bad error
	b = make([]byte, eventBytes)
	// Control and not Read: that one would wait for whoever waits for an edge.
	err = c.Control(func(fd uintptr) { n, bad = unix.Read(int(fd), b) })
	if err = errors.Join(err, bad); err == nil || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return b, n == eventBytes, nil
	}
	return nil, false, p.lose(err)
}

// release ends the waits of this turn. Called with p locked.
func (p *pin) release() {
	p.turn++
	p.edge = gpio.NoEdge
	if p.line != nil {
		_ = p.line.file().SetReadDeadline(time.Unix(1, 0)) // it is long ago; a closed file has no waits
	}
}
