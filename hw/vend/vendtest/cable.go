package vendtest

import (
	"io"
	"sync"
	"time"
)

// What can happen to what a machine says or hears, frame by frame.
const (
	Lost    = "lost"    // what it says does not arrive
	Half    = "half"    // the second half of it does not
	Garbage = "garbage" // noise comes before it, some of it like a frame's begin
	Doubled = "doubled" // it arrives twice
	Late    = "late"    // it arrives 157 ms later
	Deaf    = "deaf"    // what is said to the machine does not arrive
)

// Troubles are all of them.
func Troubles() []string { return []string{Lost, Half, Garbage, Doubled, Late, Deaf} }

const (
	lateBy  = 157137 * time.Microsecond // at no moment at which somebody gives up waiting
	saysMax = 64                        // frames that wait for a slow cable; later ones are lost
)

// noise has the head of a motor board's frame with a length that swallows what follows, and that of a lock board's.
var noise = [...]byte{0x00, 0xFA, 0xFB, 0x04, 0x05, 0x55, 0x02, 0x35, 0xFF}

// Cable is the machine's end of a line that can be pulled and plugged in again.
type Cable struct {
	Hear func(r io.Reader) // reads until the cable is pulled; set before the first Plug

	mu       sync.Mutex
	says     chan []byte // nil: no cable
	pulled   func()
	troubles map[string]int // by kind: so many frames
}

// Plug gives the machine a cable, and takes away the one that it had.
func (c *Cable) Plug(line io.ReadWriteCloser) {
	c.Unplug()
	says, gone := make(chan []byte, saysMax), make(chan struct{})
	c.mu.Lock()
	c.says, c.pulled = says, sync.OnceFunc(func() {
		close(gone)
		_ = line.Close()
	})
	c.mu.Unlock()
	go c.Hear(line)
	go func() {
		for {
			select {
			case b := <-says:
				if _, err := line.Write(b); err != nil {
					return
				}
			case <-gone:
				return
			}
		}
	}()
}

// Unplug pulls the cable, if there is one.
func (c *Cable) Unplug() {
	c.mu.Lock()
	pulled := c.pulled
	c.says, c.pulled = nil, nil
	c.mu.Unlock()
	if pulled != nil {
		pulled()
	}
}

// Trouble lets something happen to the next frames.
func (c *Cable) Trouble(kind string, frames int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.troubles == nil {
		c.troubles = map[string]int{}
	}
	c.troubles[kind] = frames
}

// Meets says whether a frame meets this trouble, which is then over for one more.
func (c *Cable) Meets(kind string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.troubles[kind] == 0 {
		return false
	}
	c.troubles[kind]--
	return true
}

// Say sends a frame, with what happens to it.
func (c *Cable) Say(b []byte) {
	switch {
	case c.Meets(Lost):
	case c.Meets(Half):
		c.put(b[:len(b)/2])
	case c.Meets(Garbage):
		c.put(append(noise[:], b...))
	case c.Meets(Doubled):
		c.put(b)
		c.put(b)
	case c.Meets(Late):
		time.AfterFunc(lateBy, func() { c.put(b) })
	default:
		c.put(b)
	}
}

func (c *Cable) put(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case c.says <- b:
	default:
	}
}
