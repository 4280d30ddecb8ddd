package gate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"

	"kioskd/internal/fleet/protocol"
)

// numbers are what /metrics tells. No kiosk and no caller is named there.
type numbers struct {
	set     *metrics.Set
	counts  map[string]map[outcome]*metrics.Counter
	took    map[string]*metrics.Histogram
	streams atomic.Int64
	conns   atomic.Int64
}

func newNumbers(connected func() bool) *numbers {
	n := &numbers{set: metrics.NewSet(), counts: map[string]map[outcome]*metrics.Counter{},
		took: map[string]*metrics.Histogram{}}
	for _, kind := range []string{protocol.Purchase, protocol.Notify, protocol.Page} {
		n.counts[kind] = map[outcome]*metrics.Counter{}
		for _, what := range []outcome{answered, absent, late, disconnected, stale, crowded, left, limited, refused,
			malformed} {
			n.counts[kind][what] = n.set.NewCounter(
				fmt.Sprintf(`kioskgate_requests_total{kind=%q,outcome=%q}`, kind, what))
		}
		n.took[kind] = n.set.NewHistogram(fmt.Sprintf(`kioskgate_request_seconds{kind=%q}`, kind))
	}
	n.set.NewGauge("kioskgate_streams", func() float64 { return float64(n.streams.Load()) })
	n.set.NewGauge("kioskgate_connections", func() float64 { return float64(n.conns.Load()) })
	n.set.NewGauge("kioskgate_nats_connected", func() float64 {
		if connected() {
			return 1
		}
		return 0
	})
	return n
}

// count notes what became of a request.
func (n *numbers) count(kind string, what outcome) { n.counts[kind][what].Inc() }

// ServeHTTP is /metrics.
func (n *numbers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" {
		http.Error(w, "the numbers are at /metrics", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	n.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}

// health says whether this gateway should be asked: a load balancer leaves one that answers 503.
func (g *Gate) health(w http.ResponseWriter) {
	said := struct {
		Status string `json:"status"`
		NATS   bool   `json:"nats"`
	}{"ok", g.line.now.Load() != nil}
	status := http.StatusOK
	switch {
	case g.draining.Load():
		said.Status, status = "draining", http.StatusServiceUnavailable
	case !said.NATS:
		said.Status, status = "no connection to the fleet's servers", http.StatusServiceUnavailable
	}
	b, err := json.Marshal(said)
	if err != nil {
		panic(err) // plain values
	}
	w.Header().Set("Content-Type", protocol.JSON)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b) // whoever has gone asks again
}
