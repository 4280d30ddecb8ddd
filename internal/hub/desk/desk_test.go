package desk

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"kioskd/internal/fleet/authority"
	"kioskd/internal/hub/store"
	"kioskd/internal/proof/await"
)

const password = "correct horse battery"

// run runs one of the commands.
func run(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	root := &cobra.Command{Use: "kioskhub", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(Commands()...)
	var out bytes.Buffer
	root.SetIn(strings.NewReader(in))
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestUsersAreAddedListedAndRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.json")
	for _, c := range []struct{ in, args, out, err string }{
		{password + "\n", "add anna --role admin", "anna may sign in with the role admin", ""},
		{password, "add lisa --role look", "lisa may sign in with the role look", ""},
		{"short\n", "add olle --role look", "", "12 characters"},
		{"", "add olle --role look", "", "no password on standard input"},
		{password, "add olle --role root", "", "is no role"},
		{password, "add olle", "", "is no role"},
		{"", "list", "anna                 admin\nlisa                 look\n", ""},
		{"", "remove lisa", "", ""},
		{"", "remove lisa", "", "there is no user"},
		{"", "list", "anna                 admin\n", ""},
	} {
		out, err := run(t, c.in, append([]string{"user", "--users", path}, strings.Fields(c.args)...)...)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) ||
			!strings.Contains(out, c.out) {
			t.Errorf("%s: %q, %v", c.args, out, err)
		}
		if strings.Contains(out, "horse") {
			t.Errorf("%s says the password: %q", c.args, out)
		}
	}
}

func TestTheMonitoringFilesAreWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "monitoring")
	out, err := run(t, "", "monitoring", "--dir", dir)
	if err != nil || strings.Count(out, dir) != 2 {
		t.Fatalf("%q, %v", out, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "kiosks.rules.yml")); err != nil || !bytes.Contains(text,
		[]byte("NoHub")) {
		t.Errorf("%v", err)
	}
}

func opened(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open("sqlite://" + filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// certificate writes one for this machine.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, is, is, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der},
		key: {Type: "PRIVATE KEY", Bytes: text}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return cert, key, pool
}

// TestADeskIsServedWithTLSAndEnds goes through all of it: a user of the command, the form, the page, the metrics.
func TestADeskIsServedWithTLSAndEnds(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.json")
	if _, err := run(t, password, "user", "add", "lisa", "--role", "look", "--users", users); err != nil {
		t.Fatal(err)
	}
	cert, key, pool := certificate(t)
	d, err := New(Config{Listen: "127.0.0.1:0", TLSCert: cert, TLSKey: key, PublicURL: "https://127.0.0.1",
		Users:    users,
		Timezone: "Europe/Stockholm"}, Parts{Store: opened(t), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, l) }()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	base := "https://" + l.Addr().String()
	got, err := browser.PostForm(base+"/sign-in", url.Values{"name": {"lisa"}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	got.Body.Close()
	if err != nil || got.StatusCode != 200 || !strings.Contains(string(body), "What is wrong") ||
		got.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%d, %v: %s", got.StatusCode, err, body)
	}
	if err := d.Reload(); err != nil {
		t.Error(err)
	}
	await.Until(t, "its first look", func() bool {
		var b bytes.Buffer
		d.WriteMetrics(&b)
		return strings.Contains(b.String(), "kioskhub_sales_in_doubt 0")
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := browser.Get(base); err == nil {
		t.Error("it still answers")
	}
}

func TestADeskThatIsSeenWithoutTLSOrWithoutAZoneIsRefused(t *testing.T) {
	good := Config{Listen: "127.0.0.1:0", PublicURL: "http://127.0.0.1:8090", Users: filepath.Join(t.TempDir(),
		"users.json"),
		Timezone: "Europe/Stockholm"}
	s := opened(t)
	for want, change := range map[string]func(*Config){
		"[desk] timezone":             func(c *Config) { c.Timezone = "" },
		"\"Mars/Base\" is none":       func(c *Config) { c.Timezone = "Mars/Base" },
		"[desk] listen: \"8090\"":     func(c *Config) { c.Listen = "8090" },
		"without TLS":                 func(c *Config) { c.Listen = "0.0.0.0:8090" },
		"is seen from outside":        func(c *Config) { c.Listen = ":8090" },
		"both or neither":             func(c *Config) { c.TLSCert = "x" },
		"[desk] tls_cert: ":           func(c *Config) { c.TLSCert, c.TLSKey = "/none", "/none" },
		"[desk] public_url":           func(c *Config) { c.PublicURL = "http://hub.example.org" },
		"[desk] users, [oidc] issuer": func(c *Config) { c.Users = "" },
	} {
		c := good
		change(&c)
		if _, err := New(c, Parts{Store: s, Log: zerolog.Nop()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, change := range []func(*Config){func(*Config) {}, func(c *Config) {
		c.Listen, c.BehindProxy, c.PublicURL = ":0", true, "https://hub.example.org"
	}} {
		c := good
		change(&c)
		if _, err := New(c, Parts{Store: s, Log: zerolog.Nop()}); err != nil {
			t.Error(err)
		}
	}
}

// TestAnAuthorityThatCannotBeUsedIsSaidAtTheStart, and not when the first command is given.
func TestAnAuthorityThatCannotBeUsedIsSaidAtTheStart(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.json")
	if _, err := run(t, password, "user", "add", "lisa", "--role", "look", "--users", users); err != nil {
		t.Fatal(err)
	}
	key, err := authority.Make()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text []byte
		mode os.FileMode
		says string
	}{"right": {append(seed, '\n'), 0o600, ""}, "for all": {seed, 0o644, "chmod 600"},
		"none": {[]byte("SUA"), 0o600, "authority.nk of the folder"}, "missing": {nil, 0, "no such file"}} {
		file := filepath.Join(t.TempDir(), "authority.nk")
		if c.text != nil {
			if err := os.WriteFile(file, c.text, c.mode); err != nil {
				t.Fatal(err)
			}
		}
		_, err := New(Config{Listen: "127.0.0.1:0", PublicURL: "http://127.0.0.1", Users: users, Authority: file,
			Timezone: "Europe/Stockholm"}, Parts{Store: opened(t), Log: zerolog.Nop()})
		if (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), "[desk] authority") ||
			!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), string(seed))) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
