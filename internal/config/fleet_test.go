package config

import (
	"strings"
	"testing"
)

const fleetOf = `[fleet]
servers = ["nats://127.0.0.1:4222"]
[gpio]`

// TestAMachineOfAFleetNeedsNoPublicAddress: a gateway has it, under its token; or it is reached in both ways.
func TestAMachineOfAFleetNeedsNoPublicAddress(t *testing.T) {
	fleet := edit(t, minimal, "[gpio]", fleetOf)
	alone := edit(t, fleet, `listen = "127.0.0.1:8082"`, "")
	const public = `public_url = "https://kiosk.example"`
	for name, c := range map[string]struct{ config, public, want string }{
		"gateway":        {alone, "https://fleet.example/k/123456", ""},
		"another's":      {alone, "https://fleet.example/k/1", "is not where a gateway of the fleet has this machine"},
		"nobody's":       {alone, "https://kiosk.example", `like "https://fleet.example.com/k/123456"`},
		"both ways":      {fleet, "https://fleet.example/k/123456", ""},
		"directly":       {fleet, "https://kiosk.example", ""},
		"directly wrong": {fleet, "https://kiosk.example/x", `has the path "/x"`},
	} {
		got := problems(edit(t, c.config, public, `public_url = "`+c.public+`"`))
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := problems(edit(t, edit(t, minimal, "[gpio]", "[fleet]\n[gpio]"), `listen = "127.0.0.1:8082"`, "")); !strings.
		Contains(got, "ups.listen: is missing") {
		t.Errorf("an empty [fleet]: %q", got)
	}
}

func TestAServerIsReachedEncrypted(t *testing.T) {
	for server, want := range map[string]string{
		"tls://fleet.example:4222":     "",
		"wss://fleet.example:443":      "",
		"tls://203.0.113.7:4222":       "",
		"nats://localhost:4222":        "",
		"ws://[::1]:80":                "",
		"nats://fleet.example:4222":    "unencrypted",
		"ws://fleet.example:80":        "unencrypted",
		"fleet.example:4222":           "is no server",
		"fleet.example":                "is no server",
		"https://fleet.example:443":    "is no server of a fleet",
		"tls://fleet.example":          "no port",
		"tls://fleet.example:0":        "no port",
		"tls://u:p@fleet.example:4222": "user or password",
		"wss://fleet.example:443/nats": "after the port",
		"tls://fleet.example:4222?x":   "after the port",
		"tls://a:1,tls://b:1":          "is no server",
		"":                             "is no server",
	} {
		if got := isServer(server); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", server, got, want)
		}
	}
}
