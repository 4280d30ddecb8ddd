package store

import (
	"fmt"
	"path/filepath"
	"sort"
	"sync"
	"testing"
	"time"

	"kioskd/internal/proof/postgres"
)

// BenchmarkTake has the entries of real sales written, from so many kiosks at once and in batches as an outbox sends
// them: entries a second, and how long one transaction took.
func BenchmarkTake(b *testing.B) {
	m := machineOf(b)
	for range 200 {
		m.Sell()
	}
	all := copies(b, m, 0)
	for _, at := range []struct {
		batch, kiosks int
	}{{1, 8}, {10, 8}, {64, 8}} {
		name := fmt.Sprintf("batch=%d/kiosks=%d", at.batch, at.kiosks)
		b.Run("postgres/"+name, func(b *testing.B) {
			p := postgres.Start(b)
			p.Stop()
			p.Fsync = true
			if err := p.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			measure(b, opened(b, p.DSN()), all, at.batch, at.kiosks)
		})
		b.Run("sqlite/"+name, func(b *testing.B) {
			measure(b, opened(b, "sqlite://"+filepath.Join(b.TempDir(), "hub.db")), all, at.batch, at.kiosks)
		})
	}
}

// measure writes b.N entries: each kiosk's are the same journal again and again, under another id.
func measure(b *testing.B, s *Store, all []Copy, batch, kiosks int) {
	var mu sync.Mutex
	var took []time.Duration
	var work sync.WaitGroup
	for k := range kiosks {
		work.Go(func() {
			for n, round := 0, 0; n < b.N/kiosks; round++ {
				id := fmt.Sprintf("K%dR%d", k, round)
				for at := 0; at < len(all) && n < b.N/kiosks; at += batch {
					part := all[at:min(at+batch, len(all))]
					began := time.Now()
					if _, _, err := s.Take(b.Context(), id, part, began); err != nil {
						b.Error(err)
						return
					}
					mu.Lock()
					took = append(took, time.Since(began))
					mu.Unlock()
					n += len(part)
				}
			}
		})
	}
	work.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	if len(took) > 0 {
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	}
	b.ReportMetric(0, "ns/op")
}
