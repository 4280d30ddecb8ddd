package lockboard

import (
	"context"
	"sync"
	"testing"
	"time"

	"kioskd/hw/vend/slottest"
)

func TestALockIsASlot(t *testing.T) {
	slottest.Conform(t, func(t *testing.T) *slottest.Stand {
		m := newMachine(t)
		opened := 0
		m.comes(func() {
			time.AfterFunc(time.Second, func() {
				m.door(true)
				m.mu.Lock()
				defer m.mu.Unlock()
				opened++
			})
			time.AfterFunc(3*time.Second, func() { m.door(false) })
		})
		settings := Default()
		settings.Address = m.board.Address
		bus := settings.Open(m.connect, nil).(*Bus)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { bus.Run(ctx) })
		time.Sleep(time.Second)
		return &slottest.Stand{
			Slot:  slottest.Open(t, Config{Lock: number, Close: 30 * time.Second}, slottest.Place(), nil, bus),
			Fail:  func() { m.comes(nil) },
			Slow:  func() { m.comes(func() { time.AfterFunc(9800*time.Millisecond, func() { m.door(true) }) }) },
			Moves: m.board.Unlocks,
			Out: func() int {
				m.mu.Lock()
				defer m.mu.Unlock()
				return opened
			},
			End: func() {
				cancel()
				m.board.Unplug()
				all.Wait()
			},
		}
	})
}
