package gate

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/broker"
)

// TestNoKioskCanGuessAnothersAnswersInbox: a gateway's clock, and the brokers, answer wherever a kiosk asks them to.
func TestNoKioskCanGuessAnothersAnswersInbox(t *testing.T) {
	nc, err := nats.Connect("nats://" + broker.Plain(t).Address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	k := &link{nc: nc, inbox: "_I.the-gates.x.", waiting: map[string]*answer{}}
	seen := map[string]bool{}
	for range 100 {
		a, err := k.ask(protocol.Request("K1", protocol.Page), nil, netip.IPv4Unspecified(),
			protocol.Asked{Gateway: "G1", Life: time.Second}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if seen[a.token] || len(a.token) < 26 || strings.Trim(a.token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			t.Fatalf("an inbox is %q: not 130 random bits", a.token)
		}
		seen[a.token] = true
	}
}
