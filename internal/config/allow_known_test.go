package config

import (
	"net/netip"
	"testing"
)

// TestAGatewaysCallersAreStrangers: a machine that trusts the addresses at its own port has not seen those that a
// gateway let in.
func TestAGatewaysCallersAreStrangers(t *testing.T) {
	allow := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for name, c := range map[string]struct {
		config Config
		known  bool
	}{
		"allowed addresses": {Config{UPS: UPS{Listen: ":8082", Allow: allow}}, true},
		"a certificate":     {Config{UPS: UPS{Listen: ":8082", ClientCA: "ca.pem", BehindProxy: true}}, true},
		"everybody":         {Config{UPS: UPS{Listen: ":8082"}}, false},
		"a proxy's address": {Config{UPS: UPS{Listen: ":8082", Allow: allow, BehindProxy: true}}, false},
		"no port":           {Config{UPS: UPS{Allow: allow}}, false},
		"a gateway besides": {Config{UPS: UPS{Listen: ":8082", Allow: allow},
			Fleet: Fleet{Servers: []string{"tls://a:1"}}}, false},
	} {
		if known := c.config.KnowsCallers(); known != c.known {
			t.Errorf("%s: known is %v", name, known)
		}
	}
}
