package main

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"kioskd/fsm"
	"kioskd/internal/app"
)

// breakable is built into the daemon by the unit's test alone: SIGUSR1 makes it panic, SIGUSR2 makes its loop stand
// still for ever at its next look at the clock.
func breakable(c app.Clock) app.Clock {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	var wedged atomic.Bool
	go func() {
		for s := range signals {
			if s == syscall.SIGUSR1 {
				panic("the test wanted it")
			}
			wedged.Store(true)
		}
	}()
	now := c.Now
	c.Now = func() fsm.Instant {
		if wedged.Load() {
			select {}
		}
		return now()
	}
	return c
}
