package ups

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// written counts what a log would hold.
type written struct{ bytes, lines atomic.Int64 }

func (w *written) Write(p []byte) (int, error) {
	w.bytes.Add(int64(len(p)))
	w.lines.Add(1)
	return len(p), nil
}

// TestAnHourOfFloodWritesAtMostHalfAMegabyteOfLog: every kind of caller at once, each faster than any share. The
// other half is the machine's own, for the sales that such callers make.
func TestAnHourOfFloodWritesAtMostHalfAMegabyteOfLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		m := &machine{secrets: map[string]bool{secret: true}}
		h := newHandler(t, m, &log)
		for n := range 3600 {
			if n%20 == 0 {
				m.mu.Lock()
				m.customer = "" // a sale ends: the next stranger gets one
				m.mu.Unlock()
			}
			stranger := fmt.Sprint(46700000000 + n)
			direct(h, wish("20.00", stranger))
			direct(h, wish("20.00", m.customer)) // the same customer again
			direct(h, wish("0.01", stranger))
			direct(h, strings.Replace(wish("20.00", msisdn), token, "1", 1))
			direct(h, "{")
			hint(h, secret)
			hint(h, "unknown")
			time.Sleep(time.Second)
		}
		if bytes := log.bytes.Load(); bytes > 1<<19 {
			t.Errorf("an hour of flood wrote %d bytes in %d lines", bytes, log.lines.Load())
		}
		if log.lines.Load() < 100 {
			t.Errorf("only %d lines say that there was a flood", log.lines.Load())
		}
	})
}

// TestACreatePurchaseWithABOMOrAsPlainTextIsWellFormed: .NET writes the three bytes, Apache's HttpClient the charset.
func TestACreatePurchaseWithABOMOrAsPlainTextIsWellFormed(t *testing.T) {
	good, bom := wish("20.00", msisdn), "\xef\xbb\xbf"
	post := func(contentType, body string) (reply, *machine) {
		m := &machine{}
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/seqr/createPurchase", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		newHandler(t, m, nil).ServeHTTP(w, r)
		return reply{w.Code, w.Header(), w.Body.String()}, m
	}
	for _, c := range [][2]string{
		{"application/json", bom + good}, {"application/json; charset=UTF-8", bom + good}, {"text/plain", bom + good},
		{"text/plain; charset=ISO-8859-1", good}, {"text/plain; charset=us-ascii", good},
		{"text/plain;charset=ASCII", good},
		{"application/json; charset=windows-1252", good}, {"application/json; charset=latin1", good},
		{"text/plain; charset=UTF-8", good},
		{"text/plain; charset=ISO-8859-1", bom + good}, // the mark says what it really is
	} {
		if r, _ := post(c[0], c[1]); r.status != 200 || !r.isReference() {
			t.Errorf("%s, %q…: answered %d %s", c[0], c[1][:4], r.status, r.body)
		}
	}
	for _, c := range []struct {
		contentType, body string
		status            int
	}{
		{"application/json", bom + bom + good, 400}, {"application/json", good + bom, 400},
		{"application/json", bom, 400},
		{"application/json", "\xef\xbb" + good, 400}, {"application/json", "\xff\xfe" + good, 400},
		// which of two letters?
		{"text/plain; charset=ISO-8859-1", strings.Replace(good, msisdn, "48334432342\xe5", 1), 415},
		{"application/json; charset=UTF-16", good, 415}, {"application/json; charset=EBCDIC", good, 415},
	} {
		if r, m := post(c.contentType, c.body); r.status != c.status || !r.isCode(SystemError) || m.calls() != 0 {
			t.Errorf("%s, %q…: answered %d %s, want %d; the kiosk was asked %d times", c.contentType, c.body[:3],
				r.status, r.body, c.status, m.calls())
		}
	}
}
