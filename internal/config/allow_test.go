package config

import (
	"fmt"
	"strings"
	"testing"

	"kioskd/internal/drivers"
)

// TestWhoMayCallIsReadStrictly: each is what stands under [ups] besides the address, and what comes of it.
func TestWhoMayCallIsReadStrictly(t *testing.T) {
	const far = "listen = \":8443\"\ntls_cert = \"a\"\ntls_key = \"b\"\n"
	const here = "listen = \"127.0.0.1:8082\"\n"
	for _, c := range []struct{ keys, want string }{
		{far + `allow = ["203.0.113.7", "198.51.100.0/24", "2001:db8::/32"]`,
			"[203.0.113.7/32 198.51.100.0/24 2001:db8::/32]"},
		{far + `allow = []`, "[]"},
		{far + `client_ca = "glase.pem"`, "[]"},
		{here + `allow = ["127.0.0.1"]`, "[127.0.0.1/32]"},
		{here + `allow = ["::/0", "0.0.0.0/0"]`, "[::/0 0.0.0.0/0]"},
		{far + "behind_proxy = true\nclient_ca = \"proxy.pem\"", "[]"}, // the proxy has a certificate of its own
		{"listen = \":8443\"\nbehind_proxy = true\nallow = [\"10.0.0.2\"]", "[10.0.0.2/32]"},

		{far + `allow = "203.0.113.7"`,
			"k.toml:13: ups.allow: is a text: write allow = [\"203.0.113.0/24\"], a list of texts"},
		{far + `allow = [7]`, "holds a number"},
		{far + `allow = ["203.0.113.7/24"]`,
			`number 1: "203.0.113.7/24" is no network, but an address in it: write "203.0.113.0/24"`},
		{far + `allow = ["203.0.113.7", "glase.example"]`,
			`number 2: "glase.example" is neither an address nor a network: write an address like`},
		{far + `allow = ["::ffff:203.0.113.7"]`, "write it as IPv4"},
		{far + `allow = ["fe80::1%eth0"]`, "is neither an address nor a network"},
		{far + `allow = ["1.2.3.4/33"]`, "is neither an address nor a network"},
		{far + `allow = [` + strings.Repeat(`"10.0.0.1", `, allowMax+1) + `]`, "has 33 texts: write 1 to 32"},
		{here + `allow = ["203.0.113.7"]`,
			`lets nobody in: listen is "127.0.0.1:8082", where only this machine can call`},
		{here + "behind_proxy = true\nallow = [\"203.0.113.7\"]", "it is the proxy that calls, from this machine"},
		{here + `client_ca = "glase.pem"`, "would ask nobody without TLS: write tls_cert and tls_key"},
		{here + "behind_proxy = true\nclient_ca = \"glase.pem\"", "the proxy ends the TLS"},
	} {
		cfg, err := Parse("k.toml", []byte(edit(t, minimal, `listen = "127.0.0.1:8082"`, c.keys)), "/etc/kioskd",
			drivers.All())
		if strings.HasPrefix(c.want, "[") {
			if got := fmt.Sprint(cfg.UPS.Allow); err != nil || got != c.want {
				t.Errorf("%s\nis read as %s, %v; want %s", c.keys, got, err, c.want)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\nis answered %v\nwant %s", c.keys, err, c.want)
		}
	}
}

// FuzzNetwork holds that whatever the rule accepts is a network that somebody can be in.
func FuzzNetwork(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "1.2.3.4/5", "::ffff:1.2.3.4/120",
		"fe80::1%lo"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if isNetwork(s) != "" {
			return
		}
		if p := network(s); !p.IsValid() || !p.Contains(p.Addr()) || p.Masked() != p || p.Addr().Is4In6() {
			t.Errorf("%q became %v", s, p)
		}
	})
}
