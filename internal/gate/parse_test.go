package gate

import (
	"bytes"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

// recorder is a response that is kept.
type recorder struct {
	bytes.Buffer
	header http.Header
	status int
}

func (r *recorder) Header() http.Header    { return r.header }
func (r *recorder) WriteHeader(status int) { r.status = status }

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

// TestACallerIsWhoTheProxySaw, and what a caller says of himself counts for nothing.
func TestACallerIsWhoTheProxySaw(t *testing.T) {
	for _, c := range []struct {
		behind bool
		said   []string
		want   string
	}{
		{false, nil, "192.0.2.1"},
		{false, []string{"203.0.113.7"}, "192.0.2.1"},
		{true, nil, "192.0.2.1"},
		{true, []string{"203.0.113.7"}, "203.0.113.7"},
		{true, []string{"127.0.0.1, 203.0.113.7"}, "203.0.113.7"},
		{true, []string{"127.0.0.1", "10.0.0.1,203.0.113.7"}, "203.0.113.7"},
		{true, []string{"203.0.113.7:4711"}, "203.0.113.7"},
		{true, []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{true, []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{true, []string{"203.0.113.7, unknown"}, "192.0.2.1"},
		{true, []string{"203.0.113.7,"}, "192.0.2.1"},
	} {
		r := &http.Request{RemoteAddr: "192.0.2.1:1234", Header: http.Header{forwarded: c.said}}
		if got := (Config{BehindProxy: c.behind}).addressOf(r); got != netip.MustParseAddr(c.want) {
			t.Errorf("%v %q: %v, want %s", c.behind, c.said, got, c.want)
		}
	}
}

// TestAConfigSaysWhatIsWrongWithIt by file, line and key.
func TestAConfigSaysWhatIsWrongWithIt(t *testing.T) {
	c, err := Parse("gate.toml", []byte(Example), "/etc/kioskgate")
	if err != nil || c.AnswerWithin != 3*time.Second || c.Drain != 10*time.Second || len(c.Servers) != 3 {
		t.Fatalf("the example is %+v, %v", c, err)
	}
	const good = "listen = \"127.0.0.1:8090\"\nservers = [\"nats://127.0.0.1:4222\"]\n"
	if c, err := Parse("gate.toml", []byte(good+"metrics = \":9\"\ncredentials = \"c\"\n"), "/d"); err != nil ||
		c.Credentials != "/d/c" {
		t.Errorf("%+v, %v", c, err)
	}
	for text, want := range map[string]string{
		"":                                                   "gate.toml: listen: is missing",
		good + "lisen = 1":                                   "gate.toml:3: lisen: is not a key of this file",
		good + "[tls]\ncert = \"a\"":                         "is not a key of this file",
		good + "listen = \"a\"":                              "gate.toml:3: ",
		good + "answer_within = 3":                           "gate.toml:3: ",
		good + "answer_within = \"10s\"":                     `gate.toml:3: answer_within: "10s" is no duration from "500ms" to "9s"`,
		good + "drain = \"-1s\"":                             "gate.toml:3: drain: ",
		good + "\nallow = [\"10.0.0.1/8\"]":                  `gate.toml:4: allow: "10.0.0.1/8" is no network, but an address in it`,
		good + "allow = [\"glase\"]":                         "gate.toml:3: allow: ",
		good + "per_kiosk = -1":                              "gate.toml:3: per_kiosk: -1 is out of range",
		good + "tls_cert = \"a\"":                            "gate.toml:3: tls_cert: tls_cert and tls_key go together",
		good + "client_ca = \"a\"":                           "gate.toml:3: client_ca: would ask nobody without TLS",
		good + "metrics = \"host:1\"":                        "gate.toml:3: metrics: ",
		"listen = \":80\"\nservers = [\"nats://127.0.0.1\"]": "gate.toml:1: listen: ",
		"listen = \":80\"\nbehind_proxy = true\nservers = [\"nats://a.example\"]": "gate.toml:3: servers: ",
		"listen = \":80\"\nbehind_proxy = true\nservers = [\"tls://u:p@a\"]":      "gate.toml:3: servers: has a user",
		"listen = \":80\"\nbehind_proxy = true\nservers = [\"tls://a\"]":          "credentials: is missing",
	} {
		_, err := Parse("gate.toml", []byte(text), "/d")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "u:p") {
			t.Errorf("it shows a password: %v", err)
		}
	}
}

// TestAShareIsForgottenWhenItWasNotUsed, and not before.
func TestAShareIsForgottenWhenItWasNotUsed(t *testing.T) {
	l := newLimits[int](1)
	l.rate = 0
	for range 4 {
		if !l.allow(-1) {
			t.Fatal("the burst is not there")
		}
	}
	for n := range 5 * rememberedMax {
		l.allow(n)
		if n%1000 == 0 && l.allow(-1) {
			t.Fatalf("who asks too often is forgotten after %d others", n)
		}
	}
	if len(l.young)+len(l.aged) > 2*rememberedMax {
		t.Errorf("%d are remembered", len(l.young)+len(l.aged))
	}
	for n := range 5 * rememberedMax {
		l.allow(n)
	}
	if !l.allow(-1) {
		t.Error("nobody is ever forgotten")
	}
}

func FuzzAnAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Type: a\r\n\r\nbody"))
	f.Add([]byte("HTTP/1.1 999 \r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200\r\n\r\n"))
	f.Add([]byte("\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := http.Header{}
		status, body, err := readAnswer(b, h)
		if err == nil && (status < 200 || status > 599 || len(body) > len(b)) {
			t.Errorf("%q is %d with %q", b, status, body)
		}
		for name, values := range h {
			if strings.ContainsAny(name+strings.Join(values, ""), "\r\n") {
				t.Errorf("%q smuggles a line into %q: %q", b, name, values)
			}
		}
	})
}

func FuzzAConfig(f *testing.F) {
	f.Add([]byte(Example))
	f.Add([]byte("listen = 1\n[[allow]]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := Parse("f", b, "/"); err == nil && (c.Listen == "" || len(c.Servers) == 0 || c.AnswerWithin <= 0) {
			t.Errorf("%q is %+v", b, c)
		}
	})
}

func FuzzACaller(f *testing.F) {
	f.Add("1.2.3.4, 5.6.7.8", "[::1]:1")
	f.Fuzz(func(t *testing.T, said, remote string) {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{forwarded: {said}}}
		c := Config{BehindProxy: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
		a := c.addressOf(r)
		_ = nameOf(a)
		if c.known(r, a) && a != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("%q at %q is known", said, remote)
		}
	})
}
