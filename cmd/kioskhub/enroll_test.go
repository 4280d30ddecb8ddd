package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/enrol"
	"kioskd/internal/fleet/grants"
	"kioskd/internal/hub/setup"
	"kioskd/internal/identity"
	"kioskd/internal/proof/broker"
	"kioskd/internal/proof/port"
)

// typed runs a command, and gives what it says.
func typed(t *testing.T, args ...string) (out, errOut string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	c := command(&o, &e)
	c.SetArgs(args)
	err = c.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

// folder writes a hub's folder for a cluster's trust.
func folder(t *testing.T, f *broker.Fleet) string {
	t.Helper()
	dir := t.TempDir()
	system, err := f.Trust.Credentials(grants.System, "system-1")
	if err != nil {
		t.Fatal(err)
	}
	own, err := f.Trust.Credentials(grants.Hub, "hub-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Certificate(dir); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(f.CA)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Trust.Write(dir), grants.Keep(filepath.Join(dir, "system.creds"), system),
		grants.Keep(filepath.Join(dir, "hub.creds"), own),
		grants.Keep(filepath.Join(dir, "ca.crt"), ca), grants.Keep(filepath.Join(dir, setup.ServersFile),
			[]byte(strings.ReplaceAll(f.URLs(), ",", "\n")))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAMachineIsLetInAndShutOutByCommand: what an operator types, with a hub that runs and real servers behind it.
func TestAMachineIsLetInAndShutOutByCommand(t *testing.T) {
	f := broker.Cluster(t, 3)
	dir, listen, inside := folder(t, f), port.Free(), port.Free()
	config := filepath.Join(dir, "kioskhub.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "database = %q\nservers = [\"%s\"]\ncredentials = \"hub.creds\"\n"+
		"ca = \"ca.crt\"\nmetrics = %q\ntrust = \".\"\n[enroll]\nlisten = %q\n",
		"sqlite://"+filepath.Join(t.TempDir(), "hub.db"), strings.ReplaceAll(f.URLs(), ",", `", "`), inside, listen),
		0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := typed(t, "enroll", "K1", "--config", config); err == nil ||
		!strings.Contains(err.Error(), "kioskhub migrate") {
		t.Errorf("an empty database: %v", err)
	}
	if _, _, err := typed(t, "migrate", "--config", config); err != nil {
		t.Fatal(err)
	}
	hub(t, config, inside)
	ca, err := os.ReadFile(f.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	at := enrol.Hub{At: "https://" + listen, Roots: roots, Now: time.Now}

	card := t.TempDir()
	m := enrol.Machine{ID: "K1", Identity: filepath.Join(card, "identity.json"),
		Credentials: filepath.Join(card, "fleet.creds"), CA: filepath.Join(card, "ca.pem")}
	letIn := func() {
		t.Helper()
		out, said, err := typed(t, "enroll", "K1", "--group", "north", "--name", "lobby", "--config", config)
		code := strings.TrimSpace(out)
		if _, e := enrol.Plain(code); e != nil || err != nil || !strings.Contains(said, "kioskd enroll --at") {
			t.Fatalf("%q, %q, %v", out, said, err)
		}
		if _, err := m.Enrol(t.Context(), at, code); err != nil {
			t.Fatal(err)
		}
	}
	out := func(what string, gone <-chan struct{}) {
		t.Helper()
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: a machine that was shut out stays connected", what)
		}
	}
	letIn()
	nc, gone := connect(t, m, f.URLs())
	defer nc.Close()
	letIn() // its old key is shut out by the hub that runs
	out("a new key", gone)
	nc, gone = connect(t, m, f.URLs())
	defer nc.Close()

	said, _, err := typed(t, "revoke", "K1", "--config", config)
	if err != nil || !strings.Contains(said, "K1 is shut out at 3 servers") {
		t.Errorf("%q, %v", said, err)
	}
	out("revoked", gone)
	if _, _, err := typed(t, "revoke", "K2", "--config", config); err == nil ||
		!strings.Contains(err.Error(), "never had a key") {
		t.Errorf("a machine that nobody knows: %v", err)
	}
	for _, s := range f.Servers {
		s.Kill()
	}
	if _, _, err := typed(t, "revoke", "K1", "--config", config); err == nil ||
		!strings.Contains(err.Error(), "written down as shut out") {
		t.Errorf("no server can be reached: %v", err)
	}
}

func connect(t *testing.T, m enrol.Machine, servers string) (*nats.Conn, <-chan struct{}) {
	t.Helper()
	id, err := identity.Load(m.Identity)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(m.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	nc, err := nats.Connect(servers, nats.RootCAs(m.CA), nats.NoReconnect(),
		nats.UserCredentialBytes(append(content, "-----BEGIN USER NKEY SEED-----\n"+id.FleetSeed.Reveal()+
			"\n------END USER NKEY SEED------\n"...)),
		nats.ClosedHandler(func(*nats.Conn) { close(gone) }))
	if err != nil {
		t.Fatal(err)
	}
	return nc, gone
}

func TestInitSaysWhatItMadeAndWhatIsNext(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fleet")
	args := []string{"init", dir, "--server", "a.example", "--server", "b.example", "--server", "c.example"}
	out, _, err := typed(t, args...)
	if err != nil || !strings.Contains(out, "server-b.example/nats.conf") ||
		!strings.Contains(out, "put "+dir+"/trust away") {
		t.Errorf("%s, %v", out, err)
	}
	if out, _, err = typed(t, args...); err != nil || out != "Nothing was missing.\n" {
		t.Errorf("once more: %s, %v", out, err)
	}
	if _, _, err := typed(t, "init", dir); err == nil || !strings.Contains(err.Error(), "--server") {
		t.Errorf("without a server: %v", err)
	}
}
