package lock

import (
	"testing"
	"time"

	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend/slottest"
)

func TestALockerIsASlot(t *testing.T) {
	for name, c := range map[string]Config{
		"held":    {Relay: "GPIO17", Opened: "GPIO27", Close: 30 * time.Second},
		"a latch": {Relay: "GPIO17", Opened: "GPIO27", Close: 30 * time.Second, Pulse: 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			slottest.Conform(t, func(t *testing.T) *slottest.Stand {
				opens := 9800 * time.Millisecond
				if c.Pulse > 0 { // a latch stays free when its sale is stopped: whoever opens it so late is not seen
					opens = 900 * time.Millisecond
				}
				board, err := simboard.New(simboard.Wiring{
					Slots: []simboard.Slot{{ID: "A1", Relay: c.Relay, Opened: c.Opened, Latch: c.Pulse > 0}}},
					simboard.Physics{Open: opens})
				if err != nil {
					t.Fatal(err)
				}
				state := func() simboard.SlotState {
					s, _ := board.Snapshot()
					return s.Slots[0]
				}
				return &slottest.Stand{
					Slot:  slottest.Open(t, c, slottest.Place(), board, nil),
					Fail:  func() { _ = board.Fault("A1", simboard.FaultNeverOpens) },
					Slow:  func() { _ = board.Fault("A1", simboard.FaultLeftOpen) },
					Moves: func() int { return state().Pulses },
					Out:   func() int { return state().Dropped },
					On:    slottest.Output(t, c, board),
				}
			})
		})
	}
}
