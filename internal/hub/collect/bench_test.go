package collect

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/postgres"
	"kioskd/internal/proof/till"
)

// BenchmarkCollect sends the entries of real sales through a real broker to a real database, as fast as they are held:
// 64 of each kiosk on their way. It says entries a second, and how long one was on its way from its sending to the
// commit.
func BenchmarkCollect(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { collected(b, "sqlite://"+filepath.Join(b.TempDir(), "hub.db"), 64) })
	p := postgres.Start(b)
	p.Stop()
	p.Fsync = true
	if err := p.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("postgres", func(b *testing.B) { collected(b, p.DSN(), 64) })
	b.Run("postgres/at-leisure", func(b *testing.B) { collected(b, p.DSN(), 1) })
}

func collected(b *testing.B, address string, ahead int64) {
	m := till.New(b, filepath.Join(b.TempDir(), "journal.db"))
	for range 100 {
		m.Sell()
	}
	all := entries(b, m)
	w := newWorld(b, address)
	w.trust = true
	w.collector("hub1")
	js, err := jetstream.New(w.nc)
	if err != nil {
		b.Fatal(err)
	}
	await.Until(b, "the collector has made the stream", func() bool {
		_, err := js.Consumer(b.Context(), protocol.Stream, consumer)
		return err == nil
	})
	const kiosks = 16
	var mu sync.Mutex
	var took []time.Duration
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	var work sync.WaitGroup
	b.ResetTimer()
	for k := range kiosks {
		work.Go(func() {
			nc := w.connect("bench")
			for n, round := 0, 0; n < b.N/kiosks; round++ {
				id := fmt.Sprintf("%sK%dR%d", run, k, round)
				haves := make(chan *nats.Msg, 4096)
				sub, err := nc.ChanSubscribe(protocol.Have(id), haves)
				if err != nil {
					b.Error(err)
					return
				}
				last := min(int64(len(all)), int64(b.N/kiosks-n))
				sent := make([]time.Time, last+1)
				for next, held := int64(1), int64(0); held < last; {
					for ; next <= last && next-held <= ahead; next++ {
						e := all[next-1]
						msg := nats.NewMsg(protocol.Entry(id))
						msg.Data = e.Text()
						msg.Header[protocol.HeaderHash] = []string{hex.EncodeToString(e.Hash)}
						msg.Header[protocol.HeaderFirst] = []string{"1"}
						msg.Header[protocol.HeaderID] = []string{protocol.MessageID(id, e.Seq, 1)}
						sent[next] = time.Now()
						if err := nc.PublishMsg(msg); err != nil {
							b.Error(err)
							return
						}
					}
					select {
					case h := <-haves:
						now, err := protocol.ReadHeld(h.Data)
						if err != nil {
							b.Error(err)
							return
						}
						mu.Lock()
						for ; held < now.Seq; held++ {
							took = append(took, time.Since(sent[held+1]))
						}
						mu.Unlock()
					case <-time.After(patience):
						b.Error("nothing comes")
						return
					}
				}
				sub.Unsubscribe()
				n += int(last)
			}
		})
	}
	work.Wait()
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "entries/s")
	if slices.Sort(took); len(took) > 0 {
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	}
	b.ReportMetric(0, "ns/op")
}
