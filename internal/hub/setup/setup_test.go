package setup

import (
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/broker"
	"kioskd/internal/proof/port"
)

func plan(t *testing.T) Plan {
	return Plan{Dir: filepath.Join(t.TempDir(), "fleet"), Name: "test", Servers: []string{"127.0.0.1"},
		Hubs: []string{"hub.example", "192.0.2.7"}, Gateways: []string{"gateway-1"}, Etc: "/etc/nats",
		Store: "/var/lib/nats", Now: time.Now()}
}

// files are all that is below a folder, with their contents.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be used by others: %v", path, info.Mode())
		}
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMakingAFleetAgainReplacesNothing(t *testing.T) {
	p := plan(t)
	if made, err := p.Make(); err != nil || len(made) == 0 {
		t.Fatal(made, err)
	}
	before := files(t, p.Dir)
	if made, err := p.Make(); err != nil || len(made) != 0 {
		t.Errorf("once more: %q, %v", made, err)
	}
	p.Servers = append(p.Servers, "nats-2.example", "nats-3.example")
	p.Gateways = append(p.Gateways, "gateway-2")
	if _, err := p.Make(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(p.Dir, "hub", "hub.creds")); err != nil {
		t.Fatal(err)
	}
	made, err := p.Make()
	if err != nil || len(made) != 1 || !strings.HasSuffix(made[0], "hub.creds") {
		t.Errorf("a lost file: %q, %v", made, err)
	}
	after := files(t, p.Dir)
	for name, content := range before {
		changes := []string{"nats.conf", ServersFile, "hub.creds"} // they name the servers, or were lost
		if after[name] != content && !slices.Contains(changes, filepath.Base(name)) {
			t.Errorf("%s was replaced", name)
		}
	}
	for _, name := range []string{"server-nats-3.example/nats.conf", "gateway/gateway-2.creds"} {
		if after[name] == "" {
			t.Errorf("%s was not made", name)
		}
	}
	if !strings.Contains(after["server-127.0.0.1/nats.conf"], "nats-route://nats-2.example:6222") {
		t.Error("the first server does not know the second")
	}
	p.Renew = true
	if _, err := p.Make(); err != nil {
		t.Fatal(err)
	}
	renewed := files(t, p.Dir)
	if renewed["hub/tls.crt"] == after["hub/tls.crt"] || renewed["hub/ca.crt"] != after["hub/ca.crt"] {
		t.Error("renewing makes the certificates anew, by the same authority")
	}
}

// TestAFleetThatLostAKeyIsNotMadeAnew: its machines would be everybody's but this one's.
func TestAFleetThatLostAKeyIsNotMadeAnew(t *testing.T) {
	for _, name := range []string{"operator.jwt", "fleet.jwt", "signer.nk", "authority.nk", "gateway.nk", "ca.key"} {
		p := plan(t)
		if _, err := p.Make(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(p.Dir, Trust, name)); err != nil {
			t.Fatal(err)
		}
		before := files(t, p.Dir)
		p.Gateways = []string{"gateway-9"}
		if _, err := p.Make(); err == nil {
			t.Errorf("without %s a fleet is made", name)
		}
		if after := files(t, p.Dir); len(after) != len(before) {
			t.Errorf("without %s something was made: %d files, %d before", name, len(after), len(before))
		}
	}
}

func TestAPlanThatCannotBeIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"no server":         func(p *Plan) { p.Servers = nil },
		"two servers":       func(p *Plan) { p.Servers = []string{"a", "b"} },
		"one twice":         func(p *Plan) { p.Servers = []string{"a", "b", "a"} },
		"a path":            func(p *Plan) { p.Servers = []string{"../x"} },
		"a port":            func(p *Plan) { p.Servers = []string{"a:4222"} },
		"a quote":           func(p *Plan) { p.Servers = []string{`a"b`} },
		"a hub with a path": func(p *Plan) { p.Hubs = []string{"https://hub.example"} },
		"a kiosk's name":    func(p *Plan) { p.Gateways = []string{"K1"} },
		"a gateway outside": func(p *Plan) { p.Gateways = []string{"../gateway-1"} },
	} {
		p := plan(t)
		change(&p)
		if made, err := p.Make(); err == nil {
			t.Errorf("%s: %q", name, made)
		}
		if _, err := os.Stat(p.Dir); err == nil {
			t.Errorf("%s: something was made", name)
		}
	}
}

// TestWhatIsMadeRuns starts a server on its folder, and everybody connects with the files of his own.
func TestWhatIsMadeRuns(t *testing.T) {
	p := plan(t)
	p.Etc, p.Store = filepath.Join(p.Dir, "server-127.0.0.1"), t.TempDir()
	if _, err := p.Make(); err != nil {
		t.Fatal(err)
	}
	program, err := broker.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	all := files(t, p.Dir)
	address := port.Free()
	s := &broker.Server{Program: program, Dir: p.Store, Address: address, Config: strings.NewReplacer(
		"0.0.0.0:4222", address, "127.0.0.1:8222", port.Free()).Replace(all["server-127.0.0.1/nats.conf"])}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	h, err := OpenHub(filepath.Join(p.Dir, Hub))
	if err != nil || len(h.Servers) != 1 || h.Servers[0] != "tls://127.0.0.1:4222" {
		t.Fatalf("%+v, %v", h.Servers, err)
	}
	h.Servers = []string{"tls://" + address}
	hub, err := nats.Connect(h.Servers[0], append(h.Options("hub.creds"),
		nats.CustomInboxPrefix(protocol.Inbox("hub-1")))...)
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Close()
	gateway, err := nats.Connect(h.Servers[0], nats.RootCAs(filepath.Join(p.Dir, Gateway, "ca.crt")),
		nats.UserCredentials(filepath.Join(p.Dir, Gateway, "gateway-1.creds")))
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.Close()
	system, err := h.DialSystem()
	if err != nil {
		t.Fatal(err)
	}
	defer system.Close()
	if n, err := h.Trust.Known(t.Context(), system, nil); err != nil || n != 1 {
		t.Errorf("%d servers, %v", n, err)
	}
	if h.Trust.Root != nil || h.Trust.Signers[grants.Gateway] != nil || h.Trust.Signers[grants.Hub] != nil {
		t.Error("a hub's folder holds keys that a hub does not need")
	}
	cert, err := tls.X509KeyPair([]byte(all["hub/tls.crt"]), []byte(all["hub/tls.key"]))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(h.CA)
	for _, name := range p.Hubs {
		if _, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); err != nil {
			t.Errorf("the hub's certificate and %s: %v", name, err)
		}
	}
}

// TestASecretThatOthersMayReadIsRefused: a hub's folder was copied by somebody in a hurry.
func TestASecretThatOthersMayReadIsRefused(t *testing.T) {
	p := plan(t)
	if _, err := p.Make(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(p.Dir, Hub)
	if err := os.Chmod(filepath.Join(dir, "signer.nk"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHub(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "signer.nk"), []byte("SOACSSL"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "signer.nk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHub(dir); err == nil || strings.Contains(err.Error(), "SOACSSL") {
		t.Errorf("a bad key: %v", err)
	}
	other := plan(t)
	if _, err := other.Make(); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(other.Dir, Hub, "signer.nk"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "signer.nk"), foreign, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHub(dir); err == nil || !strings.Contains(err.Error(), "is not of the operator") {
		t.Errorf("another fleet's key: %v", err)
	}
}
