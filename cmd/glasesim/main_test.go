package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain makes the test's own binary play the command, so that exit codes and signals are the real ones.
func TestMain(m *testing.M) {
	if os.Getenv("GLASESIM_AS_COMMAND") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

func glasesim(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), "GLASESIM_AS_COMMAND=1")
	return c
}

// started runs glasesim until it says where it listens.
func started(t *testing.T, args ...string) (c *exec.Cmd, base, greeting string) {
	t.Helper()
	c = glasesim(t, args...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
		greeting += lines.Text() + "\n"
		if _, at, ok := strings.Cut(lines.Text(), "  phone   "); ok {
			base = strings.TrimSuffix(at, "/")
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if base == "" {
		t.Fatalf("it did not say where it is:\n%s", greeting)
	}
	return c, base, greeting
}

func post(t *testing.T, url, body string) map[string]any {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var said map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
		t.Fatal(err)
	}
	return said
}

func TestAScanReachesTheKioskThatUPSNames(t *testing.T) {
	kiosk := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"errorCode": "DEVICE_IN_USE"}`) }))
	defer kiosk.Close()
	_, base, greeting := started(t, "--listen", "127.0.0.1:0", "--ups", "1=http://127.0.0.1:1/createPurchase", "--ups",
		"77="+kiosk.URL+"/seqr/createPurchase", "--seed", "3")
	if said := post(t, base+"/phone/scan",
		`{"qr": "HTTP://SEQR.SE/000/ups?w=a&t=77"}`); said["errorCode"] != "DEVICE_IN_USE" {
		t.Errorf("%v", said)
	}
	if !strings.Contains(greeting, `curl -d '{"qr": "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=1"}' `+base+
		"/phone/scan") || strings.Contains(greeting, "Others") {
		t.Errorf("%s", greeting)
	}
}

func TestTheFrontThatIsAskedForLetsAConnectionDie(t *testing.T) {
	_, base, _ := started(t, "--listen", "127.0.0.1:0", "--quiet")
	post(t, base+"/faults", `{"front": {"kind": "reset"}}`)
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	ask := func() error {
		resp, err := client.Post(base+"/soap/merchant/cashregister-2", "text/xml", strings.NewReader(
			`<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x:cancelInvoice xmlns:x="http://external.interfaces.ers.seamless.com/"/></e:Body></e:Envelope>`))
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return errors.Join(err, resp.Body.Close())
	}
	if err := ask(); err != nil {
		t.Error(err)
	}
	if err := ask(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the second call on the connection: %v", err)
	}
	if err := ask(); err != nil {
		t.Errorf("a new connection: %v", err)
	}
}

func TestSignalsEndItCleanly(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		c, base, _ := started(t, "--listen", "127.0.0.1:0")
		post(t, base+"/faults",
			`{"rules": [{"operation": "cancelInvoice", "fault": "latency", "delay": "5m", "count": 1}]}`)
		slow := make(chan error, 1)
		go func() {
			resp, err := http.Post(base+"/soap/merchant/cashregister-2", "text/xml", strings.NewReader(
				`<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x:cancelInvoice xmlns:x="http://external.interfaces.ers.seamless.com/"/></e:Body></e:Envelope>`))
			if err == nil {
				_ = resp.Body.Close()
			}
			slow <- err
		}()
		for underWay := false; !underWay; { // the rule is used up when the request has begun
			resp, err := http.Get(base + "/faults")
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			underWay = strings.Contains(string(body), `"rules":[]`)
		}
		start := time.Now()
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil || time.Since(start) > 2*stopPatience {
			t.Errorf("%v: %v after %v", signal, err, time.Since(start))
		}
		if err := <-slow; err == nil {
			t.Errorf("%v: a request of five minutes was answered", signal)
		}
	}
}

func TestWhatCannotWorkIsSaidAndExitsWith1(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, k := range []struct {
		args []string
		want string
	}{
		{[]string{"--listen", taken.Addr().String()}, "the port is in use"},
		{[]string{"--listen", "nonsense"}, "--listen nonsense"},
		{[]string{"--ups", "123456"}, "write it like"},
		{[]string{"--ups", "123456=ftp://127.0.0.1/createPurchase"}, "no http URL"},
		{[]string{"--ups", "123456=http://127.0.0.1/seqr"}, "must end in /createPurchase"},
		{[]string{"--ups", "1=http://a/createPurchase", "--ups", "1=http://b/createPurchase"}, "twice"},
		{[]string{"--listn", "x"}, "unknown flag"},
		{[]string{"serve"}, "unknown command"},
	} {
		c := glasesim(t, k.args...)
		var stderr bytes.Buffer
		c.Stderr = &stderr
		err := c.Run()
		if c.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), k.want) ||
			strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: %v, %s", k.args, err, stderr.String())
		}
	}
}

func TestHelpTeachesWithExamples(t *testing.T) {
	out, err := glasesim(t, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Examples:", "/phone/scan", "--ups TOKEN=URL", "public_test_shop_terminal",
		"127.0.0.1:9090", "/faults", "--strict"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the help lacks %q", want)
		}
	}
}

func TestItSaysWhenOthersCanReachIt(t *testing.T) {
	_, base, greeting := started(t, "--listen", ":0", "--quiet")
	if !strings.Contains(greeting, "Others on the network can reach it") ||
		!strings.HasPrefix(base, "http://127.0.0.1:") {
		t.Errorf("%s", greeting)
	}
}
