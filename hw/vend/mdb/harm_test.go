package mdb_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/mdb/mdbtest"
)

// These stories are what a customer, an operator or a technician would suffer from a small mistake in this package. Their
// times are written out: a test that takes them from the code believes whatever the code says.

// TestAChoiceAfterADenialThatCameToNothingIsOffered: the machine gave the first request up, and the line swallowed that. What
// the customer then chooses is a request of its own, and no echo of the one that was denied.
func TestAChoiceAfterADenialThatCameToNothingIsOffered(t *testing.T) {
	for _, deny := range []string{mdb.DenyStop, mdb.DenyMinus} {
		t.Run(deny, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				s.bridge.Deny, s.machine.Multi = deny, true
				s.run()
				defer s.end()
				s.bridge.Sell(sek(5000))
				s.wait(time.Second)
				s.press(cake)
				r := s.request()
				s.machine.Spoil("", mdbtest.Lose, mdbtest.Lose) // its version, that it cancels, and that its session goes on
				s.wait(5 * time.Second)
				s.bridge.Decline(r.ID)
				s.wait(6 * time.Second)
				s.press(water)
				if r := s.request(); r.Product != water {
					t.Errorf("asked for %+v\n%s", r, s.transcript())
				}
			})
		})
	}
}
