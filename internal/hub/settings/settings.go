// Package settings is a hub's config: /etc/kioskd/kioskhub.toml, strictly read.
package settings

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/nats-io/jwt/v2"
	"github.com/pelletier/go-toml/v2"

	"kioskd/internal/hub/desk"
	"kioskd/internal/plainfile"
)

// Example is a commented config.
//
//go:embed example.toml
var Example string

// Settings is the whole file. It holds no secret.
type Settings struct {
	Database     string   `toml:"database"`      // postgres://user@host/name or sqlite:///path
	PasswordFile string   `toml:"password_file"` // of the database's password; "": there is none, or ~/.pgpass
	Servers      []string `toml:"servers"`       // of the fleet: tls://… or nats://…
	Credentials  string   `toml:"credentials"`   // file: who this hub is to them
	CA           string   `toml:"ca"`            // file of the authorities of their certificates; "": the system's
	Replicas     int      `toml:"replicas"`      // of the entries on their way: 1, or 3 in a cluster
	Metrics      string   `toml:"metrics"`       // where /metrics and /healthz are; "": nowhere
	Trust        string   `toml:"trust"`         // folder of a fleet's hubs; "": this one lets nobody in

	Desk   desk.Config `toml:"desk"`   // the operator's page; without listen there is none
	Enroll Enroll      `toml:"enroll"` // where machines are let in; without listen nowhere
}

// Enroll is where machines come that are to be let in.
type Enroll struct {
	Listen      string `toml:"listen"`   // "": nowhere
	TLSCert     string `toml:"tls_cert"` // "": the one in Trust
	TLSKey      string `toml:"tls_key"`
	BehindProxy bool   `toml:"behind_proxy"` // a proxy of ours ends the TLS, and adds the caller to X-Forwarded-For
}

const (
	fileMax     = 1 << 20 // bytes
	passwordMax = 1 << 10
	serversMax  = 64
)

// Load reads the config. Its error names every problem by file, line and key.
func Load(path string) (Settings, error) {
	b, _, err := plainfile.Read(path, fileMax)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Settings{}, fmt.Errorf("%s does not exist: create it from the commented example: "+
			"kioskhub check --example > %s", path, path)
	case err != nil:
		return Settings{}, fmt.Errorf("%s cannot be read: %w", path, err)
	case len(b) > fileMax:
		return Settings{}, fmt.Errorf("%s is larger than %d KiB: it is no config", path, fileMax>>10)
	}
	return Parse(path, b, filepath.Dir(path))
}

// Parse reads the bytes of a file; relative paths in it are relative to dir.
func Parse(name string, b []byte, dir string) (Settings, error) {
	s := Settings{Replicas: 1}
	p := problems{name: name, text: b}
	if err := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields().Decode(&s); err != nil {
		p.toml(err)
		return Settings{}, p.err()
	}
	for _, path := range []*string{&s.PasswordFile, &s.Credentials, &s.CA, &s.Trust, &s.Enroll.TLSCert,
		&s.Enroll.TLSKey, &s.Desk.TLSCert, &s.Desk.TLSKey, &s.Desk.Users} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	p.database(s)
	p.servers(s)
	if s.Replicas != 1 && s.Replicas != 3 && s.Replicas != 5 {
		p.add("replicas", "%d is no number of replicas: write 1, or 3 in a cluster of at least 3 servers", s.Replicas)
	}
	p.listen("metrics", s.Metrics, "127.0.0.1:9091")
	p.enroll(&s)
	return s, p.err()
}

// listen checks an address to listen on, if there is one.
func (p *problems) listen(key, at, like string) {
	if at == "" {
		return
	}
	host, port, err := net.SplitHostPort(at)
	if _, portErr := net.LookupPort("tcp", port); err != nil || portErr != nil || host != "" && !address(host) {
		p.add(key, `%q is no address to listen on: write it like %q`, at, like)
	}
}

// enroll checks the section, and fills in the certificate that kioskhub init has made.
func (p *problems) enroll(s *Settings) {
	e := &s.Enroll
	p.listen("enroll.listen", e.Listen, "0.0.0.0:8443")
	if e.Listen != "" && s.Trust == "" {
		p.add("trust", "is missing: machines are let in with what is in the folder hub that kioskhub init made")
	}
	if (e.TLSCert == "") != (e.TLSKey == "") {
		p.add("enroll.tls_cert", "and tls_key: both or neither")
	}
	if e.TLSCert == "" && !e.BehindProxy && s.Trust != "" {
		e.TLSCert, e.TLSKey = filepath.Join(s.Trust, "tls.crt"), filepath.Join(s.Trust, "tls.key")
	}
}

