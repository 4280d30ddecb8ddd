package grants_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/proof/broker"
)

// within is how soon somebody has to be out, everywhere; some hundred milliseconds where nothing else runs.
const within = time.Minute

// member is a kiosk's credentials and the public half of its key.
type member struct {
	id, key     string
	credentials []byte
}

func granted(t *testing.T, f *broker.Fleet, id string) member {
	t.Helper()
	credentials, err := f.Trust.Credentials(grants.Kiosk, id)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := jwt.ParseDecoratedUserNKey(credentials)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return member{id, key, credentials}
}

// now is a record of this member alone, revoked in this moment.
func (m member) now() func(context.Context) (map[string]time.Time, error) {
	at := time.Now()
	return func(context.Context) (map[string]time.Time, error) { return map[string]time.Time{m.key: at}, nil }
}

// at connects to one server, and says when the connection is gone.
func (m member) at(f *broker.Fleet, s *broker.Server) (*nats.Conn, <-chan struct{}, error) {
	gone := make(chan struct{})
	nc, err := nats.Connect("tls://"+s.Address, append(f.Options(m.id, m.credentials), nats.NoReconnect(),
		nats.ClosedHandler(func(*nats.Conn) { close(gone) }))...)
	return nc, gone, err
}

func system(t *testing.T, f *broker.Fleet, name string) *grants.Servers {
	t.Helper()
	credentials, err := f.Trust.Credentials(grants.System, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := grants.Dial(f.URLs(), name, f.Options(name, credentials)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestWhoIsRevokedIsOutEverywhere: on each server of a cluster, for good, and nobody else.
func TestWhoIsRevokedIsOutEverywhere(t *testing.T) {
	f := broker.Cluster(t, 3)
	stolen, honest := granted(t, f, "K1"), granted(t, f, "K2")
	var gone []<-chan struct{}
	var stay []*nats.Conn
	for _, s := range f.Servers {
		nc, g, err := stolen.at(f, s)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		gone = append(gone, g)
		if nc, _, err = honest.at(f, s); err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		stay = append(stay, nc)
	}
	desk := system(t, f, "system-1")
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	began := time.Now()
	known, err := f.Trust.Revoke(ctx, desk, stolen.now())
	if err != nil || known != len(f.Servers) {
		t.Fatalf("%d servers know it, %v", known, err)
	}
	for n, g := range gone {
		select {
		case <-g:
		case <-ctx.Done():
			t.Errorf("server %d lets a revoked kiosk stay", n+1)
		}
	}
	t.Logf("out at every server after %v", time.Since(began).Round(time.Millisecond))
	out := func(m member) {
		t.Helper()
		for n, s := range f.Servers {
			if nc, _, err := m.at(f, s); !errors.Is(err, nats.ErrAuthorization) {
				nc.Close()
				t.Errorf("server %d lets a revoked kiosk in again: %v", n+1, err)
			}
		}
	}
	out(stolen)
	for n, nc := range stay {
		if err := nc.Flush(); err != nil {
			t.Errorf("server %d puts another kiosk out: %v", n+1, err)
		}
	}

	// the machine gets a new key, and the old one stays out
	again := granted(t, f, "K1")
	for _, s := range f.Servers {
		nc, _, err := again.at(f, s)
		if err != nil {
			t.Errorf("a new key is not let in: %v", err)
		} else {
			nc.Close()
		}
	}
	out(stolen)

	// so it is when all of the servers were away
	for _, s := range f.Servers {
		s.Kill()
	}
	for _, s := range f.Servers {
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	out(stolen)
}

// TestAServerThatWasAwayLearnsWhoIsRevoked: it comes back with the claims of before, or with those of its config alone.
func TestAServerThatWasAwayLearnsWhoIsRevoked(t *testing.T) {
	f := broker.Cluster(t, 3)
	for name, lose := range map[string]func(dir string) error{
		"it was off":       func(string) error { return nil },
		"it lost its disk": func(dir string) error { return os.RemoveAll(filepath.Join(dir, "claims")) },
	} {
		stolen := granted(t, f, "K1")
		away := f.Servers[2]
		away.Kill()
		known, err := f.Trust.Revoke(t.Context(), system(t, f, "system-1"), stolen.now())
		if err != nil || known != 2 {
			t.Fatalf("%s: %d servers know it, %v", name, known, err)
		}
		if err := lose(away.Dir); err != nil {
			t.Fatal(err)
		}
		if err := away.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		outSoon(t, f, away, stolen, name)
	}
}

// outSoon waits until a server lets somebody in no more, and ends the connections that it took meanwhile.
func outSoon(t *testing.T, f *broker.Fleet, s *broker.Server, m member, name string) {
	t.Helper()
	limit := time.After(within)
	for {
		nc, gone, err := m.at(f, s)
		if errors.Is(err, nats.ErrAuthorization) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		select {
		case <-gone:
		case <-limit:
			nc.Close()
			t.Fatalf("%s: the server lets a revoked kiosk stay", name)
		}
	}
}

// record is what the hubs share.
type record struct {
	mu   sync.Mutex
	keys map[string]time.Time
}

func (r *record) add(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[key] = time.Now()
}

func (r *record) all(context.Context) (map[string]time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.keys), nil
}

// TestHubsThatRevokeAtOnceUndoNothing: neither undoes what the other does.
func TestHubsThatRevokeAtOnceUndoNothing(t *testing.T) {
	f := broker.Cluster(t, 1)
	var out []member
	for _, id := range []string{"K1", "K2", "K3"} {
		out = append(out, granted(t, f, id))
	}
	r := &record{keys: map[string]time.Time{}}
	var wait sync.WaitGroup
	for n, m := range out {
		desk := system(t, f, fmt.Sprintf("system-%d", n))
		wait.Go(func() {
			r.add(m.key)
			if _, err := f.Trust.Revoke(t.Context(), desk, r.all); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	// another hub writes down whom it puts out when this one has told the servers, but for the last look
	late, last := granted(t, f, "K4"), granted(t, f, "K5")
	asked := 0
	r.add(last.key)
	if _, err := f.Trust.Revoke(t.Context(), system(t, f, "system-9"),
		func(ctx context.Context) (map[string]time.Time, error) {
			if asked++; asked == 2 {
				r.add(late.key)
			}
			return r.all(ctx)
		}); err != nil {
		t.Error(err)
	}
	for _, m := range append(out, late, last) {
		if nc, _, err := m.at(f, f.Servers[0]); !errors.Is(err, nats.ErrAuthorization) {
			nc.Close()
			t.Errorf("%s is in again: %v", m.id, err)
		}
	}
}

// TestTheSystemsCredentialsMayNothingElse: they lie on each hub.
func TestTheSystemsCredentialsMayNothingElse(t *testing.T) {
	s := live(t, build(t), grants.System, "system-9", nil)
	s.send(append(theirs(), "$SYS.REQ.CLAIMS.DELETE", "$SYS.REQ.SERVER.PING.CONNZ"))
	if len(s.heard)+len(s.read) > 0 {
		t.Errorf("%q, %q", s.heard, s.read)
	}
	stranger, err := nkeys.CreateOperator()
	if err != nil {
		t.Fatal(err)
	}
	forged := *s.fleet.Trust
	forged.Signer = stranger
	desk := system(t, s.fleet, "system-8")
	victim := granted(t, s.fleet, "K1")
	// the server keeps them, and uses what it has
	if _, err := forged.Revoke(t.Context(), desk, victim.now()); err != nil {
		t.Log(err)
	}
	nc, _, err := victim.at(s.fleet, s.fleet.Servers[0])
	if err != nil {
		t.Fatalf("a stranger's claims shut a kiosk out: %v", err)
	}
	nc.Close()
}
