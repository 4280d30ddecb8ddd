// Package shoptest is a customer's browser on the machine's page, for tests: it keeps the cookie as a browser does,
// says where its forms come from, and follows the events.
package shoptest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"kioskd/internal/shop"
)

// Browser is one browser with one tab. Its methods may be called from any goroutine.
type Browser struct {
	Server   http.Handler // the machine's customers' side
	Language string       // of Accept-Language; "": it says none
	Address  string       // it comes from there; "": 192.0.2.1

	mu     sync.Mutex
	cookie *http.Cookie
	origin string // of the page
	folder string // the path that the page lies in
}

// Open opens an address, as a scanned code does, and gives the status of what came.
func (b *Browser) Open(link string) int {
	u, err := url.Parse(link)
	if err != nil {
		return 0
	}
	b.mu.Lock()
	b.origin, b.folder = u.Scheme+"://"+u.Host, u.Path[:strings.LastIndex(u.Path, "/")+1]
	b.mu.Unlock()
	return b.Ask(http.MethodGet, u.Path, nil, nil).Code
}

// Ask is any request from the page, with what a browser adds to it, and then with a change.
func (b *Browser) Ask(method, path string, form url.Values, change func(*http.Request)) *httptest.ResponseRecorder {
	r := b.request(context.Background(), method, path, form)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	b.Server.ServeHTTP(w, r)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range w.Result().Cookies() {
		b.cookie = c
	}
	return w
}

// request is a request from the page; a path that does not begin with / lies in its folder.
func (b *Browser) request(ctx context.Context, method, path string, form url.Values) *http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !strings.HasPrefix(path, "/") {
		path = b.folder + path
	}
	r := httptest.NewRequestWithContext(ctx, method, b.origin+path, strings.NewReader(form.Encode()))
	r.RequestURI = path
	r.Header.Set("Accept", "application/json")
	if b.Language != "" {
		r.Header.Set("Accept-Language", b.Language)
	}
	if b.Address != "" {
		r.RemoteAddr = b.Address + ":1234"
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.origin)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if c := b.cookie; c != nil && strings.HasPrefix(path, c.Path) {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

// Cookie is what the page is known by; nil before it is.
func (b *Browser) Cookie() *http.Cookie {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cookie
}

// State is what the page shows now, or why it may not be shown.
func (b *Browser) State() (v shop.View, err error) {
	return view(b.Ask(http.MethodGet, "state", nil, nil))
}

// Order chooses a product, and gives what the page shows then.
func (b *Browser) Order(slot string) (shop.View, error) {
	return view(b.Ask(http.MethodPost, "order", url.Values{"slot": {slot}}, nil))
}

// Cancel presses the page's button.
func (b *Browser) Cancel() (shop.View, error) {
	return view(b.Ask(http.MethodPost, "cancel", nil, nil))
}

// Opened follows the link to the app: the page is out of sight from now on.
func (b *Browser) Opened() (shop.View, error) {
	return view(b.Ask(http.MethodPost, "opened", nil, nil))
}

func view(w *httptest.ResponseRecorder) (v shop.View, err error) {
	if w.Code != http.StatusOK {
		return v, fmt.Errorf("%d %s", w.Code, strings.TrimSpace(w.Body.String()))
	}
	return v, json.Unmarshal(w.Body.Bytes(), &v)
}

// Follow gives each view that the events bring, until ctx ends or the machine ends the stream, which closes the
// channel. Nobody may let it wait.
func (b *Browser) Follow(ctx context.Context) <-chan shop.View {
	views := make(chan shop.View, 100)
	w := &tap{header: http.Header{}, views: views}
	go func() {
		defer close(views)
		b.Server.ServeHTTP(w, b.request(ctx, http.MethodGet, "events", nil))
	}()
	return views
}

// tap takes an event stream apart as it comes.
type tap struct {
	header http.Header
	text   bytes.Buffer
	views  chan<- shop.View
}

// Header is http.ResponseWriter's.
func (t *tap) Header() http.Header { return t.header }

// WriteHeader is http.ResponseWriter's.
func (t *tap) WriteHeader(int) {}

// Write is http.ResponseWriter's.
func (t *tap) Write(b []byte) (int, error) { return t.text.Write(b) }

// Flush hands on the events that are whole.
func (t *tap) Flush() {
	for {
		event, rest, whole := bytes.Cut(t.text.Bytes(), []byte("\n\n"))
		if !whole {
			return
		}
		event, rest = bytes.Clone(event), bytes.Clone(rest)
		t.text.Reset()
		t.text.Write(rest)
		var v shop.View
		if data, ok := bytes.CutPrefix(event, []byte("data: ")); ok && json.Unmarshal(data, &v) == nil {
			t.views <- v
		}
	}
}
