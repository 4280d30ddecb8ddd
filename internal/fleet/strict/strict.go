// Package strict reads the config of a fleet's program, kioskgate or kioskhub: one TOML file, in which an unknown key
// is a mistake, and every mistake is named by file, line and key. It repeats no value that may hold a password.
package strict

import (
	"bytes"
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

	"github.com/pelletier/go-toml/v2"

	"kioskd/internal/plainfile"
)

const (
	fileMax    = 1 << 20 // bytes
	serversMax = 64
)

// Read gives the bytes of a program's config.
func Read(path, program string) ([]byte, error) {
	b, _, err := plainfile.Read(path, fileMax)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist: create it from the commented example: %s check --example > %s", path,
			program, path)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	case len(b) > fileMax:
		return nil, fmt.Errorf("%s is larger than %d KiB: it is no config", path, fileMax>>10)
	}
	return b, nil
}

// Problems are what is wrong with a config.
type Problems struct {
	program, name string
	text          []byte
	said          []string
}

// Decode reads the text of a program's config, a file of that name, into what v points to. With an error, which says
// all that is wrong, there is nothing more to check.
func Decode(program, name string, text []byte, v any) (*Problems, error) {
	p := &Problems{program: program, name: name, text: text}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(v); err != nil {
		p.toml(err)
		return nil, p.Err()
	}
	return p, nil
}

// Err is all that was found, a line each; nil: nothing.
func (p *Problems) Err() error {
	if len(p.said) == 0 {
		return nil
	}
	slices.Sort(p.said)
	return errors.New(strings.Join(p.said, "\n"))
}

// Add notes what is wrong with a key, which stands in the first line that begins with it.
func (p *Problems) Add(key, format string, args ...any) {
	where := p.name
	found := regexp.MustCompile(`(?m)^[ \t]*"?` + regexp.QuoteMeta(key) + `"?[ \t]*=`).FindIndex(p.text)
	if found != nil {
		where = fmt.Sprintf("%s:%d", p.name, 1+bytes.Count(p.text[:found[0]], []byte("\n")))
	}
	p.said = append(p.said, fmt.Sprintf("%s: %s: %s", where, key, fmt.Sprintf(format, args...)))
}

// toml notes what TOML's own reader says.
func (p *Problems) toml(err error) {
	var unknown *toml.StrictMissingError
	var one *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		for _, e := range unknown.Errors {
			line, _ := e.Position()
			p.said = append(p.said, fmt.Sprintf("%s:%d: %s: is not a key of this file: %s check --example has them all",
				p.name, line, strings.Join(e.Key(), "."), p.program))
		}
	case errors.As(err, &one):
		line, _ := one.Position()
		p.said = append(p.said, fmt.Sprintf("%s:%d: %s", p.name, line, strings.TrimPrefix(one.Error(), "toml: ")))
	default:
		p.said = append(p.said, fmt.Sprintf("%s: %s", p.name, strings.TrimPrefix(err.Error(), "toml: ")))
	}
}

// Listen checks an address to listen on; "" is none.
func (p *Problems) Listen(key, at, like string) {
	if at == "" {
		return
	}
	host, port, err := net.SplitHostPort(at)
	_, ipErr := netip.ParseAddr(host)
	if _, portErr := net.LookupPort("tcp", port); err != nil || portErr != nil ||
		host != "" && host != "localhost" && ipErr != nil {
		p.Add(key, `%q is no address to listen on: write it like %q`, at, like)
	}
}

// Servers checks that the fleet's servers are reached by TLS and with credentials, unless they are on this machine.
func (p *Problems) Servers(servers []string, credentials string) {
	if len(servers) == 0 {
		p.Add("servers", `is missing: write servers = ["tls://nats1.example.com:4222"]`)
	}
	if len(servers) > serversMax {
		p.Add("servers", "are %d: at most %d are allowed", len(servers), serversMax)
	}
	away := false
	for _, s := range servers {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "tls" && u.Scheme != "nats":
			p.Add("servers", `%q is no server: write it like "tls://nats1.example.com:4222"`, s)
			continue
		case u.User != nil:
			p.Add("servers", "has a user or password in it: credentials are in a file of their own")
		case u.Scheme == "nats" && !Local(u.Hostname()):
			p.Add("servers", `%q would be spoken to unencrypted: write "tls://%s"`, s, u.Host)
		}
		away = away || !Local(u.Hostname())
	}
	if away && credentials == "" {
		p.Add("credentials", "is missing: name the file of this %s's that kioskhub made; only servers on this machine "+
			"go without", p.program)
	}
}

// Local reports whether a host is this machine alone.
func Local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Below makes the paths of files relative to a config's folder; "" stays, and names none.
func Below(dir string, paths ...*string) {
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
}
