package broker

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/protocol"
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

// TestAClusterKnowsEverybody: a gateway at one server reaches a kiosk at another, and a stranger nobody.
func TestAClusterKnowsEverybody(t *testing.T) {
	f := Cluster(t, 3)
	kiosk, err := f.Connect(grants.Kiosk, "K1")
	if err != nil {
		t.Fatal(err)
	}
	defer kiosk.Close()
	serve := func(m *nats.Msg) { m.Respond([]byte("served")) }
	if _, err := kiosk.Subscribe(protocol.Requests("K1"), serve); err != nil {
		t.Fatal(err)
	}
	if err := kiosk.Flush(); err != nil {
		t.Fatal(err)
	}
	gateway, err := f.Connect(grants.Gateway, "gateway-1")
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.Close()
	for {
		m, err := gateway.RequestWithContext(t.Context(), protocol.Request("K1", protocol.Purchase), nil)
		if err == nil && string(m.Data) == "served" {
			break
		}
		if !errors.Is(err, nats.ErrNoResponders) { // the other servers have not heard of it yet
			t.Fatalf("%v, %v", m, err)
		}
	}
	if nc, err := nats.Connect(f.URLs(), nats.RootCAs(f.CA)); err == nil {
		nc.Close()
		t.Error("somebody without credentials connects")
	}
}
