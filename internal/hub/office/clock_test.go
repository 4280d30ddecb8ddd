package office

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/broker"
)

// TestAHubsClockIsToldAtInboxesOnly: a hub may write what is wanted of all kiosks, and who asks for its clock may not.
func TestAHubsClockIsToldAtInboxesOnly(t *testing.T) {
	nc, err := nats.Connect("nats://" + broker.Plain(t).Address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	o := &Office{NATS: nc, Name: "H1"}
	if err := o.Serve(ctx); err != nil {
		t.Fatal(err)
	}
	wrong := []string{protocol.WantedSubject(protocol.WantedOfAll), protocol.HintAll, protocol.Have("K2")}
	var heard []*nats.Subscription
	for _, subject := range wrong {
		sub, err := nc.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, sub)
		if err := nc.PublishRequest(protocol.Clock("H1"), subject, nil); err != nil {
			t.Fatal(err)
		}
	}
	own, err := nc.SubscribeSync(protocol.Inbox("K1") + ".x")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.PublishRequest(protocol.Clock("H1"), own.Subject, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := own.NextMsgWithContext(ctx); err != nil { // asked last: the others would have come before it
		t.Fatal(err)
	}
	for n, sub := range heard {
		if m, err := sub.NextMsg(0); err == nil {
			t.Errorf("%s was told %q", wrong[n], m.Data)
		}
	}
}
