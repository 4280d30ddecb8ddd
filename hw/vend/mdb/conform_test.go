package mdb_test

import (
	"testing"
	"time"

	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/mdb/mdbtest"
	"kioskd/hw/vend/slottest"
)

func TestAProductIsASlot(t *testing.T) {
	slottest.Conform(t, func(t *testing.T) *slottest.Stand {
		s := newStand(t)
		asks := s.bridge
		settings := mdb.Default()
		settings.Longest = asks.Longest
		s.bridge = settings.Bridge(asks.Open, asks.State)
		s.bridge.Currency, s.bridge.Requested, s.bridge.Log = asks.Currency, asks.Requested, asks.Log
		s.run()
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		return &slottest.Stand{
			Slot:  slottest.Open(t, mdb.Config{Product: water}, slottest.Place(), nil, s.bridge),
			Fail:  func() { s.machine.Break(mdbtest.Fail) },
			Slow:  func() { s.machine.Break(mdbtest.NoAnswer) },
			Moves: func() int { n, _ := s.machine.Counts(); return n },
			Out:   func() int { return s.out(water) },
			Ask: func() {
				s.press(water)
				s.request()
			},
			End: s.end,
		}
	})
}
