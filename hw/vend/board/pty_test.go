package board

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend"
	"kioskd/hw/vend/serialport"
	"kioskd/hw/vend/vendtest"
)

// TestOverAPortOfTheKernels sells through a real serial port, pulls its plug, and sells again when it is back under
// another name.
func TestOverAPortOfTheKernels(t *testing.T) {
	m := newMachine(t, simboard.Physics{Turn: 20 * time.Millisecond, Fall: 10 * time.Millisecond})
	var mu sync.Mutex
	name := ""
	plug := func() *vendtest.Pty {
		p, err := vendtest.OpenPty()
		if err != nil {
			t.Fatal(err)
		}
		m.board.Plug(p)
		mu.Lock()
		defer mu.Unlock()
		name = p.Name
		return p
	}
	m.line.Open = func() (io.ReadWriteCloser, error) {
		mu.Lock()
		defer mu.Unlock()
		return serialport.Open(name, 57600)
	}
	there := make(chan error, 16)
	m.line.State = func(err error) { there <- err }
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	plug()
	all.Go(func() { m.board.Run(ctx) })
	all.Go(func() { m.line.Run(ctx) })
	if err := <-there; err != nil {
		t.Fatal(err)
	}
	if r := m.slot.Vend(ctx); r.Outcome != vend.Delivered {
		t.Fatalf("the vend ended %+v", r)
	}
	m.board.Unplug()
	if err := <-there; !errors.Is(err, serialport.ErrUnplugged) {
		t.Errorf("the line's state is %v, want that it is unplugged", err)
	}
	if r := m.slot.Vend(ctx); r.Outcome != vend.NotDelivered || r.Why != vend.WhyNoBoard {
		t.Errorf("without a cable the vend ended %+v", r)
	}
	plug()
	if err := <-there; err != nil {
		t.Fatal(err)
	}
	if r := m.slot.Vend(ctx); r.Outcome != vend.Delivered {
		t.Errorf("after the cable came back the vend ended %+v", r)
	}
}
