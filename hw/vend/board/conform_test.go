package board

import (
	"context"
	"sync"
	"testing"
	"time"

	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend/slottest"
)

func TestAMotorIsASlot(t *testing.T) {
	slottest.Conform(t, func(t *testing.T) *slottest.Stand {
		m := newMachine(t, simboard.Physics{})
		line := Default().Open(m.open, nil).(*Line)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { m.board.Run(ctx) })
		all.Go(func() { line.Run(ctx) })
		time.Sleep(5 * time.Second)
		state := func() simboard.SlotState {
			s, _ := m.front.Snapshot()
			return s.Slots[0]
		}
		return &slottest.Stand{
			Slot:  slottest.Open(t, Config{Motor: motor}, slottest.Place(), nil, line),
			Fail:  func() { _ = m.front.Fault("A1", simboard.FaultJam) },
			Slow:  func() { _ = m.front.Fault("A1", simboard.FaultStall) },
			Moves: func() int { return state().Pulses },
			Out:   func() int { return state().Dropped },
			End: func() {
				cancel()
				m.board.Unplug()
				all.Wait()
			},
		}
	})
}
