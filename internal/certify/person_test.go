package certify

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kioskd/glase/glasetest"
)

// TestThePersonIsToldWhatToDo: the code, its text for who has no camera, the sum and the time.
func TestThePersonIsToldWhatToDo(t *testing.T) {
	var b bytes.Buffer
	done := Screen{Out: &b}.Pay(t.Context(), Wish{"HTTP://SEQR.SE/QABC123", kr(1500), time.Minute})
	for _, want := range []string{"█", "HTTP://SEQR.SE/QABC123", "scan the code", "15.00 SEK with the PIN",
		"Waiting 60 s"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, b.String())
		}
	}
	select {
	case err := <-done:
		t.Errorf("a person cannot be known to fail: %v", err)
	default:
	}
	if err := <-(Screen{Out: &b}).Pay(t.Context(), Wish{QR: strings.Repeat("x", 1000)}); err == nil {
		t.Error("a code that cannot be drawn")
	}
}

// TestThePhoneSaysWhyItCannot.
func TestThePhoneSaysWhyItCannot(t *testing.T) {
	g := glasetest.New(glasetest.Config{})
	defer g.Close()
	glase := httptest.NewServer(g)
	defer glase.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	other.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>Welcome"))
	}))
	defer page.Close()
	for url, want := range map[string]string{
		glase.URL + "/": "UNKNOWN_QR", other.URL: "address of a glasesim", page.URL: "is it a glasesim?",
		"::": "--phone",
	} {
		p := Phone{url, http.DefaultClient}
		if err := <-p.Pay(t.Context(), Wish{QR: "HTTP://SEQR.SE/QNONE"}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}
