package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
)

// creds writes a file of credentials and gives its path.
func creds(t testing.TB, path string, f *broker.Fleet, name string) string {
	t.Helper()
	text, err := f.Trust.Credentials(grants.Kiosk, name)
	if err != nil {
		t.Fatal(err)
	}
	if path == "" {
		path = filepath.Join(t.TempDir(), "fleet.creds")
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRefusedCredentialsAreTriedForEver: nats.go gives up after the second time. What the operator puts into the files
// later is used without a restart.
func TestRefusedCredentialsAreTriedForEver(t *testing.T) {
	f, other := broker.Cluster(t, 1), broker.Unstarted(t, 1)
	path := creds(t, "", other, "A1") // signed by somebody else
	ca := filepath.Join(t.TempDir(), "ca.pem")
	replace := func(with string) {
		b, err := os.ReadFile(with)
		if err == nil {
			err = os.WriteFile(ca, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	replace(f.CA)
	var tries atomic.Int32
	l := connected(t, Config{Servers: []string{"tls://" + f.Servers[0].Address}, Credentials: path, CA: ca,
		Jitter: func(d time.Duration) time.Duration {
			tries.Add(1)
			return min(quick(d), 20*time.Millisecond)
		}})
	refused := func(why string) {
		t.Helper()
		from := tries.Load()
		await.Until(t, "five refusals", func() bool { return tries.Load() > from+5 })
		if s := l.State(); s.Connected || !strings.Contains(strings.ToLower(s.Why), why) {
			t.Errorf("%+v, want %q", s, why)
		}
	}
	refused("authorization")
	replace(other.CA)
	refused("certificate")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused("does not exist")
	if err := os.Remove(ca); err != nil {
		t.Fatal(err)
	}
	creds(t, path, f, "A1")
	refused("ca.pem")
	replace(f.CA)
	await.Until(t, "a connection", func() bool { return l.State().Connected })
}

// TestWithItsOwnCredentialsAKioskDoesAllOfIt: over TLS, and over a WebSocket.
func TestWithItsOwnCredentialsAKioskDoesAllOfIt(t *testing.T) {
	f := broker.Cluster(t, 1)
	admin, err := f.Administrator()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	c := collectorOn(t, admin, "A1")
	c.stream()
	heard, k, path := listenOn(t, admin), newSender("A1"), creds(t, "", f, "A1")
	var lines []*Line
	for run, server := range map[string]string{
		"tls": "tls://" + f.Servers[0].Address, "web": "wss://" + f.Servers[0].WebSocket,
	} {
		tell, states := teller(t, run)
		states <- machine()
		services := []Service{tell.Serve}
		if len(lines) == 0 {
			services = append(services, k.Serve)
		}
		l := connected(t, Config{Servers: []string{server}, Credentials: path, CA: f.CA, Services: services})
		lines = append(lines, l)
		await.Until(t, server, func() bool {
			_, told := heard.find(func(c protocol.Condition) bool { return c.Run == run && c.Slots != nil })
			return told && l.State().Connected
		})
		if len(lines) == 1 {
			k.journal.add(3*ahead, k.Outbox)
			await.Until(t, "all entries over "+server, func() bool {
				return k.Held() == 3*ahead && c.equals(k.journal)
			})
		}
	}
	await.Until(t, "the older one's end", func() bool {
		return strings.Contains(lines[0].State().Why, "another machine")
	})
}
