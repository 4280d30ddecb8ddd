// Package settings is a hub's config: /etc/kioskhub/kioskhub.toml, strictly read.
package settings

import (
	_ "embed"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"kioskd/internal/fleet/strict"
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
	program     = "kioskhub"
	passwordMax = 1 << 10 // bytes
)

// Load reads the config. Its error names every problem by file, line and key.
func Load(path string) (Settings, error) {
	b, err := strict.Read(path, program)
	if err != nil {
		return Settings{}, err
	}
	return Parse(path, b, filepath.Dir(path))
}

// Parse reads the bytes of a file; relative paths in it are relative to dir.
func Parse(name string, b []byte, dir string) (Settings, error) {
	s := Settings{Replicas: 1}
	read, err := strict.Decode(program, name, b, &s)
	if err != nil {
		return Settings{}, err
	}
	p := problems{read}
	strict.Below(dir, &s.PasswordFile, &s.Credentials, &s.CA, &s.Trust, &s.Enroll.TLSCert, &s.Enroll.TLSKey,
		&s.Desk.TLSCert, &s.Desk.TLSKey, &s.Desk.Users, &s.Desk.Authority)
	p.database(s)
	p.Servers(s.Servers, s.Credentials)
	if s.Replicas != 1 && s.Replicas != 3 && s.Replicas != 5 {
		p.Add("replicas", "%d is no number of replicas: write 1, or 3 in a cluster of at least 3 servers", s.Replicas)
	}
	p.Listen("metrics", s.Metrics, "127.0.0.1:9091")
	p.enroll(&s)
	return s, p.Err()
}

// enroll checks the section, and fills in the certificate that kioskhub init has made.
func (p problems) enroll(s *Settings) {
	e := &s.Enroll
	p.Listen("enroll.listen", e.Listen, "0.0.0.0:8443")
	if e.Listen != "" && s.Trust == "" {
		p.Add("trust", "is missing: machines are let in with what is in the folder hub that kioskhub init made")
	}
	if (e.TLSCert == "") != (e.TLSKey == "") {
		p.Add("enroll.tls_cert", "and tls_key: both or neither")
	}
	if e.TLSCert == "" && !e.BehindProxy && s.Trust != "" {
		e.TLSCert, e.TLSKey = filepath.Join(s.Trust, "tls.crt"), filepath.Join(s.Trust, "tls.key")
	}
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
func (s Settings) User() (string, error) { return strict.User(s.Credentials, "hub") }

// problems are what is wrong with a config.
type problems struct{ *strict.Problems }

func (p problems) database(s Settings) {
	u, err := url.Parse(s.Database)
	const like = `write database = "postgres://kioskhub@127.0.0.1/kiosks" or "sqlite:///var/lib/kioskhub/hub.db"`
	switch {
	case s.Database == "":
		p.Add("database", "is missing: %s", like)
	case err != nil:
		p.Add("database", "cannot be read: %s", like) // it may hold a password
	case u.Scheme == "sqlite" && (u.Host != "" || u.Path == "" || u.User != nil):
		p.Add("database", `names no file: write it with three strokes, "sqlite:///var/lib/kioskhub/hub.db"`)
	case u.Scheme != "postgres" && u.Scheme != "postgresql" && u.Scheme != "sqlite":
		p.Add("database", "is none that is known: %s", like)
	}
	if err != nil {
		return
	}
	if _, secret := u.User.Password(); secret || u.Query().Has("password") {
		p.Add("database", "has a password in it: write that into a file of its own, chmod 600, and name it in "+
			"password_file")
	}
	if s.PasswordFile != "" && u.Scheme == "sqlite" {
		p.Add("password_file", "SQLite has no password: leave it out")
	}
}
