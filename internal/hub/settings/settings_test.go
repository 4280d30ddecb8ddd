package settings

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

func TestTheExampleIsRight(t *testing.T) {
	s, err := Parse("kioskhub.toml", []byte(Example), "/etc/kioskhub")
	if err != nil || s.Replicas != 1 || len(s.Servers) != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	whole := regexp.MustCompile(`(?m)^#([a-z_]+ =|\[)`).ReplaceAllString(Example, "$1")
	whole = strings.Replace(whole, `database = "sqlite`, `# "`, 1)
	if s, err := Parse("kioskhub.toml", []byte(whole), "/etc/kioskhub"); err != nil || s.Desk.OIDC.Issuer == "" {
		t.Errorf("it is wrong when all is said: %+v, %v", s, err)
	}
	var keys map[string]any
	if err := toml.Unmarshal([]byte(whole), &keys); err != nil || len(keys) != 10 {
		t.Errorf("it does not show every key: %v, %v", keys, err)
	}
}

func TestEveryMistakeIsNamedByItsLineAndKey(t *testing.T) {
	for text, want := range map[string]string{
		"":               "hub.toml: database: is missing",
		"database = 'x'": "hub.toml:1: database: is none that is known",
		"\ndatabase = 'mysql://h/d'\nservers = []":      "hub.toml:2: database: is none",
		"database = 'sqlite://hub.db'":                  "hub.toml:1: database: names no file",
		"database = 'postgres://u:geheim@h/d'":          "hub.toml:1: database: has a password in it",
		"database = 'postgres://u@h/d?password=geheim'": "hub.toml:1: database: has a password in it",
		"database = 'postgres://u:geheim@h:x y/d'":      "hub.toml:1: database: cannot be read",
		"servers = ['nats://h:4222']":                   "hub.toml:1: servers: \"nats://h:4222\" would be spoken to unencrypted",
		"servers = ['tls://h:4222']":                    "hub.toml: credentials: is missing",
		"servers = ['h:4222']":                          "hub.toml:1: servers: \"h:4222\" is no server",
		"replicas = 2":                                  "hub.toml:1: replicas: 2 is no number",
		"metrics = 'x'":                                 "hub.toml:1: metrics: \"x\" is no address",
		"[enroll]\nlisten = 'x'":                        "hub.toml: enroll.listen: \"x\" is no address",
		"[enroll]\nlisten = ':8443'":                    "hub.toml: trust: is missing",
		"[enroll]\ntls_key = 'x'":                       "enroll.tls_cert: and tls_key: both or neither",
		"a = 1\ncolour = 'red'":                         "hub.toml:2: colour: is not a key",
		"replicas = 'three'":                            "hub.toml:1:",
		"database = 'sqlite:///x'\npassword_file = 'p'": "hub.toml:2: password_file: SQLite has no password",
	} {
		_, err := Parse("hub.toml", []byte(text), "/")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestThePasswordComesFromAFileOfItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("p@ss/w ord\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := Settings{Database: "postgres://kioskhub@db.example.com/kiosks?sslmode=verify-full", PasswordFile: path}
	if a, err := s.Address(); err != nil || a != "postgres://kioskhub:p%40ss%2Fw%20ord@db.example.com/kiosks?sslmode=verify-full" {
		t.Errorf("%s, %v", a, err)
	}
	s.PasswordFile += "x"
	if _, err := s.Address(); err == nil {
		t.Error("a file that is not there is none")
	}
}

// FuzzParse: whatever a file holds, it is a config or an error.
func FuzzParse(f *testing.F) {
	f.Add([]byte(Example))
	f.Add([]byte("database = 1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Parse("hub.toml", b, "/"); err != nil && !strings.HasPrefix(err.Error(), "hub.toml") {
			t.Errorf("%q: %v", b, err)
		}
	})
}
