package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// allowMax bounds [ups] allow: a payment service calls from a few networks.
const allowMax = 32

// callers reads who may call: allow and client_ca, and what they need of the other keys.
func (t *table) callers(u *UPS) {
	if list, isList := t.values["allow"].([]any); isList && len(list) == 0 {
		t.get("allow") // which is everybody, as without it
	} else {
		for _, s := range t.texts("allow", allowMax, `["203.0.113.0/24"]`, isNetwork) {
			u.Allow = append(u.Allow, network(s))
		}
	}
	t.file("client_ca", &u.ClientCA)
	switch {
	case u.ClientCA == "" || t.has("tls_cert") || t.has("tls_key"):
	case u.BehindProxy:
		t.fail("client_ca", "would ask nobody, since the proxy ends the TLS: let the proxy ask for the certificate, "+
			"or write tls_cert and tls_key so that it has one of its own")
	default:
		t.fail("client_ca", "would ask nobody without TLS: write tls_cert and tls_key")
	}
	if len(u.Allow) > 0 && localListen(u.Listen) && !allowsLocal(u.Allow) {
		who := "only this machine can call"
		if u.BehindProxy {
			who = "it is the proxy that calls, from this machine; whom it lets in is for its own config"
		}
		t.fail("allow", "lets nobody in: listen is %s, where %s: write \"127.0.0.1\" too, or leave allow out",
			quote(u.Listen), who)
	}
}

// isNetwork is the rule of an address or network.
func isNetwork(s string) string {
	const like = `write an address like "203.0.113.7", or a network like "203.0.113.0/24" or "2001:db8::/32"`
	a, err := netip.ParseAddr(s)
	if strings.Contains(s, "/") {
		var p netip.Prefix
		if p, err = netip.ParsePrefix(s); err == nil {
			a = p.Addr()
			if p.Masked() != p && !a.Is4In6() {
				return fmt.Sprintf("%s is no network, but an address in it: write %s", quote(s),
					quote(p.Masked().String()))
			}
		}
	}
	switch {
	case err != nil || a.Zone() != "":
		return fmt.Sprintf("%s is neither an address nor a network: %s", quote(s), like)
	case a.Is4In6():
		return fmt.Sprintf("%s is an IPv4 address in IPv6's clothes: write it as IPv4", quote(s))
	}
	return ""
}

// network is what isNetwork accepts; of an address that address alone.
func network(s string) netip.Prefix {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen())
	}
	p, _ := netip.ParsePrefix(s)
	return p
}

// allowsLocal reports whether this machine itself may call.
func allowsLocal(allow []netip.Prefix) bool {
	for _, p := range allow {
		if p.Contains(netip.IPv6Loopback()) || p.Overlaps(netip.MustParsePrefix("127.0.0.0/8")) {
			return true
		}
	}
	return false
}

// KnowsCallers reports whether whoever calls is known to be Glase, by its address or certificate. What comes through a
// fleet's gateway is not: whom that lets in is not known here.
func (c Config) KnowsCallers() bool {
	u := c.UPS
	return u.Listen != "" && len(c.Fleet.Servers) == 0 && (!u.BehindProxy && len(u.Allow) > 0 || u.ClientCA != "")
}
