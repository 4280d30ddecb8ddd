package admit

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"kioskd/internal/fleet/authority"
	"kioskd/internal/fleet/enrol"
	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
	"kioskd/internal/identity"
	"kioskd/internal/proof/broker"
)

// town is a hub's desk behind HTTPS, with a record of its own.
type town struct {
	t     *testing.T
	desk  *Desk
	store *store.Store
	hub   enrol.Hub
	trust *grants.Fleet

	mu    sync.Mutex
	log   bytes.Buffer
	now   time.Time
	from  netip.Addr
	loses bool // the next answer
	shut  int
}

// Write takes the log.
func (w *town) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

func opened(t *testing.T, trust *grants.Fleet) *town {
	t.Helper()
	w := &town{t: t, trust: trust, now: time.Now(), from: netip.MustParseAddr("192.0.2.1")}
	var err error
	if w.store, err = store.Open("sqlite://" + filepath.Join(t.TempDir(), "hub.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	if _, _, err := w.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
	w.desk = &Desk{
		Store: w.store, Trust: trust, Servers: []string{"tls://nats.example:4222"}, Now: clock, Log: zerolog.New(w),
		Caller: func(*http.Request) netip.Addr { w.mu.Lock(); defer w.mu.Unlock(); return w.from },
		Shut:   func() { w.mu.Lock(); defer w.mu.Unlock(); w.shut++ },
	}
	if err := w.desk.Open(); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(w.serve))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	w.hub = enrol.Hub{At: s.URL, Roots: roots, Now: time.Now}
	return w
}

// serve is the desk, on a line that loses an answer when it is to.
func (w *town) serve(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	loses := w.loses
	w.loses = false
	w.mu.Unlock()
	if r.URL.Path != enrol.Path {
		http.NotFound(out, r)
		return
	}
	if loses {
		w.desk.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	w.desk.ServeHTTP(out, r)
}

func (w *town) code(e store.Enrolment) string {
	w.t.Helper()
	code, _, err := NewCode(w.t.Context(), w.store, e, w.desk.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return code
}

func (w *town) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// card is a machine's card, with the files of its own.
func card(t *testing.T, id string) enrol.Machine {
	dir := t.TempDir()
	return enrol.Machine{ID: id, Identity: filepath.Join(dir, "identity.json"), Serial: "1000",
		Credentials: filepath.Join(dir, "fleet.creds"), CA: filepath.Join(dir, "fleet-ca.pem")}
}

// key is the public half of the key that a card holds.
func key(t *testing.T, m enrol.Machine) string {
	t.Helper()
	id, err := identity.Load(m.Identity)
	if err != nil {
		t.Fatal(err)
	}
	k, err := identity.FleetKey(id.FleetSeed)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func made(t *testing.T) *grants.Fleet {
	t.Helper()
	trust, err := grants.Make("a fleet")
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

func TestACodeLetsOneMachineIn(t *testing.T) {
	w := opened(t, made(t))
	code := w.code(store.Enrolment{Kiosk: "K1", Name: "lobby"})
	first, second := card(t, "K1"), card(t, "K1")
	if _, err := identity.Ensure(first.Identity, "1000"); err != nil {
		t.Fatal(err)
	}
	boot := key(t, first)
	a, err := first.Enrol(t.Context(), w.hub, strings.ToLower(code))
	if err != nil || a.ID != "K1" || key(t, first) != boot {
		t.Fatalf("%+v, %v; the key of the first boot is kept: %v", a, err, key(t, first) == boot)
	}
	content, err := os.ReadFile(first.Credentials)
	if err != nil || enrol.KeyOf(content) != boot {
		t.Errorf("its credentials are for %s, %v", enrol.KeyOf(content), err)
	}
	if info, err := os.Stat(first.Credentials); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	desk, err := w.trust.Authority.Public()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := authority.InCredentials(content); err != nil || got != desk {
		t.Errorf("it obeys %q, %v", got, err)
	}
	if _, err := second.Enrol(t.Context(), w.hub, code); err == nil || !strings.Contains(err.Error(), "used already") {
		t.Errorf("a second machine with the same code: %v", err)
	}
	if _, err := card(t, "K2").Enrol(t.Context(), w.hub, w.code(store.Enrolment{Kiosk: "K3"})); err == nil ||
		!strings.Contains(err.Error(), "[machine] token") {
		t.Errorf("another machine's code: %v", err)
	}
	late := w.code(store.Enrolment{Kiosk: "K4"})
	w.later(time.Hour)
	if _, err := card(t, "K4").Enrol(t.Context(), w.hub, late); err == nil ||
		!strings.Contains(err.Error(), "too old") {
		t.Errorf("an old code: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id, err := identity.Load(first.Identity)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{code, strings.ReplaceAll(code, "-", ""), id.FleetSeed.Reveal(), a.JWT} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the hub's log has a secret: %s", w.log.String())
		}
	}
	for _, word := range []string{`"kiosk":"K1"`, `"why":"used"`, `"why":"expired"`} {
		if !strings.Contains(w.log.String(), word) {
			t.Errorf("the hub's log does not say %s: %s", word, w.log.String())
		}
	}
}

// TestALostAnswerCostsNothing: whoever types the same code again gets what was granted.
func TestALostAnswerCostsNothing(t *testing.T) {
	w := opened(t, made(t))
	m := card(t, "K1")
	for round := range 2 { // the key of the first boot, and a new one
		code := w.code(store.Enrolment{Kiosk: "K1"})
		w.mu.Lock()
		w.loses = true
		w.mu.Unlock()
		if _, err := m.Enrol(t.Context(), w.hub, code); err == nil || !strings.Contains(err.Error(), "same code") {
			t.Fatalf("round %d: %v", round, err)
		}
		if _, err := m.Enrol(t.Context(), w.hub, code); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		content, err := os.ReadFile(m.Credentials)
		if err != nil || enrol.KeyOf(content) != key(t, m) {
			t.Errorf("round %d: its key and its credentials are not of one another, %v", round, err)
		}
	}
	if all, err := w.store.Revoked(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("shut out: %v, %v", all, err)
	}
}

// TestACopiedCardGetsAKeyOfItsOwn: an image that was made of one machine for another.
func TestACopiedCardGetsAKeyOfItsOwn(t *testing.T) {
	w := opened(t, made(t))
	first, copied := card(t, "K1"), card(t, "K2")
	if _, err := first.Enrol(t.Context(), w.hub, w.code(store.Enrolment{Kiosk: "K1"})); err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(first.Identity)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied.Identity, image, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := copied.Enrol(t.Context(), w.hub, w.code(store.Enrolment{Kiosk: "K2"})); err != nil {
		t.Fatal(err)
	}
	if key(t, first) == key(t, copied) {
		t.Error("two machines have one key")
	}
}

// TestWrongCodesAreBounded: by the address that they come from, and they cost nobody else anything.
func TestWrongCodesAreBounded(t *testing.T) {
	w := opened(t, made(t))
	m := card(t, "K1")
	code := w.code(store.Enrolment{Kiosk: "K1"})
	try := func(text string) string {
		if _, err := m.Enrol(t.Context(), w.hub, text); err != nil {
			return err.Error()
		}
		return ""
	}
	for n := range wrongMax {
		if got := try(fmt.Sprintf("0000-0000-0000-%04d", n)); !strings.Contains(got, "does not know this code") {
			t.Fatalf("wrong code %d: %s", n, got)
		}
	}
	if got := try(code); !strings.Contains(got, "too many wrong codes") {
		t.Errorf("the right one after %d wrong ones: %s", wrongMax, got)
	}
	w.mu.Lock()
	w.from = netip.MustParseAddr("2001:db8::1")
	w.mu.Unlock()
	if got := try(code); got != "" {
		t.Errorf("from elsewhere: %s", got)
	}
	w.mu.Lock()
	w.from = netip.MustParseAddr("192.0.2.1")
	w.mu.Unlock()
	again := w.code(store.Enrolment{Kiosk: "K1"})
	if got := try(again); !strings.Contains(got, "too many wrong codes") {
		t.Errorf("the first address meanwhile: %s", got)
	}
	w.later(wrongPause)
	if got := try(again); got != "" {
		t.Errorf("after a pause: %s", got)
	}
}

func TestWhoIsWrongIsForgottenBeforeItIsTooMany(t *testing.T) {
	now := time.Now()
	w := newWrong(func() time.Time { return now })
	network := func(n int) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 1, byte(n >> 16), byte(n >> 8), byte(n), 15: 1})
	}
	for n := range wrongFrom + 500 {
		w.note(network(n))
	}
	if len(w.by) > wrongFrom {
		t.Errorf("%d addresses are remembered", len(w.by))
	}
	for range wrongMax {
		w.note(netip.MustParseAddr("2001:db8::1"))
	}
	if w.may(netip.MustParseAddr("2001:db8::ffff")) || !w.may(netip.MustParseAddr("2001:db8:0:1::1")) {
		t.Error("an IPv6 network is not counted as one")
	}
	if w.note(netip.Addr{}); !w.may(netip.Addr{}) {
		t.Error("nobody's address")
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	w := opened(t, made(t))
	for name, c := range map[string]struct {
		method, body string
		want         int
	}{
		"GET": {http.MethodGet, "", 405}, "nothing": {http.MethodPost, "", 400}, "no JSON": {http.MethodPost, "x", 400},
		"no key": {http.MethodPost, `{"code":"7HK2-M0QX-9PDA-C4TB"}`, 400},
		"huge":   {http.MethodPost, strings.Repeat(" ", enrol.RequestMax+1), 400},
		"a seed": {http.MethodPost, `{"code":"7HK2-M0QX-9PDA-C4TB","key":"SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXI` +
			`EDNPPQYYYCU3VY"}`, 400},
	} {
		out := httptest.NewRecorder()
		w.desk.ServeHTTP(out, httptest.NewRequest(c.method, enrol.Path, strings.NewReader(c.body)))
		if out.Code != c.want {
			t.Errorf("%s: %d %s", name, out.Code, out.Body)
		}
	}
	for _, bad := range []store.Enrolment{{Kiosk: ""}, {Kiosk: "a.b"}, {Kiosk: "hub-1"}, {Kiosk: "K1", Group: "a.b"},
		{Kiosk: "K1", Name: strings.Repeat("x", 101)}} {
		if _, _, err := NewCode(t.Context(), w.store, bad, time.Now()); err == nil {
			t.Errorf("a code for %+v", bad)
		}
	}
}

// TestFromACodeToTheServersAndOut is the whole way, with real servers: enrolled, connected, enrolled again, revoked.
func TestFromACodeToTheServersAndOut(t *testing.T) {
	f := broker.Cluster(t, 3)
	w := opened(t, f.Trust)
	credentials, err := f.Trust.Credentials(grants.System, "system-1")
	if err != nil {
		t.Fatal(err)
	}
	keeper := NewKeeper(w.store, f.Trust, func() (*grants.Servers, error) {
		return grants.Dial(f.URLs(), "system-1", f.Options("system-1", credentials)...)
	}, zerolog.New(zerolog.NewTestWriter(t)))
	w.desk.Shut = keeper.Kick
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { keeper.Run(ctx) })
	defer wait.Wait()
	defer stop()

	m := card(t, "K1")
	enrolled := func() {
		t.Helper()
		if _, err := m.Enrol(t.Context(), w.hub, w.code(store.Enrolment{Kiosk: "K1"})); err != nil {
			t.Fatal(err)
		}
	}
	enrolled()
	old, gone := connect(t, f, m)
	if err := old.Publish(protocol.Status("K1"), nil); err != nil {
		t.Fatal(err)
	}
	before := m
	before.Identity, before.Credentials = keptAside(t, m.Identity), keptAside(t, m.Credentials)

	enrolled() // a new key: the old one is out, without anybody's doing
	out(t, gone, f, before)
	if _, _, err := tryConnect(f, m); err != nil {
		t.Errorf("the new key: %v", err)
	}

	nc, gone := connect(t, f, m)
	defer nc.Close()
	if known, err := w.store.Revoke(t.Context(), "K1", "anna", time.Now()); err != nil || !known {
		t.Fatal(known, err)
	}
	if n, err := keeper.Tell(t.Context()); err != nil || n != 3 {
		t.Fatalf("%d servers, %v", n, err)
	}
	out(t, gone, f, m)
	if n, err := keeper.Keep(t.Context()); err != nil || n != 0 {
		t.Errorf("nothing changed, and %d servers were told, %v", n, err)
	}
	enrolled() // by mistake: a machine that was shut out comes back with a code
	nc2, _ := connect(t, f, m)
	nc2.Close()
}

func keptAside(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	aside := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(aside, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return aside
}

func tryConnect(f *broker.Fleet, m enrol.Machine) (*nats.Conn, <-chan struct{}, error) {
	id, err := identity.Load(m.Identity)
	if err != nil {
		return nil, nil, err
	}
	content, err := os.ReadFile(m.Credentials)
	if err != nil {
		return nil, nil, err
	}
	gone := make(chan struct{})
	seed := "-----BEGIN USER NKEY SEED-----\n" + id.FleetSeed.Reveal() + "\n------END USER NKEY SEED------\n"
	nc, err := nats.Connect(f.URLs(), append(f.Options("K1", append(content, seed...)), nats.NoReconnect(),
		nats.ClosedHandler(func(*nats.Conn) { close(gone) }))...)
	return nc, gone, err
}

func connect(t *testing.T, f *broker.Fleet, m enrol.Machine) (*nats.Conn, <-chan struct{}) {
	t.Helper()
	nc, gone, err := tryConnect(f, m)
	if err != nil {
		t.Fatal(err)
	}
	return nc, gone
}

// out waits until a connection has ended, and finds that it cannot be made again.
func out(t *testing.T, gone <-chan struct{}, f *broker.Fleet, m enrol.Machine) {
	t.Helper()
	select {
	case <-gone:
	case <-time.After(time.Minute): // how soon, within seconds, is of the machine
		t.Error("a machine that is shut out stays connected")
	}
	if nc, _, err := tryConnect(f, m); !errors.Is(err, nats.ErrAuthorization) {
		nc.Close()
		t.Errorf("a machine that is shut out comes back: %v", err)
	}
}
