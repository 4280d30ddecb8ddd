package gate

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"kioskd/internal/plainfile"
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
	fileMax    = 1 << 20 // bytes
	listMax    = 64      // servers, and networks
	limitMax   = 100_000 // requests a second
	answerMost = 9 * time.Second
	drainMost  = 5 * time.Minute
)

// Load reads the config. Its error names every problem by file, line and key.
func Load(path string) (Config, error) {
	b, _, err := plainfile.Read(path, fileMax)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Config{}, fmt.Errorf("%s does not exist: create it from the commented example: "+
			"kioskgate check --example > %s", path, path)
	case err != nil:
		return Config{}, fmt.Errorf("%s cannot be read: %w", path, err)
	case len(b) > fileMax:
		return Config{}, fmt.Errorf("%s is larger than %d KiB: it is no config", path, fileMax>>10)
	}
	return Parse(path, b, filepath.Dir(path))
}

// Parse reads the bytes of a file; relative paths in it are relative to dir.
func Parse(name string, b []byte, dir string) (Config, error) {
	f := file{AnswerWithin: "3s", Drain: "10s", PerAddress: 50, PerKiosk: 50}
	d := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	p := problems{name: name, text: b}
	if err := d.Decode(&f); err != nil {
		p.toml(err)
		return Config{}, p.err()
	}
	c := Config{BehindProxy: f.BehindProxy, PerAddress: f.PerAddress, PerKiosk: f.PerKiosk}
	c.TLSCert, c.TLSKey, c.ClientCA = path(dir, f.TLSCert), path(dir, f.TLSKey), path(dir, f.ClientCA)
	c.Credentials, c.CA = path(dir, f.Credentials), path(dir, f.CA)
	c.Listen = p.address("listen", f.Listen, true)
	c.Metrics = p.address("metrics", f.Metrics, false)
	c.AnswerWithin = p.duration("answer_within", f.AnswerWithin, 500*time.Millisecond, answerMost)
	c.Drain = p.duration("drain", f.Drain, 0, drainMost)
	c.Servers = p.servers(f.Servers)
	c.Allow = p.networks(f.Allow)
	for key, n := range map[string]int{"per_address": c.PerAddress, "per_kiosk": c.PerKiosk} {
		if n < 0 || n > limitMax {
			p.add(key, "%d is out of range: write 0, which is no limit, to %d requests a second", n, limitMax)
		}
	}
	p.together(c)
	return c, p.err()
}

// together finds what is wrong with keys that need each other.
func (p *problems) together(c Config) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		p.add("tls_cert", "tls_cert and tls_key go together: write both, or neither")
	}
	host, _, _ := net.SplitHostPort(c.Listen)
	if c.Listen != "" && c.TLSCert == "" && !c.BehindProxy && !local(host) {
		p.add("listen", "%q would be served without TLS: write tls_cert and tls_key, or behind_proxy = true when a proxy "+
			"in front ends the TLS", c.Listen)
	}
	if c.ClientCA != "" && c.TLSCert == "" {
		p.add("client_ca", "would ask nobody without TLS: write tls_cert and tls_key")
	}
	if c.Credentials == "" && slices.ContainsFunc(c.Servers, func(s string) bool { return !localURL(s) }) {
		p.add("credentials", "is missing: write the file that kioskhub gave this gateway; only servers on this machine "+
			"go without")
	}
}

// path is a file's, relative to the config's folder.
func path(dir, s string) string {
	if s == "" || filepath.IsAbs(s) {
		return s
	}
	return filepath.Join(dir, s)
}

// local reports whether a host is this machine alone.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func localURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && local(u.Hostname())
}

// problems are what is wrong with a config.
type problems struct {
	name string
	text []byte
	said []string
}

func (p *problems) err() error {
	if len(p.said) == 0 {
		return nil
	}
	slices.Sort(p.said)
	return errors.New(strings.Join(p.said, "\n"))
}

