package people

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/rs/zerolog"
)

// quick are parameters for tests: a hash takes a millisecond.
func quick() *argon2id.Params {
	return &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

const secretText = "correct horse battery"

// kept are sessions in memory.
type kept struct {
	mu sync.Mutex
	by map[string]keptSession
}

type keptSession struct {
	p     Person
	until time.Time
}

func (k *kept) KeepSession(_ context.Context, hash []byte, p Person, _, until time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.by[string(hash)] = keptSession{p, until}
	return nil
}

func (k *kept) Session(_ context.Context, hash []byte, now time.Time) (Person, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.by[string(hash)]
	if !ok || !now.Before(s.until) {
		return Person{}, ErrNoSession
	}
	return s.p, nil
}

func (k *kept) EndSession(_ context.Context, hash []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.by, string(hash))
	return nil
}

// desk is a hub's door with one page behind it, and a browser before it.
type desk struct {
	t       *testing.T
	door    *Door
	users   *Users
	kept    *kept
	server  *httptest.Server
	browser *http.Client
	log     *strings.Builder

	mu  sync.Mutex
	now time.Time
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) later(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

// open opens a desk over HTTPS with the users anna (admin), olle (operate) and lisa (look), and what change makes of
// its config.
func open(t *testing.T, change func(*Config, *Parts)) *desk {
	t.Helper()
	d := &desk{t: t, kept: &kept{by: map[string]keptSession{}}, log: &strings.Builder{}, now: time.Now()}
	mux := http.NewServeMux()
	d.server = httptest.NewTLSServer(mux)
	t.Cleanup(d.server.Close)
	path := filepath.Join(t.TempDir(), "users.json")
	var err error
	if d.users, err = openUsers(path, quick()); err != nil {
		t.Fatal(err)
	}
	for name, role := range map[string]Role{"anna": Admin, "olle": Operate, "lisa": Look} {
		if err := d.users.Set(name, role, secretText); err != nil {
			t.Fatal(err)
		}
	}
	c := Config{PublicURL: d.server.URL, Users: path}
	p := Parts{Sessions: d.kept, Now: d.clock, Log: zerolog.New(zerolog.SyncWriter(d.log)), hashing: quick()}
	if change != nil {
		change(&c, &p)
	}
	if d.door, err = New(c, p); err != nil {
		t.Fatal(err)
	}
	for pattern, h := range d.door.Routes() {
		mux.Handle(pattern, h)
	}
	mux.Handle("/", d.door.Guard(Look, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := From(r.Context())
		_, _ = w.Write([]byte(p.Name + " " + p.Role.String() + " " + r.URL.RequestURI()))
	})))
	d.browser = d.another()
	return d
}

// another is a browser without cookies, which follows no redirect.
func (d *desk) another() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	c := *d.server.Client()
	c.Jar = jar
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

type answer struct {
	code     int
	location string
	body     string
	cookies  []*http.Cookie
}

func (d *desk) do(r *http.Request) answer {
	d.t.Helper()
	got, err := d.browser.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer got.Body.Close()
	var b strings.Builder
	if err := got.Write(&b); err != nil {
		d.t.Fatal(err)
	}
	_, body, _ := strings.Cut(b.String(), "\r\n\r\n")
	return answer{got.StatusCode, got.Header.Get("Location"), body, got.Cookies()}
}

func (d *desk) get(path string) answer {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.server.URL+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.do(r)
}

func (d *desk) post(path string, form url.Values, headers ...string) answer {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.server.URL+path,
		strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return d.do(r)
}

func (d *desk) signIn(name, password string, headers ...string) answer {
	d.t.Helper()
	return d.post("/sign-in", url.Values{"name": {name}, "password": {password}, "next": {"/sales?day=1"}}, headers...)
}
