package handheld

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/config"
)

// machine is one that only says how it stands.
type machine struct {
	Kiosk
	state fsm.State
}

func (m machine) State() fsm.State { return m.state }

func pageOf(listen string, hosts []string, s fsm.State, lent *[]string) *Page {
	cfg := config.Config{}
	cfg.Debug.Listen, cfg.Debug.TLSCert = listen, "debug.crt"
	return New(Config{Machine: cfg, Hosts: hosts, Kiosk: machine{state: s}, Now: func() fsm.Instant { return 1 },
		Secret: func() string { return "C0DE" }, Log: zerolog.Nop(),
		Lend:  func(code string, _ time.Duration) { *lent = append(*lent, code) },
		Doubt: func(context.Context, string) (fsm.Sale, error) { return fsm.Sale{}, errors.New("none") }})
}

// TestTheCodeLeadsWhereAPhoneCanGo: to a name of the certificate, else to the address, and nowhere from a port of this
// machine alone, which says what to configure; the customers' display is left alone then, and for a browser here.
func TestTheCodeLeadsWhereAPhoneCanGo(t *testing.T) {
	for _, c := range []struct {
		listen string
		hosts  []string
		here   bool
		url    string
		shown  int
		err    error
	}{
		{"0.0.0.0:8443", []string{"0.0.0.0", "k7.example.org"}, false, "https://k7.example.org:8443/t/C0DE", 1, nil},
		{"192.0.2.7:8443", []string{"192.0.2.7"}, false, "https://192.0.2.7:8443/t/C0DE", 1, nil},
		{"kiosk-7:8443", []string{"kiosk-7"}, false, "https://kiosk-7:8443/t/C0DE", 1, nil},
		{"127.0.0.1:8081", nil, false, "", 0, ErrAway},
		{"localhost:8081", nil, false, "", 0, ErrAway},
		{"[::1]:8081", nil, false, "", 0, ErrAway},
		{"127.0.0.1:8081", nil, true, "https://127.0.0.1:8081/t/C0DE", 0, nil},
	} {
		var lent []string
		told, err := pageOf(c.listen, c.hosts, fsm.State{}, &lent).Issue(c.here)
		if !errors.Is(err, c.err) || told.URL != c.url || len(lent) != c.shown {
			t.Errorf("%s: %+v, %v, shown %v", c.listen, told, err, lent)
		}
	}
	if !strings.Contains(ErrAway.Error(), "tls_cert") || !strings.Contains(ErrAway.Error(), "token_file") {
		t.Errorf("it does not say what to configure: %v", ErrAway)
	}
}

// TestNoCodeIsShownDuringASale, and none is made.
func TestNoCodeIsShownDuringASale(t *testing.T) {
	var lent []string
	busy := fsm.State{Stage: fsm.Awaiting, Sale: fsm.Sale{ID: "S1"}}
	p := pageOf("192.0.2.7:8443", nil, busy, &lent)
	if _, err := p.Issue(false); !errors.Is(err, ErrSale) {
		t.Errorf("%v", err)
	}
	p.Asked() // the button
	if len(lent) != 0 || p.good("C0DE") {
		t.Errorf("shown: %v", lent)
	}
}

// TestANewCodeEndsTheOneBefore, and a fifth phone the visit of the first.
func TestANewCodeEndsTheOneBefore(t *testing.T) {
	var lent []string
	p := pageOf("192.0.2.7:8443", nil, fsm.State{}, &lent)
	n := 0
	p.cfg.Secret = func() string { n++; return strings.Repeat("x", n) }
	p.cfg.Now = func() fsm.Instant { return fsm.Instant(n) }
	var cookies []string
	for range sessionsMax + 1 {
		old, _ := p.Issue(false)
		told, _ := p.Issue(false)
		if p.good(old.URL[strings.LastIndex(old.URL, "/")+1:]) {
			t.Error("two codes are good")
		}
		cookies = append(cookies, p.enter(told.URL[strings.LastIndex(told.URL, "/")+1:], "anna", false))
	}
	for i, c := range cookies {
		if _, in := p.known(c); in != (i > 0) {
			t.Errorf("visit %d stands: %v", i, in)
		}
	}
}
