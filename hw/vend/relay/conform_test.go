package relay

import (
	"testing"
	"time"

	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend/slottest"
)

func TestASpiralIsASlot(t *testing.T) {
	for name, c := range map[string]Config{
		"to the first product": {Relay: "GPIO17", Drop: "GPIO27"},
		"by whole turns":       {Relay: "GPIO17", Drop: "GPIO27", Home: "GPIO4"},
	} {
		t.Run(name, func(t *testing.T) {
			slottest.Conform(t, func(t *testing.T) *slottest.Stand {
				board, err := simboard.New(simboard.Wiring{
					Slots: []simboard.Slot{{ID: "A1", Relay: c.Relay, Drop: c.Drop, Home: c.Home}}},
					simboard.Physics{Turn: 9 * time.Second, Late: 2900 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				state := func() simboard.SlotState {
					s, _ := board.Snapshot()
					return s.Slots[0]
				}
				return &slottest.Stand{
					Slot:  slottest.Open(t, c, slottest.Place(), board, nil),
					Fail:  func() { _ = board.Fault("A1", simboard.FaultJam) },
					Slow:  func() { _ = board.Fault("A1", simboard.FaultLateDrop) },
					Moves: func() int { return state().Pulses },
					Out:   func() int { return state().Dropped },
					On:    slottest.Output(t, c, board),
				}
			})
		})
	}
}
