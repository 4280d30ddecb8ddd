package collect

import (
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go/jetstream"
)

// figures are the collector's metrics.
type figures struct {
	set             *metrics.Set
	asked, restored *metrics.Counter
	took, late      *metrics.Histogram
}

func newFigures(set *metrics.Set) figures {
	if set == nil {
		set = metrics.NewSet()
	}
	return figures{set: set,
		asked:    set.GetOrCreateCounter("kioskhub_asks_total"),
		restored: set.GetOrCreateCounter("kioskhub_database_restored_total"),
		took:     set.GetOrCreateHistogram("kioskhub_transaction_seconds"),
		late:     set.GetOrCreateHistogram("kioskhub_entry_delay_seconds"),
	}
}

// fate counts what became of entries.
func (f figures) fate(what string, n int) {
	f.set.GetOrCreateCounter(fmt.Sprintf("kioskhub_entries_total{fate=%q}", what)).Add(n)
}

// taken is how long a transaction took.
func (f figures) taken(d time.Duration) { f.took.Update(d.Seconds()) }

// delay is how long an entry was on its way, from the broker's disk to the database's.
func (f figures) delay(m jetstream.Msg) {
	if meta, err := m.Metadata(); err == nil {
		f.late.Update(max(0, time.Since(meta.Timestamp).Seconds()))
	}
}
