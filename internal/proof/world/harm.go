package world

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// What may explain that something did not go well, as spans of time. The rules at Glase have names of their own.
const (
	noKiosk       = "no kiosk"        // none runs, or one that came up without its journal
	noNetwork     = "no network"      //
	badAnswer     = "bad answer"      // a call to Glase that was refused, spoiled, lost or slow
	kioskKilled   = "killed"          // a moment
	kioskTold     = "told to end"     // a moment
	diskRefuses   = "journal refuses" // a moment: one record
	diskFull      = "disk full"       // and for as long after it as the kiosk waits before it tries again
	refundsChoice = "choice refunds"  // Glase takes no refunds
	chargesAll    = "choice commits"  // Glase charges all that is reserved
)

// harm is what was done to the kiosk: what may explain a sale that did not go well.
type harm struct {
	mu    sync.Mutex
	spans []span
	asks  []ask
	count map[string]int // by kind
}

type span struct {
	kind        string
	from, until time.Time // until is zero while it goes on
}

// ask is a getPaymentStatus of the kiosk's.
type ask struct {
	at, ended time.Time
	good      bool // it came back with an answer
}

// begin begins a span, and what it returns ends it.
func (h *harm) begin(kind string) (end func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.spans)
	h.spans = append(h.spans, span{kind: kind, from: time.Now()})
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.spans[n].until = time.Now()
	}
}

// moment is a span that ends as it begins.
func (h *harm) moment(kind string) { h.begin(kind)() }

// met counts a trouble.
func (h *harm) met(kind string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count[kind]++
}

func (s span) touches(from, until time.Time) bool {
	return !s.from.After(until) && (s.until.IsZero() || !s.until.Before(from))
}

// during reports whether one of these kinds touches the time from one moment to the other.
func (h *harm) during(from, until time.Time, kinds ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.spans {
		for _, k := range kinds {
			if s.kind == k && s.touches(from, until) {
				return true
			}
		}
	}
	return false
}

// duringPrefix is during for all kinds that begin so.
func (h *harm) duringPrefix(from, until time.Time, prefixes ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.spans, func(s span) bool {
		is := func(prefix string) bool { return strings.HasPrefix(s.kind, prefix) }
		return s.touches(from, until) && slices.ContainsFunc(prefixes, is)
	})
}

// peace is the longest time between two moments in which the kiosk ran, could reach Glase, had no bad answer, and was
// done none of the other harms.
func (h *harm) peace(from, until time.Time, others ...string) (longest time.Duration) {
	kinds := append([]string{noKiosk, noNetwork, badAnswer}, others...)
	h.mu.Lock()
	var spans []span
	for _, s := range h.spans {
		if s.until.IsZero() {
			s.until = until
		}
		if slices.Contains(kinds, s.kind) && s.touches(from, until) {
			spans = append(spans, s)
		}
	}
	h.mu.Unlock()
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	at := from
	for _, s := range spans {
		longest = max(longest, s.from.Sub(at))
		if s.until.After(at) {
			at = s.until
		}
	}
	return max(longest, until.Sub(at))
}

// answered looks at what became of a call to Glase. One that a front has lost is no harm.
func (h *harm) answered(op string, began time.Time, resp *http.Response, err error) {
	if errors.As(err, new(errFront)) {
		return
	}
	good := err == nil && resp.StatusCode == http.StatusOK
	if good {
		body := said(resp)
		good = bytes.Contains(body, []byte("<resultCode>0<")) &&
			bytes.HasSuffix(bytes.TrimSpace(body), []byte("Envelope>")) &&
			(op != "sendInvoice" || part(referenceOf, body) != "")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if op == "getPaymentStatus" {
		h.asks = append(h.asks, ask{began, time.Now(), good})
	}
	if now := time.Now(); !good || now.Sub(began) > slow {
		h.spans = append(h.spans, span{badAnswer, began, now})
	}
}

// said is what an answer says, also when it is compressed, and leaves it to be read.
func said(resp *http.Response) []byte {
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err == nil && resp.Header.Get("Content-Encoding") == "gzip" {
		var r *gzip.Reader
		if r, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, err = io.ReadAll(r)
		}
	}
	if err != nil {
		panic(err) // it was whole, and this Glase compressed it
	}
	return body
}

// slow is what an answer may take that is no trouble.
const slow = time.Second

const (
	unaskedFor = 20 * time.Second // Glase takes back what nobody asks for
	asksNeeded = 2                // the first answer brings the version, the second question acknowledges it
	// questions within unaskedFor, each of which may take 3 s and be followed by a pause of 3 s
	asksToBeMet = 3
)

// unasked: the kiosk could not have kept Glase from taking money back at that moment. It asked as often as it should
// and had no answers, or was not there.
func (h *harm) unasked(at time.Time) bool {
	from := at.Add(-unaskedFor)
	if h.during(from, at, noKiosk) {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	asks, good := 0, 0
	for _, a := range h.asks {
		if a.at.Before(from) || a.at.After(at) {
			continue
		}
		asks++
		if a.good && !a.ended.After(at) { // a slow one may be carried out only then
			good++
		}
	}
	return asks >= asksToBeMet && good < asksNeeded
}
