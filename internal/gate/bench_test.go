package gate

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/fleet/relay"
	"kioskd/internal/proof/broker"
)

// BenchmarkCreatePurchaseThroughTheGateway compares a gateway and a kiosk's relay with two ways over the same server
// that do no more than they must. The floor takes a request to a kiosk's http.Handler and the answer back, as net/http
// writes and reads both: HTTP, NATS, HTTP. The bare one sends the body alone, and its kiosk answers without HTTP.
// All are measured in turns in one run, by the same clients.
//
// It prints purchases a second of the gateway as a part of both ways' (at least 0.8 of the floor's is asked for), and
// what the 99th percentile is longer than the floor's (at most 5 ms): the medians of many rounds.
func BenchmarkCreatePurchaseThroughTheGateway(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(GCPercent)) // as the program has it
	s := broker.Plain(b)
	answer := `{"invoiceReferenceId":"20170315072260070"}`
	floor := benchFloor(b, s.Address, answer)
	bare := benchBare(b, s.Address, answer)
	gate := benchGate(b, s.Address, answer)
	const rounds, clients = 25, 16
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	run := func(url string, each int) (took time.Duration, all []time.Duration) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		start := time.Now()
		for range clients {
			wg.Go(func() {
				own := make([]time.Duration, 0, each)
				for range each {
					at := time.Now()
					resp, err := client.Post(url, "application/json", strings.NewReader(wish("K1", "46700000001")))
					if err != nil {
						b.Error(err)
						return
					}
					got, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || string(got) != answer {
						b.Errorf("answered %s, %v", got, err)
						return
					}
					own = append(own, time.Since(at))
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, own...)
			})
		}
		wg.Wait()
		return time.Since(start), all
	}
	for range 2 { // connections are made, and clocks learnt
		run(floor, 20)
		run(bare, 20)
		run(gate, 20)
	}
	each := max(1, b.N/clients/rounds)
	var ofFloor, ofBare, longer, rates, costs []float64
	b.ResetTimer()
	for range rounds { // what else the machine does disturbs some of them
		bareTook, _ := run(bare, each)
		c0 := cpu()
		floorTook, floorAll := run(floor, each)
		c1 := cpu()
		took, all := run(gate, each)
		costs = append(costs, (c1-c0).Seconds()/(cpu()-c1).Seconds())
		if b.Failed() {
			return
		}
		ofFloor = append(ofFloor, floorTook.Seconds()/took.Seconds())
		ofBare = append(ofBare, bareTook.Seconds()/took.Seconds())
		longer = append(longer, (p99(all)-p99(floorAll)).Seconds()*1000)
		rates = append(rates, float64(len(all))/took.Seconds())
	}
	b.StopTimer()
	b.ReportMetric(median(ofFloor), "of-floor/throughput")
	b.ReportMetric(median(ofBare), "of-bare/throughput")
	b.ReportMetric(median(costs), "of-floor/CPU") // of this process: clients, gateway and kiosk
	b.ReportMetric(median(longer), "ms-over-floor/p99")
	b.ReportMetric(median(rates), "purchases/s")
}

// cpu is what this process has used until now, which others' load does not disturb.
func cpu() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func p99(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)*99/100]
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// benchFloor takes HTTP over NATS to an http.Handler, by what the standard library has for it.
func benchFloor(b *testing.B, at, answer string) (url string) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	})
	nc := benchWay(b, at, "floor", func(data []byte) []byte {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return nil
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var out bytes.Buffer
		if err := w.Result().Write(&out); err != nil {
			return nil
		}
		return out.Bytes()
	})
	return benchServe(b, func(w http.ResponseWriter, r *http.Request) error {
		asked, err := httputil.DumpRequest(r, true)
		if err != nil {
			return err
		}
		m, err := nc.RequestWithContext(r.Context(), "floor", asked)
		if err != nil {
			return err
		}
		got, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(m.Data)), r)
		if err != nil {
			return err
		}
		defer got.Body.Close()
		maps.Copy(w.Header(), got.Header)
		w.WriteHeader(got.StatusCode)
		_, err = io.Copy(w, got.Body)
		return err
	})
}

// benchBare takes only the body over NATS.
func benchBare(b *testing.B, at, answer string) (url string) {
	nc := benchWay(b, at, "bare", func([]byte) []byte { return []byte(answer) })
	return benchServe(b, func(w http.ResponseWriter, r *http.Request) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		m, err := nc.RequestWithContext(r.Context(), "bare", body)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		_, err = w.Write(m.Data)
		return err
	})
}

// benchWay is a kiosk that answers on a subject, and a connection to ask it by.
func benchWay(b *testing.B, at, subject string, answer func([]byte) []byte) *nats.Conn {
	kiosk, err := nats.Connect("nats://" + at)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(kiosk.Close)
	// each in a goroutine of its own: what takes a kiosk a second must not keep the next one waiting
	if _, err := kiosk.Subscribe(subject, func(m *nats.Msg) { go m.Respond(answer(m.Data)) }); err != nil {
		b.Fatal(err)
	}
	if err := kiosk.Flush(); err != nil {
		b.Fatal(err)
	}
	nc, err := nats.Connect("nats://" + at)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	return nc
}

// benchServe listens as one may on the internet: whoever is slow is let go.
func benchServe(b *testing.B, pass func(http.ResponseWriter, *http.Request) error) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: headerWithin, ReadTimeout: readWithin, WriteTimeout: answerWithin,
		IdleTimeout: idleWithin, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := pass(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
			}
		})}
	go srv.Serve(l)
	b.Cleanup(func() { srv.Close() })
	return fmt.Sprintf("http://%s/createPurchase", l.Addr())
}

// benchGate is a gateway, and a kiosk whose handler only answers.
func benchGate(b *testing.B, at, answer string) (url string) {
	kiosk, err := nats.Connect("nats://"+at, nats.CustomInboxPrefix(protocol.Inbox("K1")))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(kiosk.Close)
	r, err := relay.New(relay.Config{Kiosk: "K1", Now: boottime,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answer)
		})})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go r.Serve(ctx, kiosk)
	g := New(Config{Listen: "127.0.0.1:0", Servers: []string{"nats://" + at}, AnswerWithin: 3 * time.Second,
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, zerolog.Nop())
	over, listens := make(chan error, 1), make(chan net.Addr, 1)
	go func() { over <- g.Run(ctx, zerolog.Nop(), nil, func(a net.Addr) { listens <- a }) }()
	b.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			b.Error(err)
		}
	})
	url = fmt.Sprintf("http://%s/createPurchase", <-listens)
	said := ""
	for end := time.Now().Add(patience); ; {
		resp, err := http.Post(url, "application/json", strings.NewReader(wish("K1", "1")))
		if err == nil {
			got, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if said = string(got); said == answer {
				return url
			}
		}
		if time.Now().After(end) {
			b.Fatalf("no purchase gets through: %s, %v", said, err)
		}
	}
}
