package config

import (
	"fmt"
	"net/url"
	"strings"
)

// serversMax bounds [fleet] servers: a kiosk tries them all before it waits.
const serversMax = 16

// fleetMax bounds [fleet] size: more kiosks than anybody has on one set of servers.
const fleetMax = 10_000_000

// Fleet is where the machine is one of many. No Servers: it is alone, and nothing of this is used.
type Fleet struct {
	Servers     []string // tls:// or wss://; nats:// and ws:// only on this machine
	Credentials string   // file of the token that the operator has signed; "" only for servers on this machine
	CA          string   // file of the authorities of the servers' certificates; "": the system's
	// Authority is the public key of the operator's desk, as kioskhub gave it; "": the one in Credentials
	Authority string
	Size      int // about how many kiosks use the same servers; 0: not said, and few
}

// fleet reads the section, and what it needs of the machine.
func (t *table) fleet(f *Fleet, machine *table) {
	list, isList := t.values["servers"].([]any)
	if len(t.values) > 0 && (!t.has("servers") || isList && len(list) == 0) {
		t.get("servers")
		t.fail("servers", "are missing: write servers = [\"tls://fleet.example.com:4222\"], or leave [fleet] out where "+
			"this machine is alone")
	} else {
		f.Servers = t.texts("servers", serversMax, `["tls://fleet.example.com:4222"]`, isServer)
	}
	t.file("credentials", &f.Credentials)
	t.file("ca", &f.CA)
	t.text("authority", &f.Authority, isAuthority)
	t.whole("size", &f.Size, 1, fleetMax)
	if len(f.Servers) == 0 {
		return
	}
	machine.need("token", `"123456"`, "the machine's id in its fleet")
	for _, s := range f.Servers {
		if server, err := url.Parse(s); err == nil && !local(server.Hostname()) {
			t.need("credentials", `"/var/lib/kioskd/fleet.creds"`,
				"who this machine is to the servers, as the operator's kioskhub gave it")
			break
		}
	}
}

// isServer is the rule of one server's address.
func isServer(s string) string {
	const like = `write it like "tls://fleet.example.com:4222", or "wss://fleet.example.com:443" where only 443 is let out`
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "@"):
		return "has a user or password in it: write the server without, and name the file of the credentials"
	case err != nil || u.Hostname() == "" || strings.ContainsAny(s, " ,\\<>\"{}"):
		return fmt.Sprintf("%s is no server: %s", quote(s), like)
	case u.Scheme == "nats" && !local(u.Hostname()), u.Scheme == "ws" && !local(u.Hostname()):
		return fmt.Sprintf("%s would be reached unencrypted: %s", quote(s), like)
	case u.Scheme != "tls" && u.Scheme != "wss" && u.Scheme != "nats" && u.Scheme != "ws":
		return fmt.Sprintf("%s is no server of a fleet: %s", quote(s), like)
	case u.Port() == "" || u.Port() == "0" || isListen(":"+u.Port()) != "":
		return fmt.Sprintf("%s has no port between 1 and 65535: %s", quote(s), like)
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return fmt.Sprintf("%s has something after the port: leave that out", quote(s))
	}
	return ""
}

// isAuthority is the rule of the desk's public key, as far as it shows in the text.
func isAuthority(s string) string {
	const length = 56
	if len(s) != length || s[0] != 'U' || !only(s, upper+"234567") {
		return fmt.Sprintf("%s is no key of a desk: it begins with U and has %d capital letters and digits: copy it from "+
			"kioskhub", quote(s), length)
	}
	return ""
}
