package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestACheckWarnsOfAGatewayWhereStrangersMayAsk, and of no other.
func TestACheckWarnsOfAGatewayWhereStrangersMayAsk(t *testing.T) {
	const servers = "servers = [\"nats://127.0.0.1:4222\"]\n"
	for text, warned := range map[string]bool{
		"listen = \":8090\"\nbehind_proxy = true\n":                               true,
		"listen = \"127.0.0.1:8090\"\nbehind_proxy = true\n":                      true, // the proxy is beyond it
		"listen = \":8090\"\nbehind_proxy = true\nallow = [\"203.0.113.0/24\"]\n": false,
		"listen = \"127.0.0.1:8090\"\n":                                           false,
	} {
		file := filepath.Join(t.TempDir(), "kioskgate.toml")
		if err := os.WriteFile(file, []byte(text+servers), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut strings.Builder
		c := command(&out, &errOut)
		c.SetArgs([]string{"check", "--config", file})
		if err := c.Execute(); err != nil || !strings.Contains(out.String(), "is right") {
			t.Errorf("%s: %v, %s", text, err, out.String())
		}
		if said := strings.Contains(errOut.String(), "warning: neither allow nor client_ca"); said != warned {
			t.Errorf("%s: it says %q", text, errOut.String())
		}
	}
}
