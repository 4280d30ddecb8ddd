package main

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/ownca"
	"kioskd/internal/hub/admit"
	"kioskd/internal/hub/store"
)

// desk is an operator's hub with a certificate of its own authority, whose file it gives.
func desk(t *testing.T, dir string) (s *store.Store, at, ca string) {
	t.Helper()
	now := time.Now()
	trust, err := grants.Make("a fleet")
	if err != nil {
		t.Fatal(err)
	}
	root, err := ownca.Make("a fleet", now)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := root.Server([]string{"127.0.0.1"}, false, now)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	ca = filepath.Join(dir, "brought-ca.crt")
	if err := os.WriteFile(ca, root.Cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open("sqlite://" + filepath.Join(dir, "hub.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &admit.Desk{Store: s, Trust: trust, Servers: []string{"tls://127.0.0.1:4222"}, CA: root.Cert, Now: time.Now,
		Caller: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") }, Log: zerolog.Nop()}
	if err := d.Open(); err != nil {
		t.Fatal(err)
	}
	door := httptest.NewUnstartedServer(d)
	door.Config.ErrorLog = log.New(io.Discard, "", 0)
	door.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	door.StartTLS()
	t.Cleanup(door.Close)
	return s, door.URL, ca
}

// TestAMachineIsEnrolledAndSaysWhatIsLeftToDo: with the program alone, as a technician would.
func TestAMachineIsEnrolledAndSaysWhatIsLeftToDo(t *testing.T) {
	r := newRig(t)
	s, at, ca := desk(t, r.dir)
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\ntoken = \"")
	id, _, found := strings.Cut(rest, `"`)
	if !found {
		t.Fatal("the example has no token")
	}
	code, _, err := admit.NewCode(t.Context(), s, store.Enrolment{Kiosk: id}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no address":        {[]string{code}, "at"},
		"no authority":      {[]string{"--at", at, code}, "--ca"},
		"no such file":      {[]string{"--at", at, "--ca", r.dir + "/none", code}, "no such file"},
		"not an authority":  {[]string{"--at", at, "--ca", r.config, code}, "ca.crt"},
		"half a code":       {[]string{"--at", at, "--ca", ca, "7HK2-M0QX"}, "four groups"},
		"a code of nobody":  {[]string{"--at", at, "--ca", ca, "0000-0000-0000-0000"}, "does not know this code"},
		"nobody is there":   {[]string{"--at", "https://127.0.0.1:1", "--ca", ca, code}, "cannot be reached"},
		"no hub's address":  {[]string{"--at", "127.0.0.1", "--ca", ca, code}, "https://hub.example.com"},
		"nothing but words": {[]string{"--at", at, "--ca", ca}, "arg"},
	} {
		if _, e, exit := kioskd(t, append([]string{"enroll", "--config", r.config}, c.args...)...); exit == 0 ||
			!strings.Contains(e, c.want) {
			t.Errorf("%s: exit %d, %q; want %q", name, exit, e, c.want)
		}
	}
	out, e, exit := kioskd(t, "enroll", "--config", r.config, "--at", at, "--ca", ca, code)
	if exit != 0 || !strings.Contains(out, "systemctl restart kioskd") {
		t.Fatalf("exit %d: %q, %q", exit, out, e)
	}
	credentials := filepath.Join(r.dir, "fleet.creds")
	if info, err := os.Stat(credentials); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	// what it prints is what the config needs
	section := out[strings.Index(out, "[fleet]"):strings.Index(out, "Then start")]
	own := strings.Replace(string(text), "\n[fleet]\n", "\n"+section, 1)
	if own == string(text) {
		own += "\n" + section
	}
	if err := os.WriteFile(r.config, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, e, exit := kioskd(t, "check", "--config", r.config); exit != 0 {
		t.Errorf("the section does not fit: %s%s\n%s", out, e, section)
	}
	// again, with the authority that was kept, and nothing is left to write
	if code, _, err = admit.NewCode(t.Context(), s, store.Enrolment{Kiosk: id}, time.Now()); err != nil {
		t.Fatal(err)
	}
	out, e, exit = kioskd(t, "enroll", "--config", r.config, "--at", at, code)
	if exit != 0 || strings.Contains(out, "[fleet]") {
		t.Errorf("exit %d: %q, %q", exit, out, e)
	}
	if code, _, err = admit.NewCode(t.Context(), s, store.Enrolment{Kiosk: id}, time.Now()); err != nil {
		t.Fatal(err)
	}
	out, e, exit = kioskd(t, "enroll", "--json", "--config", r.config, "--at", at, code)
	var facts map[string]string
	if err := json.Unmarshal([]byte(out), &facts); err != nil || exit != 0 || facts["id"] != id ||
		facts["credentials"] != credentials {
		t.Errorf("exit %d: %q, %q, %v", exit, out, e, err)
	}
	identity, err := os.ReadFile(filepath.Join(r.dir, "identity.json"))
	if err != nil {
		t.Fatal(err)
	}
	var kept map[string]string
	if err := json.Unmarshal(identity, &kept); err != nil || kept["fleet_seed"] == "" || kept["fleet_next"] != "" {
		t.Errorf("%d bytes of identity, %v", len(identity), err)
	}
	for _, said := range []string{out, e} {
		if strings.Contains(said, kept["fleet_seed"]) {
			t.Error("the key is printed")
		}
	}
}
