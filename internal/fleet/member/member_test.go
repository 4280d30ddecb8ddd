package member

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/fsm"
	"kioskd/internal/chain"
	"kioskd/internal/config"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/kiosk"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
	"kioskd/internal/reason"
)

// machine remembers its faults.
type machine struct {
	mu     sync.Mutex
	faults map[reason.Why]fsm.Fault
}

func (m *machine) Follow(context.Context) <-chan kiosk.Update { return nil }

func (m *machine) Raise(f fsm.Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults[f.Name] = f
}

func (m *machine) Clear(name reason.Why) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.faults, name)
}

func (m *machine) fault(name reason.Why) (fsm.Fault, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, is := m.faults[name]
	return f, is
}

// none is a journal without an entry.
type none struct{}

func (none) Copies(context.Context, int64, int) ([]chain.Entry, error) { return nil, nil }

func (none) Span(context.Context) (first, last int64, err error) { return 0, 0, nil }

func join(t *testing.T, server string, m *machine, change func(*Config)) *Member {
	t.Helper()
	c := Config{Kiosk: m, Journal: none{}, Version: "test", Random: rand.Reader, Wall: time.Now,
		Doubts: func(context.Context) (int, error) { return 0, nil }, Synced: func() bool { return true },
		Now: func() time.Duration { return 0 }}
	c.Machine.Machine.Token, c.Machine.Fleet.Servers = "A1", []string{server}
	change(&c)
	member, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		member.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return member
}

// TestACloneGoesOutOfService: and comes back when a person has mended it, unless the card itself says that it is one.
func TestACloneGoesOutOfService(t *testing.T) {
	s := broker.Plain(t)
	url := "nats://" + s.Address
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, copied := range []bool{false, true} {
		m := &machine{faults: map[reason.Why]fsm.Fault{}}
		member := join(t, url, m, func(c *Config) { c.Copied = copied })
		await.Until(t, "the fault", func() bool {
			nc.Publish(protocol.Have("A1"), []byte(`{"seq":0,"fork":true}`))
			f, is := m.fault(reason.ClonedCard)
			return is && f.Hard
		})
		if p := member.Parts(t.Context()); len(p) != 1 || p[0].OK || !strings.Contains(p[0].What, "another journal") {
			t.Errorf("%+v", p)
		}
		before := member.Fleet(t.Context())
		nc.Publish(protocol.Have("A1"), []byte(`{"seq":0}`))
		await.Until(t, "a good word", func() bool {
			f := member.Fleet(t.Context())
			return before.Waiting == nil && f.Waiting != nil && *f.Waiting == 0
		})
		await.Until(t, "what is left of the fault", func() bool {
			_, is := m.fault(reason.ClonedCard)
			return is == copied
		})
	}
}

func TestATechnicianReadsHowTheFleetIs(t *testing.T) {
	s := broker.Plain(t)
	m := &machine{faults: map[reason.Why]fsm.Fault{}}
	member := join(t, "nats://"+s.Address, m, func(*Config) {})
	part := func() string {
		p := member.Parts(t.Context())
		return p[0].What + " / " + p[0].Do
	}
	await.Until(t, "a connection", func() bool { return member.Fleet(t.Context()).Connected })
	if got := part(); !strings.Contains(got, "connected to nats://"+s.Address) ||
		!strings.Contains(got, "not known yet") {
		t.Error(got)
	}
	s.Kill()
	await.Until(t, "its end", func() bool { return !member.Fleet(t.Context()).Connected })
	if got := part(); !strings.Contains(got, "not connected: ") || !strings.Contains(got, "sells all the same") {
		t.Error(got)
	}
	member = join(t, "nats://"+s.Address, m, func(c *Config) { c.Journal = nil })
	if got := part(); !strings.Contains(got, "the journal cannot be used") {
		t.Error(got)
	}
	if had := member.Had(); had != 0 {
		t.Errorf("without a word of the operator %d entries may go", had)
	}
}

func TestTheFilesOfAFleetAreLookedAt(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var cfg config.Config
	if p := Check(cfg, nil); p != nil {
		t.Errorf("a machine alone: %v", p)
	}
	cfg.Fleet = config.Fleet{Servers: []string{"tls://a:1"}, Credentials: file("creds", "hello"), CA: file("ca", "x")}
	p := Check(cfg, nil)
	if len(p) != 2 || p[0].Key != "fleet.credentials" || p[1].Key != "fleet.ca" ||
		!strings.Contains(p[0].Message, "no credentials") || !strings.Contains(p[1].Message, "no certificate") {
		t.Errorf("%v", p)
	}
	cfg.Fleet.Credentials, cfg.Fleet.CA = "", filepath.Join(dir, "nothing")
	if p := Check(cfg, nil); len(p) != 1 || p[0].Key != "fleet.ca" {
		t.Errorf("%v", p)
	}
}

// TestAnOlderCopyIsToldWhatItLacks: the operator has more of this journal than the machine.
func TestAnOlderCopyIsToldWhatItLacks(t *testing.T) {
	s := broker.Plain(t)
	url := "nats://" + s.Address
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	m := &machine{faults: map[reason.Why]fsm.Fault{}}
	member := join(t, url, m, func(*Config) {})
	await.Until(t, "the fault", func() bool {
		nc.Publish(protocol.Have("A1"), []byte(`{"seq":7,"hash":"`+strings.Repeat("0", 64)+`"}`))
		f, is := m.fault(reason.ClonedCard)
		return is && f.Hard && strings.Contains(f.Note, "7 entries that this journal has not")
	})
	if p := member.Parts(t.Context()); len(p) != 1 || p[0].OK || !strings.Contains(p[0].What, "an older copy") ||
		!strings.Contains(p[0].Do, "kioskhub entries") {
		t.Errorf("%+v", p)
	}
}
