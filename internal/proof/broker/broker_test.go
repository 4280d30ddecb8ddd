package broker

import (
	"testing"

	"github.com/nats-io/nats.go"
)

// TestARealServerIsKilledAndComesBack: what other tests rely on.
func TestARealServerIsKilledAndComesBack(t *testing.T) {
	s := Plain(t)
	for range 2 {
		nc, err := nats.Connect("nats://" + s.Address)
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
		s.Kill()
		if nc, err := nats.Connect("nats://" + s.Address); err == nil {
			nc.Close()
			t.Fatal("a killed server answers")
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
