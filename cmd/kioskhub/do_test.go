package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"kioskd/internal/fleet/authority"
	"kioskd/internal/fleet/orders"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/broker"
	"kioskd/internal/proof/port"
)

// obedient is a kiosk's side of commands: it does each once, and answers a repeat with the record.
type obedient struct {
	mu   sync.Mutex
	done map[string]protocol.Command
	by   []string
}

func (o *obedient) obey(_ context.Context, c protocol.Command, p protocol.Person) protocol.Outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.Word == protocol.Refund {
		return protocol.Outcome{ID: c.ID, Refusal: "no_sale", Text: "there is no such sale"}
	}
	if _, twice := o.done[c.ID]; !twice {
		o.done[c.ID] = c
		o.by = append(o.by, p.Name+" "+p.Role+" "+c.Word)
	}
	return protocol.Outcome{ID: c.ID, Done: true}
}

func (o *obedient) acts() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.by, ", ")
}

const deskPassword = "correct horse battery"

// fleetOfOne is a server, a hub's config, and kiosk K1, which checks the commands that come as each kiosk does.
type fleetOfOne struct {
	*obedient
	config, seed string // files
	nc           *nats.Conn
}

func beginFleet(t *testing.T, more string) *fleetOfOne {
	t.Helper()
	server := broker.Plain(t)
	f := &fleetOfOne{obedient: &obedient{done: map[string]protocol.Command{}}}
	f.config = emptyHub(t, more+"[desk]\nusers = 'users.json'\n")
	text, err := os.ReadFile(f.config)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`nats://[^']*`).ReplaceAll(text, []byte("nats://"+server.Address))
	if err := os.WriteFile(f.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(f.config)
	for name, role := range map[string]string{"olle": "operate", "lisa": "look"} {
		c := kioskhub(t, "user", "add", name, "--role", role, "--users", filepath.Join(dir, "users.json"))
		c.Stdin = strings.NewReader(deskPassword + "\n")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s, %v", out, err)
		}
	}
	key, err := authority.Make()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	f.seed = filepath.Join(dir, "authority.nk")
	if err := os.WriteFile(f.seed, append(seed, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	public, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	f.nc, err = nats.Connect("nats://"+server.Address, nats.CustomInboxPrefix(protocol.Inbox("K1")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.nc.Close)
	began := time.Now()
	kiosk := orders.New(orders.Config{ID: "K1", Desk: public, Now: func() time.Duration { return time.Since(began) },
		Wall: time.Now, Synced: func() bool { return true }, Obey: f.obey, Log: zerolog.Nop()})
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- kiosk.Serve(ctx, f.nc) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return f
}

// TestARunningHubGivesCommandsAtItsDesk: the desk's form, the hub's own connection and clock, and the kiosk's checks.
func TestARunningHubGivesCommandsAtItsDesk(t *testing.T) {
	desk, metrics := port.Free(), port.Free()
	f := beginFleet(t, "metrics = '"+metrics+"'\n")
	text, err := os.ReadFile(f.config)
	if err != nil {
		t.Fatal(err)
	}
	text = fmt.Appendf(text, "authority = 'authority.nk'\nlisten = '%s'\npublic_url = 'http://%s'\n"+
		"timezone = 'Europe/Stockholm'\n", desk, desk)
	if err := os.WriteFile(f.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	hub(t, f.config, metrics)
	condition, err := json.Marshal(protocol.Condition{Run: "R1", At: time.Now(), Faults: []protocol.ConditionFault{}})
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	ask := func(path string, form url.Values) string {
		t.Helper()
		var got *http.Response
		var err error
		if form == nil {
			got, err = browser.Get("http://" + desk + path)
		} else {
			got, err = browser.PostForm("http://"+desk+path, form)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		body, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	ask("/sign-in", url.Values{"name": {"olle"}, "password": {deskPassword}})
	var id []string
	until(t, "the machine has a form", func() bool {
		if err := f.nc.Publish(protocol.Status("K1"), condition); err != nil {
			t.Fatal(err)
		}
		id = regexp.MustCompile(`name="id" value="(C[A-Z0-9]+)"`).FindStringSubmatch(ask("/m/1/do/out_of_service", nil))
		return id != nil
	})
	got := ask("/m/1/do/out_of_service", url.Values{"id": id[1:], "reason": {"recall"}, "password": {deskPassword}})
	if !strings.Contains(got, ">done<") || f.acts() != "olle operate out_of_service" {
		t.Errorf("it did %q: %s", f.acts(), got)
	}
}

// TestACommandOfTheCommandLineActsOnce at a kiosk that checks who signed it, and is refused to who may not.
func TestACommandOfTheCommandLineActsOnce(t *testing.T) {
	f := beginFleet(t, "")
	do := func(password string, args ...string) (string, error) {
		t.Helper()
		c := kioskhub(t, append([]string{"do", "--config", f.config, "--authority", f.seed}, args...)...)
		c.Stdin = strings.NewReader(password + "\n")
		out, err := c.CombinedOutput()
		if strings.Contains(string(out), password) {
			t.Errorf("%q says the password: %s", args, out)
		}
		return string(out), err
	}
	var id string
	until(t, "the kiosk listens", func() bool {
		out, err := do(deskPassword, "K1", "out_of_service", "--reason", "recall", "--as", "olle")
		_, id, _ = strings.Cut(out, "command ")
		id, _, _ = strings.Cut(id, ":")
		return err == nil
	})
	out, err := do(deskPassword, "K1", "out_of_service", "--reason", "recall", "--as", "olle", "--id", id)
	if err != nil || !strings.Contains(out, id) {
		t.Errorf("the repeat: %s, %v", out, err)
	}
	for _, c := range []struct{ password, args, says string }{
		{"wrong horse battery", "K1 back --reason over --as olle", "is wrong"},
		{deskPassword, "K1 back --reason over --as nobody", "is wrong"},
		{deskPassword, "K1 back --reason over --as lisa", "lisa is look"},
		{deskPassword, "K1 back --as olle", "says why"},
		{deskPassword, "K1 dance --reason over --as olle", "is no command"},
		{deskPassword, "K1 back --reason over --as olle --id " + id, "was another command"},
		{deskPassword, "K1 back --reason over --as olle --id Cnone", "no such command"},
		{deskPassword, "K1 resolve --sale S1 --decision charge --by-hand --reason paid --as olle", "olle is operate"},
		{deskPassword, "K1 refund --sale S1 --amount 5.00 --reason warm --as olle", "is refused (no_sale): there"},
		{deskPassword, "K2 back --reason over --as olle", "Give the same with --id C"},
	} {
		if out, err := do(c.password, strings.Fields(c.args)...); err == nil || !strings.Contains(out, c.says) {
			t.Errorf("%s: %s, %v", c.args, out, err)
		}
	}
	if got := f.acts(); got != "olle operate out_of_service" {
		t.Errorf("it did %s", got)
	}
	if err := os.Chmod(f.seed, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := do(deskPassword, "K1", "back", "--reason", "over", "--as", "olle"); err == nil ||
		!strings.Contains(out, "chmod 600") {
		t.Errorf("a key that everybody may read: %s, %v", out, err)
	}
}
