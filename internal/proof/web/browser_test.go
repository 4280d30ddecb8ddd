package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

const (
	chromium = "/usr/bin/chromium"
	patience = time.Minute // for a fact that must come
	root     = "../../.."
)

// shared is what all tests use: it is made by the first that needs it, and ends with the last.
var shared struct {
	sync.Mutex
	dir      string          // of the built programs
	chromium context.Context // Chromium itself
	ends     []func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range slices.Backward(shared.ends) {
		end()
	}
	os.Exit(code)
}

// programs builds the programs, once, with nats-server beside them.
func programs(t *testing.T) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.dir != "" {
		return shared.dir
	}
	dir, err := os.MkdirTemp("", "kioskd-web-")
	if err != nil {
		t.Fatal(err)
	}
	shared.ends = append(shared.ends, func() { _ = os.RemoveAll(dir) })
	for in, what := range map[string]string{root: "./cmd/...", root + "/tools": "github.com/nats-io/nats-server/v2"} {
		c := exec.Command("go", "build", "-o", dir+"/", what)
		c.Dir = in
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	shared.dir = dir
	return dir
}

// process is a program that ends with the test. Its output is told when the test fails.
type process struct {
	cmd   *exec.Cmd
	lines chan string
	ended chan struct{}
}

func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), lines: make(chan string, 10000), ended: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+programs(t)) // what it leaves when it is killed goes with the programs
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var all bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(out); s.Scan(); {
			fmt.Fprintln(&all, s.Text())
			select {
			case p.lines <- s.Text():
			default:
			}
		}
	}()
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		<-read
		if t.Failed() {
			t.Logf("%s said:\n%.4000s", filepath.Base(name), all.String())
		}
	})
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// said waits for a line that a pattern finds, and gives its first group.
func (p *process) said(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		select {
		case l := <-p.lines:
			if m := re.FindStringSubmatch(l); m != nil {
				return m[len(m)-1]
			}
		case <-p.ended:
			t.Fatalf("it ended before it said %s", pattern)
		case <-late:
			t.Fatalf("it never said %s", pattern)
		}
	}
}

// theChromium starts Chromium, once.
func theChromium(t *testing.T) context.Context {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.chromium != nil {
		return shared.chromium
	}
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("%v: make web installs it", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(ctx)
	if err := chromedp.Run(ctx); err != nil { // which starts it, for as long as ctx
		t.Fatal(err)
	}
	shared.ends = append(shared.ends, stop, func() { _ = chromedp.Cancel(ctx) }) // waits for its end
	shared.chromium = ctx
	return ctx
}

// browser is an empty page of a size, in a profile of its own that shares nothing with another's.
func browser(t *testing.T, width, height int64) context.Context {
	t.Helper()
	all := theChromium(t)
	of := cdp.WithExecutor(all, chromedp.FromContext(all).Browser)
	profile, err := target.CreateBrowserContext().Do(of)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = target.DisposeBrowserContext(profile).Do(of) })
	// a window of its own: a new profile has none that a tab could be in
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(profile).WithNewWindow(true).Do(of)
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := chromedp.NewContext(all, chromedp.WithTargetID(id))
	chromedp.FromContext(ctx).BrowserContextID = profile // of further tabs of it
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	complaints := make(chan string, 100)
	chromedp.ListenTarget(ctx, func(ev any) {
		var what string
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			what = e.ExceptionDetails.Error()
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError {
				what = fmt.Sprint(e.Args)
			}
		case *log.EventEntryAdded:
			if e.Entry.Source == log.SourceSecurity || strings.Contains(e.Entry.Text, "Content Security Policy") {
				what = e.Entry.Text
			}
		}
		if what != "" {
			select {
			case complaints <- what:
			default: // there are enough
			}
		}
	})
	if err := chromedp.Run(ctx, // which makes it, for as long as ctx
		emulation.SetFocusEmulationEnabled(true), // each test's page is the one that is looked at
		emulation.SetDeviceMetricsOverride(width, height, 1, width < 600)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for len(complaints) > 0 {
			t.Errorf("the page's script complains: %s", <-complaints)
		}
	})
	return ctx
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Run(within, actions...); err != nil {
		t.Fatal(err)
	}
}

// until waits for a JavaScript expression to be true.
func until(t *testing.T, ctx context.Context, what, expression string) {
	t.Helper()
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	poll := chromedp.Poll(expression, nil, chromedp.WithPollingInterval(50*time.Millisecond),
		chromedp.WithPollingTimeout(patience))
	err := chromedp.Run(within, poll)
	for err != nil && within.Err() == nil && (strings.Contains(err.Error(), "Cannot find context") ||
		strings.Contains(err.Error(), "target navigated")) { // the page went to another one meanwhile
		err = chromedp.Run(within, poll)
	}
	if err != nil {
		var text string
		_ = chromedp.Run(ctx, chromedp.Evaluate("document.body.innerText", &text))
		t.Fatalf("%s: never (%s): %v\nthe page says:\n%.3000s", what, expression, err, text)
	}
}

// shot keeps a picture of the page in bin/screenshots, for people to look at.
func shot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	var b []byte
	do(t, ctx, chromedp.FullScreenshot(&b, 100))
	dir := filepath.Join(root, "bin", "screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// dark shows the page as on a dark desktop, or a light one.
func dark(on bool) chromedp.Action {
	value := "light"
	if on {
		value = "dark"
	}
	return emulation.SetEmulatedMedia().
		WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}})
}

// free is an address below the ports that the kernel gives to connections, so that no connection takes it before the
// program that is to listen there.
func free(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// ask is GET, or POST with a body, and gives the answer's JSON.
func ask(t *testing.T, address, body string) map[string]any {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	_ = json.Unmarshal(b, &answer) // not everything is an object
	return answer
}

// list is GET of a JSON array of objects.
func list(t *testing.T, address string) (all []map[string]any) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// awaits makes an evaluation wait for a promise.
func awaits(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
