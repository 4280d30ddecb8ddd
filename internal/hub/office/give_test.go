package office

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/authority"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/proof/broker"
)

// TestACommandThatWasSentMayHaveBeenDoneAndOneThatWasNotIsNoCommand: who waits for it no longer learns which it is.
func TestACommandThatWasSentMayHaveBeenDoneAndOneThatWasNotIsNoCommand(t *testing.T) {
	s, err := store.Open("sqlite://" + filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("nats://" + broker.Plain(t).Address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	key, err := authority.Make()
	if err != nil {
		t.Fatal(err)
	}
	sent, stop := context.WithCancel(t.Context())
	if _, err := nc.Subscribe(protocol.Request("K1", protocol.Do), func(*nats.Msg) { stop() }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	o := &Office{Store: s, NATS: nc, Authority: key, Name: "H1", Now: time.Now}
	if err := o.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	anna := people.Person{Name: "anna", Role: people.Operate, By: people.File}
	c := protocol.Command{ID: NewID(), Kiosk: "K1", Word: protocol.Back, Reason: "repaired"}
	over, end := context.WithCancel(t.Context())
	end()
	if _, err := o.Give(over, anna, []byte("a password of hers"), c); err == nil || errors.Is(err, ErrSilent) {
		t.Errorf("before it is written down: %v", err)
	}
	if _, err := s.Order(t.Context(), "K1", c.ID); !errors.Is(err, store.ErrNoOrder) {
		t.Errorf("on record is %v", err)
	}
	if _, err := o.Give(sent, anna, []byte("a password of hers"), c); !errors.Is(err, ErrSilent) {
		t.Errorf("once it was sent: %v", err)
	}
	if was, err := s.Order(t.Context(), "K1", c.ID); err != nil || was.Ended {
		t.Errorf("on record is %+v, %v", was, err)
	}
}