func address(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost"
}

// local reports whether a host is this machine alone.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Address is the database's, with its password.
func (s Settings) Address() (string, error) {
	if s.PasswordFile == "" {
		return s.Database, nil
	}
	b, _, err := plainfile.Read(s.PasswordFile, passwordMax)
	if err != nil {
		return "", fmt.Errorf("password_file: %w", err)
	}
	u, err := url.Parse(s.Database)
	if err != nil {
		return "", err
	}
	u.User = url.UserPassword(u.User.Username(), strings.TrimRight(string(b), "\r\n"))
	return u.String(), nil
}

// User is who the hub is to the servers: its inboxes are below that name.
func (s Settings) User() (string, error) {
	if s.Credentials == "" {
		return "hub", nil
	}
	b, err := os.ReadFile(s.Credentials)
	if err != nil {
		return "", fmt.Errorf("credentials: %w", err)
	}
	token, err := jwt.ParseDecoratedJWT(b)
	if err != nil {
		return "", fmt.Errorf("credentials: %s holds none: put what kioskhub gave there again, whole", s.Credentials)
	}
	claims, err := jwt.DecodeUserClaims(token)
	if err != nil || claims.Name == "" || strings.ContainsAny(claims.Name, ".*> ") {
		return "", fmt.Errorf("credentials: %s are no user's: put what kioskhub gave there again, whole",
			s.Credentials)
	}
	return claims.Name, nil
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

func (p *problems) database(s Settings) {
	u, err := url.Parse(s.Database)
	const like = `write database = "postgres://kioskhub@127.0.0.1/kiosks" or "sqlite:///var/lib/kioskhub/hub.db"`
	switch {
	case s.Database == "":
		p.add("database", "is missing: %s", like)
	case err != nil:
		p.add("database", "cannot be read: %s", like) // it may hold a password
	case u.Scheme == "sqlite" && (u.Host != "" || u.Path == "" || u.User != nil):
		p.add("database", `names no file: write it with three strokes, "sqlite:///var/lib/kioskhub/hub.db"`)
	case u.Scheme != "postgres" && u.Scheme != "postgresql" && u.Scheme != "sqlite":
		p.add("database", "is none that is known: %s", like)
	}
	if err != nil {
		return
	}
	if _, secret := u.User.Password(); secret || u.Query().Has("password") {
		p.add("database", "has a password in it: write that into a file of its own, chmod 600, and name it in "+
			"password_file")
	}
	if s.PasswordFile != "" && u.Scheme == "sqlite" {
		p.add("password_file", "SQLite has no password: leave it out")
	}
}

// servers checks that the servers are reached by TLS, unless they are on this machine.
func (p *problems) servers(s Settings) {
	if len(s.Servers) == 0 {
		p.add("servers", `is missing: write servers = ["tls://nats1.example.com:4222"]`)
	}
	if len(s.Servers) > serversMax {
		p.add("servers", "are %d: at most %d are allowed", len(s.Servers), serversMax)
	}
	away := false
	for _, server := range s.Servers {
		u, err := url.Parse(server)
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "tls" && u.Scheme != "nats":
			p.add("servers", `%q is no server: write it like "tls://nats1.example.com:4222"`, server)
			continue
		case u.User != nil:
			p.add("servers", "has a user or password in it: credentials are in a file of their own")
		case u.Scheme == "nats" && !local(u.Hostname()):
			p.add("servers", `%q would be spoken to unencrypted: write "tls://%s"`, server, u.Host)
		}
		away = away || !local(u.Hostname())
	}
	if away && s.Credentials == "" {
		p.add("credentials", "is missing: only servers on this machine go without")
	}
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

// toml notes what TOML's own reader says. It repeats no value.
func (p *problems) toml(err error) {
	var unknown *toml.StrictMissingError
	var one *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		for _, e := range unknown.Errors {
			line, _ := e.Position()
			p.said = append(p.said, fmt.Sprintf("%s:%d: %s: is not a key of this file: kioskhub check --example has "+
				"them all", p.name, line, strings.Join(e.Key(), ".")))
		}
	case errors.As(err, &one):
		line, _ := one.Position()
		p.said = append(p.said, fmt.Sprintf("%s:%d: %s", p.name, line, strings.TrimPrefix(one.Error(), "toml: ")))
	default:
		p.said = append(p.said, fmt.Sprintf("%s: %s", p.name, strings.TrimPrefix(err.Error(), "toml: ")))
	}
}
