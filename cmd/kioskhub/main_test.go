package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kioskd/internal/fleet"
	"kioskd/internal/fleet/grants"
	"kioskd/internal/proof/broker"
	"kioskd/internal/proof/port"
	"kioskd/internal/proof/till"
)

// TestMain makes the test's own binary play the command, so that exit codes and signals are the real ones.
func TestMain(m *testing.M) {
	if os.Getenv("KIOSKHUB_AS_COMMAND") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

func kioskhub(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), "KIOSKHUB_AS_COMMAND=1")
	return c
}

// says runs it to its end.
func says(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := kioskhub(t, args...).CombinedOutput()
	return string(out), err
}

// hub starts one, and waits until it is well.
func hub(t *testing.T, config, metrics string) *exec.Cmd {
	t.Helper()
	c := kioskhub(t, "run", "--config", config)
	var log bytes.Buffer
	c.Stderr = &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	until(t, "the hub is well", func() bool {
		r, err := http.Get("http://" + metrics + "/healthz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		io.Copy(io.Discard, r.Body)
		return r.StatusCode == http.StatusOK
	})
	return c
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// TestAHubCollectsWithWhatItIsGrantedAndIsReplacedWhenItIsKilled: real servers with TLS and rights, real processes.
func TestAHubCollectsWithWhatItIsGrantedAndIsReplacedWhenItIsKilled(t *testing.T) {
	f := broker.Cluster(t, 3)
	dir := t.TempDir()
	credentials, err := f.Trust.Credentials(grants.Hub, "hub-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "hub.creds"), credentials, 0o600); err != nil {
		t.Fatal(err)
	}
	config := func(name string) (file, metrics string) {
		file, metrics = filepath.Join(dir, name), port.Free()
		text := fmt.Sprintf("database = 'sqlite://%s/hub.db'\nservers = ['%s']\ncredentials = 'hub.creds'\nca = '%s'\n"+
			"metrics = '%s'\nreplicas = 3\n", dir, strings.ReplaceAll(f.URLs(), ",", "','"), f.CA, metrics)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file, metrics
	}
	one, metrics1 := config("one.toml")
	two, metrics2 := config("two.toml")
	desk := withDesk(t, two, dir)

	if out, err := says(t, "check", "--config", one); err == nil || !strings.Contains(out, "kioskhub migrate") {
		t.Fatalf("an empty database is right: %s, %v", out, err)
	}
	if out, err := says(t, "run", "--config", one); err == nil || !strings.Contains(out, "kioskhub migrate") {
		t.Fatalf("it runs on an empty database: %s, %v", out, err)
	}
	for _, want := range []string{"had version 0", "already"} {
		if out, err := says(t, "migrate", "--config", one); err != nil || !strings.Contains(out, want) {
			t.Fatalf("%s, %v", out, err)
		}
	}
	if out, err := says(t, "check", "--config", one); err != nil {
		t.Fatal(out, err)
	}

	m := till.New(t, filepath.Join(t.TempDir(), "journal.db"))
	nc, err := f.Connect(grants.Kiosk, "K1")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	o := fleet.NewOutbox(fleet.OutboxConfig{Kiosk: "K1", Journal: m.Journal,
		Jitter: func(d time.Duration) time.Duration { return d / 2 }})
	ctx, end := context.WithCancel(t.Context())
	defer end()
	go o.Serve(ctx, nc)
	sell := func() {
		m.Sell()
		o.Poke()
	}
	arrived := func() {
		t.Helper()
		_, last, err := m.Journal.Span(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		until(t, "all is held", func() bool { return o.Held() == last })
	}
	first := hub(t, one, metrics1)
	sell()
	arrived()
	sell()
	first.Process.Kill()
	sell()
	second := hub(t, two, metrics2)
	arrived()
	if text := page(t, desk, "/"); !strings.Contains(text, "<form") {
		t.Errorf("the desk shows no form to sign in: %s", text)
	}
	if text := page(t, metrics2, "/metrics"); !strings.Contains(text, `kioskhub_entries_total{fate="written"}`) {
		t.Errorf("the metrics are %s", text)
	}
	second.Process.Signal(syscall.SIGTERM)
	if err := second.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	exported(t, two)
}

// withDesk adds a desk to a config, and gives its address.
func withDesk(t *testing.T, config, dir string) (address string) {
	t.Helper()
	c := kioskhub(t, "user", "add", "anna", "--role", "look", "--users", filepath.Join(dir, "users.json"))
	c.Stdin = strings.NewReader("a long enough word\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s, %v", out, err)
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	address = port.Free()
	text = fmt.Appendf(text, "[desk]\nlisten = '%s'\npublic_url = 'http://%s'\ntimezone = 'Europe/Stockholm'\n"+
		"users = 'users.json'\n", address, address)
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return address
}

func page(t *testing.T, address, path string) string {
	t.Helper()
	r, err := http.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// exported looks at the table of three sales with two products of 15 kronor each, on the day that their machine has.
func exported(t *testing.T, config string) {
	t.Helper()
	for _, c := range []struct {
		args        []string
		lines, cell int
		want        string
	}{
		{nil, 4, 10, "30.00"}, {[]string{"--items"}, 7, 8, "15.00"},
	} {
		out, err := kioskhub(t, append([]string{"sales", "--csv", "--from", "2026-05-01", "--to", "2026-05-01",
			"--config", config}, c.args...)...).Output()
		rows, csvErr := csv.NewReader(bytes.NewReader(out)).ReadAll()
		if err != nil || csvErr != nil || len(rows) != c.lines || rows[1][0] != "K1" || rows[1][c.cell] != c.want {
			t.Errorf("%v: %s, %v, %v", c.args, out, err, csvErr)
		}
	}
	if out, err := says(t, "sales", "--csv", "--from", "x", "--config", config); err == nil ||
		!strings.Contains(out, "2026-11-01") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestEveryCommandSaysWhatItDoes(t *testing.T) {
	out, err := says(t, "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"run", "check", "migrate", "sales", "version"} {
		if !strings.Contains(out, "\n  "+name+" ") {
			t.Errorf("%s is not in the help", name)
		}
		if help, err := says(t, name, "--help"); err != nil || !strings.Contains(help, "--config") {
			t.Errorf("%s: %s, %v", name, help, err)
		}
	}
	if out, err := says(t, "check", "--example"); err != nil || !strings.Contains(out, "database =") {
		t.Error(out, err)
	}
	if out, err := says(t, "check", "--config", "/nowhere"); err == nil || !strings.Contains(out, "check --example") {
		t.Error(out, err)
	}
}