// add notes what is wrong with a key, which stands in the first line that begins with it.
func (p *problems) add(key, format string, args ...any) {
	where := p.name
	found := regexp.MustCompile(`(?m)^[ \t]*"?` + regexp.QuoteMeta(key) + `"?[ \t]*=`).FindIndex(p.text)
	if found != nil {
		where = fmt.Sprintf("%s:%d", p.name, 1+bytes.Count(p.text[:found[0]], []byte("\n")))
	}
	p.said = append(p.said, fmt.Sprintf("%s: %s: %s", where, key, fmt.Sprintf(format, args...)))
}

// toml notes what TOML's own reader says.
func (p *problems) toml(err error) {
	var unknown *toml.StrictMissingError
	var one *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		for _, e := range unknown.Errors {
			line, _ := e.Position()
			p.said = append(p.said, fmt.Sprintf("%s:%d: %s: is not a key of this file, which has %s", p.name, line,
				strings.Join(e.Key(), "."), keys))
		}
	case errors.As(err, &one):
		line, _ := one.Position()
		p.said = append(p.said, fmt.Sprintf("%s:%d: %s", p.name, line, strings.TrimPrefix(one.Error(), "toml: ")))
	default:
		p.said = append(p.said, fmt.Sprintf("%s: %s", p.name, strings.TrimPrefix(err.Error(), "toml: ")))
	}
}

// keys are all there are.
const keys = "listen, tls_cert, tls_key, behind_proxy, servers, credentials, ca, answer_within, allow, client_ca, " +
	"per_address, per_kiosk, metrics, drain"

func (p *problems) address(key, s string, needed bool) string {
	if s == "" {
		if needed {
			p.add(key, `is missing: write %s = ":443"`, key)
		}
		return ""
	}
	host, port, err := net.SplitHostPort(s)
	_, ipErr := netip.ParseAddr(host)
	if n, portErr := net.LookupPort("tcp", port); err != nil || portErr != nil || n < 0 ||
		host != "" && host != "localhost" && ipErr != nil {
		p.add(key, `%q is no address to listen on: write it like "127.0.0.1:9090", or ":443" for every network`, s)
		return ""
	}
	return s
}

func (p *problems) duration(key, s string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil || d < least || d > most {
		p.add(key, `%q is no duration from "%v" to "%v": write a number and its unit, like "3s"`, s, least, most)
	}
	return d
}

// servers checks that the servers are reached by TLS, unless they are on this machine.
func (p *problems) servers(all []string) []string {
	if len(all) == 0 {
		p.add("servers", `is missing: write servers = ["tls://nats1.example.com:4222"]`)
	}
	if len(all) > listMax {
		p.add("servers", "are %d: at most %d are allowed", len(all), listMax)
	}
	for _, s := range all {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "tls" && u.Scheme != "nats":
			p.add("servers", `%q is no server: write it like "tls://nats1.example.com:4222"`, s)
		case u.User != nil:
			p.add("servers", "has a user or password in it: credentials are in a file of their own")
		case u.Scheme == "nats" && !local(u.Hostname()):
			p.add("servers", `%q would be spoken to unencrypted: write "tls://%s"`, s, u.Host)
		}
	}
	return all
}

func (p *problems) networks(all []string) (nets []netip.Prefix) {
	if len(all) > listMax {
		p.add("allow", "are %d networks: at most %d are allowed", len(all), listMax)
	}
	for _, s := range all {
		a, err := netip.ParseAddr(s)
		n := netip.PrefixFrom(a, a.BitLen())
		if strings.Contains(s, "/") {
			n, err = netip.ParsePrefix(s)
		}
		switch {
		case err != nil || n.Addr().Zone() != "" || n.Addr().Is4In6():
			p.add("allow", `%q is neither an address nor a network: write "203.0.113.7" or "203.0.113.0/24"`, s)
		case n.Masked() != n:
			p.add("allow", "%q is no network, but an address in it: write %q", s, n.Masked())
		default:
			nets = append(nets, n)
		}
	}
	return nets
}
