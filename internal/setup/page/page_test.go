package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/setup"
)

// stand is the pages as a phone sees them, before a machine that notes what it is told to do.
type stand struct {
	t      testing.TB
	at     string
	phone  *http.Client
	pages  *Pages
	path   string
	mu     sync.Mutex
	code   string
	codes  int
	did    []string
	clock  time.Time
	ended  bool
	glase  string // what Glase's try finds
	refuse error  // why nothing can be rehearsed
}

func newStand(t testing.TB) *stand {
	s := &stand{t: t, path: filepath.Join(t.TempDir(), "kioskd.toml"), clock: time.Unix(1e9, 0), glase: "ok"}
	f, err := setup.Open(setup.Options{Path: s.path, Kinds: drivers.All(), UID: -1, GID: -1,
		Facts: setup.Facts{Timezone: "UTC", Endpoint: "https://glase.example.com/x"}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	s.pages = New(Config{Files: f, Path: s.path, Now: s.now,
		Digits: func(int) string { n++; return fmt.Sprintf("%08d", n) },
		Secret: func() string { n++; return fmt.Sprint("secret", n) },
		Show:   func(code string) { s.code, s.codes = code, s.codes+1 }, End: func() { s.ended = true },
		Acts: s.acts()})
	server := httptest.NewServer(s.pages)
	t.Cleanup(func() { server.Close(); s.pages.Close(); f.Close() })
	s.at = server.URL
	s.phone = s.another()
	return s
}

func (s *stand) now() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.clock }

func (s *stand) another() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func (s *stand) acts() setup.Acts {
	note := func(what string) { s.did = append(s.did, what) }
	return setup.Acts{
		Glase: func(_ context.Context, c config.Config) []setup.Finding {
			note("glase " + c.Glase.TerminalID)
			return []setup.Finding{{State: s.glase, Says: "Glase <answers>", Remedy: "mend it"}}
		},
		Picture: func(_ config.Config, hold <-chan struct{}) error { <-hold; return nil },
		Rehearse: func(context.Context, config.Config, string) (*setup.Rehearsal, error) {
			if s.refuse != nil {
				return nil, s.refuse
			}
			note("at work")
			return &setup.Rehearsal{
				Pins: func(context.Context) ([]setup.Pin, error) {
					return []setup.Pin{{Name: "GPIO27", Role: "A1 drop sensor", Means: "covered"}}, nil
				},
				Vend: func(_ context.Context, slot string) (string, bool, error) {
					note("move " + slot)
					return "delivered", true, nil
				},
				Sale: func(_ context.Context, slot string, tell func(string)) error {
					note("sale " + slot)
					tell("it is paid")
					return nil
				},
				Close: func() error { note("off"); return nil },
			}, nil
		},
		Check: func(string) []setup.Finding { return []setup.Finding{{State: "ok", Says: "checked"}} },
		Doctor: func(context.Context, string) []setup.Finding {
			return []setup.Finding{{State: "warn", Says: "a warning"}}
		},
	}
}

func (s *stand) read(r *http.Response, err error) (string, int) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b), r.StatusCode
}

func (s *stand) get(path string) (string, int) { s.t.Helper(); return s.read(s.phone.Get(s.at + path)) }

func (s *stand) post(path string, pairs ...string) (string, int) {
	s.t.Helper()
	form := url.Values{}
	for n := 0; n < len(pairs); n += 2 {
		form.Set(pairs[n], pairs[n+1])
	}
	return s.read(s.phone.PostForm(s.at+path, form))
}

func (s *stand) later(d time.Duration) { s.mu.Lock(); s.clock = s.clock.Add(d); s.mu.Unlock() }

