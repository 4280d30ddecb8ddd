package main

import (
	"context"
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

// TestACommandOfTheCommandLineActsOnce at a kiosk that checks who signed it, and is refused to who may not.
func TestACommandOfTheCommandLineActsOnce(t *testing.T) {
	server := broker.Plain(t)
	config := emptyHub(t, "[desk]\nusers = 'users.json'\n")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`nats://[^']*`).ReplaceAll(text, []byte("nats://"+server.Address))
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(config)
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
	seedFile := filepath.Join(dir, "authority.nk")
	if err := os.WriteFile(seedFile, append(seed, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	public, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("nats://"+server.Address, nats.CustomInboxPrefix(protocol.Inbox("K1")))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	o := &obedient{done: map[string]protocol.Command{}}
	began := time.Now()
	kiosk := orders.New(orders.Config{ID: "K1", Desk: public, Now: func() time.Duration { return time.Since(began) },
		Wall: time.Now, Synced: func() bool { return true }, Obey: o.obey, Log: zerolog.Nop()})
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- kiosk.Serve(ctx, nc) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	do := func(password string, args ...string) (string, error) {
		t.Helper()
		c := kioskhub(t, append([]string{"do", "--config", config, "--authority", seedFile}, args...)...)
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
	if got := o.acts(); got != "olle operate out_of_service" {
		t.Errorf("it did %s", got)
	}
	if err := os.Chmod(seedFile, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := do(deskPassword, "K1", "back", "--reason", "over", "--as", "olle"); err == nil ||
		!strings.Contains(out, "chmod 600") {
		t.Errorf("a key that everybody may read: %s, %v", out, err)
	}
}
