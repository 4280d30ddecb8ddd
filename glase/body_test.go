package glase

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
)

// carrying answers every request with this body and header.
func carrying(status int, body string, header ...string) *transport {
	return &transport{answer: func(int, *http.Request) (*http.Response, error) {
		resp, err := reply(status, body)
		for n := 0; n < len(header); n += 2 {
			resp.Header.Add(header[n], header[n+1])
		}
		return resp, err
	}}
}

func zipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAnAnswerThatIsGzipAlthoughNobodyAskedIsRead(t *testing.T) {
	raw, err := os.ReadFile("testdata/status_gzip.http") // as a gateway sent it
	if err != nil {
		t.Fatal(err)
	}
	rt := &transport{answer: func(_ int, r *http.Request) (*http.Response, error) {
		return http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), r)
	}}
	s, err := newClient(t, config(rt)).GetPaymentStatus(t.Context(), "1", 0)
	if err != nil || s.Status == "" {
		t.Errorf("%+v, %v", s, err)
	}
	for _, call := range calls() {
		for _, coding := range []string{"gzip", "GZIP", "x-gzip"} {
			if err := call.do(t.Context(), newClient(t,
				config(carrying(200, zipped(t, success(call.op)), "Content-Encoding", coding)))); err != nil {
				t.Errorf("%s as %s: %v", call.key, coding, err)
			}
		}
	}
	refused := carrying(200, zipped(t, result("commitReservation", 11)), "Content-Encoding", "gzip")
	if err := newClient(t, config(refused)).CommitReservation(t.Context(), "1", sek(5)); kindOf(err) != "final" {
		t.Errorf("a refusal that is gzip: %v", err)
	}
	if got := rt.header.Get("Accept-Encoding"); got != "identity" {
		t.Errorf("a request accepts %q", got)
	}
}

func TestAGzipAnswerIsBoundedWhenUnpacked(t *testing.T) {
	good := success("getPaymentStatus")
	for what, body := range map[string]string{
		"a bomb":        zipped(t, good+strings.Repeat(" ", 8*responseMax)),
		"one too many":  zipped(t, good+strings.Repeat(" ", responseMax+1-len(good))),
		"not gzip":      good,
		"cut off":       zipped(t, good)[:100],
		"empty":         "",
		"a wrong sum":   zipped(t, good)[:len(zipped(t, good))-8] + "12345678",
		"packed twice":  zipped(t, zipped(t, good)),
		"and then some": zipped(t, good) + "x",
	} {
		_, err := newClient(t, config(carrying(200, body, "Content-Encoding", "gzip"))).
			GetPaymentStatus(t.Context(), "1", 0)
		if kindOf(err) != "unknown" {
			t.Errorf("%s: %v", what, err)
		}
	}
	most := zipped(t, good+strings.Repeat(" ", responseMax-len(good)))
	if _, err := newClient(t, config(carrying(200, most, "Content-Encoding", "gzip"))).
		GetPaymentStatus(t.Context(), "1", 0); err != nil {
		t.Errorf("as much as is allowed: %v", err)
	}
}

// TestATechnicianReadsWhatAnAnswerIsThatCannotBeRead: the error names the cause, and no secret.
func TestATechnicianReadsWhatAnAnswerIsThatCannotBeRead(t *testing.T) {
	good := success("getPaymentStatus")
	latin := strings.Replace(good, "ISSUED", "G\xe5tt", 1)
	mtom := "--b\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\n\r\n" + good + "\r\n--b--"
	for _, c := range []struct{ body, kind, coding, want string }{
		{zipped(t, good), "text/xml", "br", `"br"`},
		{zipped(t, good), "text/xml", "gzip, gzip", `"gzip, gzip"`},
		{zipped(t, good), "text/xml", "", "gzip, and its header does not say so"},
		{zipped(t, good), "text/xml", "deflate " + terminalSecret, `"deflate ***"`},
		{mtom, `multipart/related; type="application/xop+xml"; boundary=b`, "", "multipart/related"},
		{mtom, `multipart/related; type="application/xop+xml"; boundary=b`, "", "MTOM"},
		{latin, "text/xml; charset=ISO-8859-1", "", `charset "ISO-8859-1"`},
		{latin, "text/xml", "", "not UTF-8"},
		{`<?xml version="1.0" encoding="windows-1252"?>` + latin, "text/xml", "", "not UTF-8"},
		{`<?xml version="1.0" encoding="windows-1252"?>` + good, "text/xml", "", `encoding "windows-1252"`},
		{`<?xml version="1.0" encoding="` + terminalSecret + `"?>` + good, "text/xml", "", `encoding "***"`},
		{"\xff\xfe<\x00?\x00", "text/xml", "", "UTF-16"},
		{"\xfe\xff\x00<\x00?", "text/xml; charset=utf-16", "", "UTF-16"},
		{"<!DOCTYPE html><html>Log in to the hotel's Wi-Fi</html>", "text/html; charset=utf-8", "", "web page"},
		{`{"resultCode": 0}`, "application/json", "", `"application/json"`},
		{"busy", "te xt; =", "", "content type cannot be read"},
		{"busy", "", "", "text outside the root element"},
	} {
		header := []string{"Content-Type", c.kind}
		if c.coding != "" {
			header = append(header, "Content-Encoding", c.coding)
		}
		_, err := newClient(t, config(carrying(200, c.body, header...))).GetPaymentStatus(t.Context(), "1", 0)
		if kindOf(err) != "unknown" || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), terminalSecret) {
			t.Errorf("%s, %s, %.20q: %v, want %s", c.kind, c.coding, c.body, err, c.want)
		}
	}
	for _, kind := range []string{"text/xml; charset=us-ascii", "application/soap+xml; charset=utf-8", "text/plain",
		"text/xml; charset=iso-8859-1", ""} {
		if _, err := newClient(t, config(carrying(200, good, "Content-Type", kind))).
			GetPaymentStatus(t.Context(), "1", 0); err != nil {
			t.Errorf("an answer that can be read, as %q: %v", kind, err)
		}
	}
}

func FuzzUnpacked(f *testing.F) {
	f.Add([]byte(zipped(f, success("getPaymentStatus"))), "gzip", "text/xml; charset=utf-8")
	f.Add([]byte("<x/>"), "identity", "multipart/related; boundary=b")
	f.Add([]byte("\x1f\x8b"), "", "text/html")
	f.Fuzz(func(t *testing.T, body []byte, coding, kind string) {
		const most = 4096
		header := http.Header{"Content-Encoding": {coding}, "Content-Type": {kind}}
		plain := func(s string) string { return s }
		b, err := decoded(header, body[:min(len(body), most)], most, plain)
		if len(b) > most || err != nil && b != nil {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		misread(header, b, plain)
	})
}

func TestAnUnreadableAnswerIsAnUnknownOutcomeForEveryOperation(t *testing.T) {
	for _, call := range calls() {
		synctest.Test(t, func(t *testing.T) {
			err := call.do(t.Context(), newClient(t, config(carrying(200, success(call.op), "Content-Encoding", "br"))))
			if kindOf(err) != "unknown" {
				t.Errorf("%s: %v", call.key, err)
			}
		})
	}
}
