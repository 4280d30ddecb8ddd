package enrol

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kioskd/internal/fleet/ownca"
)

// TestEachFailureSaysWhatToDo: whoever enrols a machine stands in a corridor with it.
func TestEachFailureSaysWhatToDo(t *testing.T) {
	now := time.Now()
	ca, err := ownca.Make("a fleet", now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.Cert)
	var status int
	var body string
	hub := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	pair, err := ca.Server([]string{"127.0.0.1"}, false, now)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	hub.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	hub.Config.ErrorLog = log.New(io.Discard, "", 0)
	hub.StartTLS()
	defer hub.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	at := func(year int) func() time.Time {
		return func() time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	}
	good := Hub{At: hub.URL, Roots: roots, Now: time.Now}
	for name, c := range map[string]struct {
		hub    Hub
		status int
		body   string
		want   string
	}{
		"a Pi without a clock": {Hub{hub.URL, roots, at(1970)}, 200, "", "this machine's clock says 1970-01-01"},
		"an old certificate":   {Hub{hub.URL, roots, at(2090)}, 200, "", "certificate ended on"},
		"another authority":    {Hub{hub.URL, x509.NewCertPool(), time.Now}, 200, "", "name it with --ca"},
		"another name": {Hub{strings.Replace(hub.URL, "127.0.0.1", "localhost", 1), roots, time.Now}, 200, "",
			"is for other names"},
		"no TLS": {Hub{strings.Replace(plain.URL, "http", "https", 1), roots, time.Now}, 200, "",
			"does not speak HTTPS"},
		"nobody there":     {Hub{"https://" + nobody.Addr().String(), roots, time.Now}, 200, "", "cannot be reached"},
		"no address":       {Hub{"hub.example", roots, time.Now}, 200, "", "write it like https://hub.example.com"},
		"an insecure one":  {Hub{"http://hub.example", roots, time.Now}, 200, "", "write it like https://"},
		"a longer one":     {Hub{"https://hub.example/x", roots, time.Now}, 200, "", "write it like https://"},
		"a wrong code":     {good, 403, `{"error":"no_such_code"}`, "compare it with what kioskhub enroll printed"},
		"an old code":      {good, 403, `{"error":"expired"}`, "good for an hour"},
		"a used code":      {good, 403, `{"error":"used"}`, "was used already"},
		"another's code":   {good, 403, `{"error":"other"}`, "compare [machine] token"},
		"a taken key":      {good, 403, `{"error":"taken"}`, "this card is a copy"},
		"a revoked key":    {good, 403, `{"error":"revoked"}`, "was shut out"},
		"too often":        {good, 429, `{"error":"often"}`, "wait some minutes"},
		"no database":      {good, 503, `{"error":"later"}`, "try again in a minute"},
		"an older hub":     {good, 400, `{"error":"bad"}`, "years apart"},
		"a proxy's page":   {good, 502, "<html>", "is no kioskhub: it says 502 Bad Gateway"},
		"another program":  {good, 200, "<html>", "is no kioskhub"},
		"another's answer": {good, 200, `{"id":"K2"}`, "not for this machine"},
		"sent elsewhere":   {good, 307, "", "is no kioskhub: it says 307"},
	} {
		status, body = c.status, c.body
		_, err := c.hub.Ask(t.Context(), Request{Code: code, Key: key(t), ID: "K1"})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), code) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
	if _, err := good.Ask(t.Context(), Request{Code: "1234", Key: key(t)}); err == nil ||
		!strings.Contains(err.Error(), "four groups") {
		t.Errorf("half a code: %v", err)
	}
}