// TestNobodyGetsInWithoutTheCode that stands beside the machine: it is good once, for a while, and for five tries.
func TestNobodyGetsInWithoutTheCode(t *testing.T) {
	s := newStand(t)
	for _, path := range []string{"/", "/part/machine", "/try/slot.1"} {
		if page, _ := s.get(path); !strings.Contains(page, "The code that the machine shows") {
			t.Errorf("%s shows\n%s", path, page)
		}
	}
	for _, path := range []string{"/part/machine", "/try/slot.1", "/finish", "/sale", "/end"} {
		if page, _ := s.post(path, "machine.name", "X", "do", "move"); !strings.Contains(page, "The code that") {
			t.Errorf("POST %s shows\n%s", path, page)
		}
	}
	if s.ended || len(s.did) > 0 {
		t.Errorf("strangers did %v", s.did)
	}
	first := s.code
	if _, status := s.post("/code", "code", "99999999"); status != 403 {
		t.Errorf("a wrong code: %d", status)
	}
	if page, status := s.post("/code", "code", first); status != 403 || !strings.Contains(page, "Too fast") {
		t.Errorf("within the same second: %d\n%s", status, page)
	}
	for range triesMax - 1 {
		s.later(tryEvery)
		s.post("/code", "code", "99999999")
	}
	s.later(tryEvery)
	if _, status := s.post("/code", "code", first); status != 403 || s.code == first {
		t.Errorf("the old code after %d wrong ones: %d", triesMax, status)
	}
	s.later(codeLife)
	old := s.code
	if _, status := s.post("/code", "code", old); status != 403 || s.code == old {
		t.Errorf("a code of yesterday: %d", status)
	}
	s.later(tryEvery)
	good := s.code
	page, status := s.post("/code", "code", good[:4]+" "+good[4:])
	if status != 200 || !strings.Contains(page, "Name of the machine") {
		t.Errorf("the code: %d\n%s", status, page)
	}
	s.phone = s.another()
	if _, status := s.post("/code", "code", good); status != 403 {
		t.Errorf("a second time: %d", status)
	}
}

func (s *stand) enter() {
	s.t.Helper()
	if page, status := s.post("/code", "code", s.code); status != 200 {
		s.t.Fatalf("%d\n%s", status, page)
	}
}

