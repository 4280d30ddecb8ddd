package mdb_test

import (
	"context"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"kioskd/hw/vend"
	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/mdb/mdbtest"
	"kioskd/hw/vend/vendtest"
)

// TestAMachineSellsOverARealLine does so before the plug is pulled, and after it is back.
func TestAMachineSellsOverARealLine(t *testing.T) {
	var mu sync.Mutex
	var line *vendtest.Pty
	came := 0
	machine := &mdbtest.Machine{
		Products: map[int]mdbtest.Product{water: {Price: "15.00", Deliver: func() bool {
			mu.Lock()
			defer mu.Unlock()
			came++
			return true
		}}},
		Complain: func(what string) { t.Errorf("the machine complains: %s", what) },
	}
	plug := func() {
		mu.Lock()
		defer mu.Unlock()
		var err error
		if line, err = vendtest.OpenPty(); err != nil {
			t.Fatal(err)
		}
		go machine.Serve(line)
	}
	ready, asked := make(chan error, 16), make(chan mdb.Request, 1)
	bridge := &mdb.Bridge{
		Open: func() (io.ReadWriteCloser, error) {
			mu.Lock()
			defer mu.Unlock()
			port, err := os.OpenFile(line.Name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
			if err != nil {
				return nil, err
			}
			if raw, err := port.SyscallConn(); err == nil {
				// one that is gone says so at the first read
				_ = raw.Control(func(fd uintptr) { _, _ = term.MakeRaw(int(fd)) })
			}
			return port, nil
		},
		Currency: "SEK", Deny: mdb.DenyStop, Longest: 20 * time.Second,
		Requested: func(r mdb.Request) { asked <- r }, State: func(err error) { ready <- err },
		Log: func(what string) { t.Log(what) },
	}
	plug()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		bridge.Run(ctx)
	}()
	for <-ready != nil { // that nothing has been heard yet
	}
	// A patient customer: a key that is pressed without a session, or while the line is away, does nothing.
	request := func() (r mdb.Request) {
		t.Helper()
		for r.ID == 0 {
			machine.Press(water)
			select {
			case r = <-asked:
			case <-time.After(10 * time.Millisecond):
			}
		}
		if r.Price != sek(1500) {
			t.Errorf("asked for %+v", r)
		}
		return r
	}
	sell := func() {
		t.Helper()
		bridge.Sell(sek(5000))
		for {
			request()
			got := bridge.Product(water).Vend(ctx)
			if got.Outcome == vend.NotDelivered {
				// The request came just before the line went, and went with it, or is answered by a bridge that has
				// begun anew. What came out is counted in the end.
				bridge.Sell(sek(5000))
				continue
			}
			if got != (vend.Result{Outcome: vend.Delivered}) {
				t.Errorf("got %+v", got)
			}
			return
		}
	}
	sell()
	mu.Lock()
	_ = line.Close() // unplugged
	mu.Unlock()
	plug()
	sell()
	cancel()
	<-ended
	machine.Unplug()
	mu.Lock()
	defer mu.Unlock()
	if came != 2 {
		t.Errorf("%d came out", came)
	}
}
