package certify

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func at() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// TestNobodyReadsASecretInTheRecord: in elements, in JSON, in what somebody quotes, short or long.
func TestNobodyReadsASecretInTheRecord(t *testing.T) {
	var b bytes.Buffer
	r := NewRecord(&b, at, "a-long-one&more", "1234", "")
	for _, text := range []string{
		"<context><password>a-long-one&amp;more</password></context>",
		`<g:password xmlns:g="x">1234</g:password>`,
		"<password>somebody else's</password>",
		"<receipt><payerTerminalId>0700000001</payerTerminalId></receipt>",
		`{"token":"7","msisdn":"46700000001"}`, `{"msisdn" : 46700000001}`, `{"msisdn":"4670\"0000001","amount":1}`,
		"it is a-long-one&more, or xa-long-one&morex", "the password 1234 is wrong: (1234 1234)",
	} {
		r.Say("%s", text)
		r.message("we → Glase", []byte(text))
	}
	for _, secret := range []string{"a-long-one", "somebody else", "0700000001", "0000001", "46700000001", " 1234",
		">1234", "(1234"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%q is in\n%s", secret, b.String())
		}
	}
	b.Reset()
	r.message("Glase → we", []byte("<a><b>312345</b><c>x</c></a>"))
	if got := b.String(); got != "\n12:00:00.000 Glase → we\n\n```xml\n<a>\n<b>312345</b>\n<c>x</c>\n</a>\n```\n" {
		t.Errorf("%q", got)
	}
}

// TestTheRecordChangesNothingOfWhatIsSaid: both sides get every byte.
func TestTheRecordChangesNothingOfWhatIsSaid(t *testing.T) {
	var b bytes.Buffer
	r := NewRecord(&b, at)
	server := httptest.NewServer(r.Incoming(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(append(body, "<password>p</password>\xff"...))
		if err != nil {
			t.Error(err)
		}
	})))
	defer server.Close()
	long := strings.Repeat("x", callMax+10) // more than is taken down
	client := http.Client{Transport: r.Line(http.DefaultTransport)}
	defer client.CloseIdleConnections()
	res, err := client.Post(server.URL+"/notify/1", "text/xml", strings.NewReader(long))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || string(got) != long+"<password>p</password>\xff" || res.StatusCode != http.StatusTeapot {
		t.Errorf("HTTP %d, %d bytes, %v", res.StatusCode, len(got), err)
	}
	for _, want := range []string{"POST " + server.URL, "HTTP 418 I'm a teapot", "Glase → we: POST /notify/1"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the record lacks %q", want)
		}
	}
}

// TestALineThatBreaksIsOnRecord: what was lost, and what was cut off.
func TestALineThatBreaksIsOnRecord(t *testing.T) {
	var b bytes.Buffer
	r := NewRecord(&b, at)
	lost := r.Line(tripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }))
	req := httptest.NewRequest(http.MethodPost, "http://glase.test/", strings.NewReader("<a/>"))
	if _, err := lost.RoundTrip(req); err == nil || !strings.Contains(b.String(), "nothing: no route") {
		t.Errorf("%v: %s", err, b.String())
	}
	half := r.Line(tripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{Status: "200 OK", StatusCode: 200,
			Body: io.NopCloser(io.MultiReader(strings.NewReader("<a"), failing{io.ErrUnexpectedEOF}))}, nil
	}))
	res, err := half.RoundTrip(httptest.NewRequest(http.MethodPost, "http://glase.test/", strings.NewReader("<a/>")))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if string(got) != "<a" || !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(b.String(), "cut off") {
		t.Errorf("%q, %v: %s", got, err, b.String())
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestAFullCardIsSaid: a record that is not whole is none.
func TestAFullCardIsSaid(t *testing.T) {
	r := NewRecord(full{}, at)
	r.Title("x")
	if r.Heading("y"); r.Err() == nil {
		t.Error("nobody says it")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }
