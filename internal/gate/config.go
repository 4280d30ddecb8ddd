package gate

import (
	_ "embed"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/fleet/strict"
)

// Example is a commented config.
//
//go:embed example.toml
var Example string

// Config is the whole file; docs/fleet-gate.md has its table. It holds no secret.
type Config struct {
	Listen      string
	TLSCert     string // both or neither
	TLSKey      string
	BehindProxy bool     // a proxy in front ends the TLS, and adds the caller's address to X-Forwarded-For
	Servers     []string // of the fleet: tls://… or nats://…
	Credentials string   // file; ""
	CA          string   // file of the authorities of the servers' certificates; "": the system's
	Metrics     string   // where /metrics is; "": nowhere

	AnswerWithin time.Duration // for a kiosk to answer
	Drain        time.Duration // between saying at /healthz that the gateway ends, and ending

	Allow    []netip.Prefix // who may ask for purchases and notify; none: everybody
	ClientCA string         // whose certificate they must show; "": none

	PerAddress, PerKiosk int // requests a second; 0: without limit
}

// file is the TOML.
type file struct {
	Listen       string   `toml:"listen"`
	TLSCert      string   `toml:"tls_cert"`
	TLSKey       string   `toml:"tls_key"`
	BehindProxy  bool     `toml:"behind_proxy"`
	Servers      []string `toml:"servers"`
	Credentials  string   `toml:"credentials"`
	CA           string   `toml:"ca"`
	AnswerWithin string   `toml:"answer_within"`
	Allow        []string `toml:"allow"`
	ClientCA     string   `toml:"client_ca"`
	Metrics      string   `toml:"metrics"`
	Drain        string   `toml:"drain"`
	PerAddress   int      `toml:"per_address"`
	PerKiosk     int      `toml:"per_kiosk"`
}

const (
	program    = "kioskgate"
	listMax    = 64      // networks
	limitMax   = 100_000 // requests a second
	answerMost = 9 * time.Second
	drainMost  = 5 * time.Minute
)

// Load reads the config. Its error names every problem by file, line and key.
func Load(path string) (Config, error) {
	b, err := strict.Read(path, program)
	if err != nil {
		return Config{}, err
	}
	return Parse(path, b, filepath.Dir(path))
}

// Parse reads the bytes of a file; relative paths in it are relative to dir.
func Parse(name string, b []byte, dir string) (Config, error) {
	f := file{AnswerWithin: "3s", Drain: "10s", PerAddress: 50, PerKiosk: 50}
	read, err := strict.Decode(program, name, b, &f)
	if err != nil {
		return Config{}, err
	}
	p := problems{read}
	c := Config{Listen: f.Listen, TLSCert: f.TLSCert, TLSKey: f.TLSKey, BehindProxy: f.BehindProxy, Servers: f.Servers,
		Credentials: f.Credentials, CA: f.CA, Metrics: f.Metrics, ClientCA: f.ClientCA,
		PerAddress: f.PerAddress, PerKiosk: f.PerKiosk}
	strict.Below(dir, &c.TLSCert, &c.TLSKey, &c.ClientCA, &c.Credentials, &c.CA)
	if c.Listen == "" {
		p.Add("listen", `is missing: write listen = ":443"`)
	}
	p.Listen("listen", c.Listen, ":443")
	p.Listen("metrics", c.Metrics, "127.0.0.1:9090")
	p.Servers(c.Servers, c.Credentials)
	c.AnswerWithin = p.duration("answer_within", f.AnswerWithin, 500*time.Millisecond, answerMost)
	c.Drain = p.duration("drain", f.Drain, 0, drainMost)
	c.Allow = p.networks(f.Allow)
	for key, n := range map[string]int{"per_address": c.PerAddress, "per_kiosk": c.PerKiosk} {
		if n < 0 || n > limitMax {
			p.Add(key, "%d is out of range: write 0, which is no limit, to %d requests a second", n, limitMax)
		}
	}
	p.together(c)
	return c, p.Err()
}

// together finds what is wrong with keys that need each other.
func (p problems) together(c Config) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		p.Add("tls_cert", "tls_cert and tls_key go together: write both, or neither")
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err == nil && c.TLSCert == "" && !c.BehindProxy && !strict.Local(host) {
		p.Add("listen", "%q would be served without TLS: write tls_cert and tls_key, or behind_proxy = true when a proxy "+
			"in front ends the TLS", c.Listen)
	}
	if c.ClientCA != "" && c.TLSCert == "" {
		p.Add("client_ca", "would ask nobody without TLS: write tls_cert and tls_key")
	}
}

// problems are what is wrong with a config.
type problems struct{ *strict.Problems }

func (p problems) duration(key, s string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil || d < least || d > most {
		p.Add(key, `%q is no duration from "%v" to "%v": write a number and its unit, like "3s"`, s, least, most)
	}
	return d
}

func (p problems) networks(all []string) (nets []netip.Prefix) {
	if len(all) > listMax {
		p.Add("allow", "are %d networks: at most %d are allowed", len(all), listMax)
	}
	for _, s := range all {
		a, err := netip.ParseAddr(s)
		n := netip.PrefixFrom(a, a.BitLen())
		if strings.Contains(s, "/") {
			n, err = netip.ParsePrefix(s)
		}
		switch {
		case err != nil || n.Addr().Zone() != "" || n.Addr().Is4In6():
			p.Add("allow", `%q is neither an address nor a network: write "203.0.113.7" or "203.0.113.0/24"`, s)
		case n.Masked() != n:
			p.Add("allow", "%q is no network, but an address in it: write %q", s, n.Masked())
		default:
			nets = append(nets, n)
		}
	}
	return nets
}

// User is who the gateway is to the servers: its inboxes are below that name.
func (c Config) User() (string, error) { return strict.User(c.Credentials, protocol.Gates) }

// Anybody reports whether everybody who reaches the gateway may ask for purchases, from beyond this machine.
func (c Config) Anybody() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	return len(c.Allow) == 0 && c.ClientCA == "" && (c.BehindProxy || err == nil && !strict.Local(host))
}