// TestAnotherSitesPageCannotAct: neither by a form in the technician's browser, nor under a name of its own.
func TestAnotherSitesPageCannotAct(t *testing.T) {
	s := newStand(t)
	s.enter()
	for name, change := range map[string]func(*http.Request){
		"origin": func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"site":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"name":   func(r *http.Request) { r.Host = "evil.example" },
		"port":   func(r *http.Request) { r.Host = "127.0.0.1.evil.example:80" },
	} {
		r, err := http.NewRequest(http.MethodPost, s.at+"/part/machine", strings.NewReader("machine.name=X"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(r)
		if _, status := s.read(s.phone.Do(r)); status != 403 && status != 421 {
			t.Errorf("%s: %d", name, status)
		}
	}
	if page, _ := s.get("/part/machine"); strings.Contains(page, `value="X"`) {
		t.Error("an answer of another site was taken")
	}
	if _, status := s.post("/part/machine", "machine.name", strings.Repeat("x", bodyMax)); status != 400 {
		t.Errorf("a body that is too large: %d", status)
	}
}

func (s *stand) answerAll() {
	s.t.Helper()
	for _, part := range [][]string{
		{"machine", "machine.language", "sv", "machine.name", "Hall & \"co\"", "machine.currency", "SEK",
			"machine.timezone", "UTC", "machine.support", ""},
		{"glase", "glase.endpoint", "https://glase.example.com/x", "glase.client_id", "Bar AB",
			"glase.account", "terminal", "glase.terminal_id", "t1", "glase.password", "s3cret"},
		{"payment", "payment.flow", "sticker"},
		{"payment", "payment.flow", "sticker", "payment.seqr_id", "ABC123"},
		{"pins", "gpio.driver", "sim", "gpio.door", "", "gpio.cancel", "", "slots", "1"},
		{"slot.1", "slot.1.id", "A1", "slot.1.name", "Water", "slot.1.price", "15.00", "slot.1.stock", "8",
			"slot.1.vat", "", "slot.1.kind", "relay", "slot.1.vend.relay", "GPIO17", "slot.1.vend.drop", "GPIO27",
			"slot.1.vend.home", "", "slot.1.max_on", "3s", "slot.1.button", ""},
		{"display", "display.driver", "none"},
	} {
		if page, status := s.post("/part/"+part[0], part[1:]...); status != 200 {
			s.t.Fatalf("%v: %d\n%s", part, status, page)
		}
	}
}

// TestAMachineIsSetUpOnAPhone: each part tried, nothing moved but by its button, the config right, the password in no
// page.
func TestAMachineIsSetUpOnAPhone(t *testing.T) {
	s := newStand(t)
	s.enter()
	page, status := s.post("/part/machine", "machine.language", "tlh", "machine.name", "<b>",
		"machine.currency", "kronor")
	if status != 422 || !strings.Contains(page, "is none of them") || !strings.Contains(page, "&lt;b&gt;") ||
		!strings.Contains(page, "is no currency") {
		t.Errorf("%d\n%s", status, page)
	}
	s.answerAll()
	if len(s.did) > 0 {
		t.Errorf("by answers alone: %v", s.did)
	}
	page, _ = s.post("/try/glase", "do", "ask")
	if !strings.Contains(page, "Glase &lt;answers&gt;") {
		t.Errorf("Glase:\n%s", page)
	}
	page, _ = s.post("/try/slot.1", "do", "watch")
	if !strings.Contains(page, "covered") || !strings.Contains(page, `http-equiv="refresh"`) {
		t.Errorf("the pins:\n%s", page)
	}
	page, _ = s.post("/try/slot.1", "do", "move")
	if !strings.Contains(page, "A1: delivered") || strings.Contains(page, `http-equiv="refresh"`) {
		t.Errorf("the motor:\n%s", page)
	}
	if _, status := s.post("/try/slot.1", "do", "jump"); status != 400 {
		t.Errorf("an act that nobody knows: %d", status)
	}
	page, _ = s.post("/finish")
	if !strings.Contains(page, "checked") || !strings.Contains(page, "a warning") {
		t.Errorf("the end:\n%s", page)
	}
	if page, _ = s.post("/sale", "slot", "A1"); !strings.Contains(page, "it is paid") {
		t.Errorf("the sale:\n%s", page)
	}
	if got := strings.Join(s.did, ", "); got != "glase t1, at work, move A1, off, at work, sale A1, off" {
		t.Errorf("done: %s", got)
	}
	c, err := config.Load(s.path, drivers.All())
	if err != nil || c.Machine.Name != `Hall & "co"` || c.Payment.SeqrID != "ABC123" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, path := range []string{"/part/glase", "/", "/try/glase"} {
		if page, _ := s.get(path); strings.Contains(page, "s3cret") {
			t.Errorf("the password is in %s", path)
		}
	}
	if b, _ := os.ReadFile(s.path); strings.Contains(string(b), "s3cret") {
		t.Error("the password is in the config")
	}
	if s.post("/end"); !s.ended {
		t.Error("it goes on")
	}
}

// TestAMachineThatCannotBeTriedSaysWhy, as while a kioskd runs.
func TestAMachineThatCannotBeTriedSaysWhy(t *testing.T) {
	s := newStand(t)
	s.enter()
	s.answerAll()
	s.refuse = errors.New("stop kioskd first")
	page, status := s.post("/try/slot.1", "do", "move")
	if status != 502 || !strings.Contains(page, "stop kioskd first") {
		t.Errorf("%d\n%s", status, page)
	}
	s.glase = "fail"
	if page, _ := s.post("/try/glase", "do", "ask"); !strings.Contains(page, "mend it") {
		t.Errorf("no remedy:\n%s", page)
	}
}

// FuzzForm: whatever a form holds, it is answered, and what is taken makes a file that is read again.
func FuzzForm(f *testing.F) {
	f.Add("machine", "machine.name=Lobby&machine.language=sv")
	f.Add("pins", "gpio.driver=sim&slots=64")
	f.Add("glase", "glase.password=%00&glase.account=own")
	f.Add("slot.1", "%zz=;&slot.1.id=%ff")
	s := newStand(f)
	f.Fuzz(func(t *testing.T, part, body string) {
		s.t = t
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetPathValue("name", part)
		s.pages.answer(w, r)
		if w.Code >= 500 {
			t.Errorf("%d", w.Code)
		}
	})
}
