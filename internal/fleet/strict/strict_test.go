package strict

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

func TestAConfigThatCannotBeReadIsToldWhatToDo(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.toml")
	if err := os.WriteFile(large, make([]byte, fileMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing.toml")
	for path, want := range map[string]string{
		missing: "does not exist: create it from the commented example: kioskhub check --example > " + missing,
		large:   "is larger than 1024 KiB",
		dir:     "cannot be read",
	} {
		if _, err := Read(path, "kioskhub"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestEveryMistakeIsNamedByItsLineAndKey(t *testing.T) {
	var c struct {
		Servers     []string
		Credentials string
		Metrics     string
	}
	for text, want := range map[string]string{
		"":                                     "c.toml: servers: is missing",
		"servers = ['h:4222']":                 `c.toml:1: servers: "h:4222" is no server`,
		"\nservers = ['nats://h:4222']":        `c.toml:2: servers: "nats://h:4222" would be spoken to unencrypted: write "tls://h:4222"`,
		"servers = ['tls://u:geheim@h']":       "c.toml:1: servers: has a user or password in it",
		"servers = ['tls://h:4222']":           "c.toml: credentials: is missing",
		"metrics = 'x'":                        `c.toml:1: metrics: "x" is no address to listen on: write it like "127.0.0.1:1"`,
		"metrics = 'host:1'":                   "c.toml:1: metrics: ",
		"metrics = ':notaport'":                "c.toml:1: metrics: ",
		"metrics = ''\ncolour = 'red'":         "c.toml:2: colour: is not a key of this file: kioskgate check --example has",
		"[metrics]\ncolour = 'red'":            "c.toml:1:",
		"metrics = 1":                          "c.toml:1:",
		"servers = [" + many(serversMax) + "]": "c.toml:1: servers: are 65: at most 64",
	} {
		c.Servers, c.Credentials, c.Metrics = nil, "", ""
		p, err := Decode("kioskgate", "c.toml", []byte(text), &c)
		if err == nil {
			p.Servers(c.Servers, c.Credentials)
			p.Listen("metrics", c.Metrics, "127.0.0.1:1")
			err = p.Err()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// many is a list of one server more than n.
func many(n int) string { return strings.Repeat("'nats://127.0.0.1',", n+1) }

func TestServersOnThisMachineNeedNeitherTLSNorCredentials(t *testing.T) {
	for _, servers := range [][]string{{"nats://127.0.0.1:4222"}, {"nats://localhost"}, {"tls://[::1]:4222"}} {
		var p Problems
		if p.Servers(servers, ""); p.Err() != nil {
			t.Errorf("%v: %v", servers, p.Err())
		}
	}
}

func TestPathsAreBelowTheConfigsFolder(t *testing.T) {
	relative, absolute, none := "tls/key", "/etc/key", ""
	if Below("/d", &relative, &absolute, &none); relative != "/d/tls/key" || absolute != "/etc/key" || none != "" {
		t.Errorf("%q, %q, %q", relative, absolute, none)
	}
}

func TestAProgramIsWhoItsCredentialsName(t *testing.T) {
	if who, err := User("", "hub"); err != nil || who != "hub" {
		t.Errorf("without credentials it is %q, %v", who, err)
	}
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if who, err := User(write("right", credentials(t, "hub-2")), "hub"); err != nil || who != "hub-2" {
		t.Errorf("%q, %v", who, err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "missing"):               "credentials: open",
		write("empty", nil):                         "put what kioskhub gave there again, whole",
		write("torn", credentials(t, "hub")[:90]):   "put what kioskhub gave there again, whole",
		write("nameless", credentials(t, "")):       "are no user's",
		write("everybody", credentials(t, "hub.>")): "are no user's",
	} {
		if who, err := User(path, "hub"); err == nil || who != "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v, want %q", path, who, err, want)
		}
	}
}

// credentials are a user's of that name, signed by an account that nobody knows.
func credentials(t *testing.T, name string) []byte {
	t.Helper()
	account, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.NewUserClaims(public)
	claims.Name = name
	token, err := claims.Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	b, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
