package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	askersMax = 4
	askEvery  = 50 * time.Millisecond // of each asker
	askFor    = 30 * time.Second      // how long an asker waits for a gateway, which answers much sooner or is dead
	// nothing is served later than its gateway gave up, but by what the machine takes for a goroutine's next step
	afterMax = time.Second
)

// asker asks kiosks for a purchase through the gateways, as Glase does, and remembers each answer.
type asker struct {
	asked []asking
}

// asking is one request, and what came of it.
type asking struct {
	kiosk   *simulated
	text    string
	answer  said
	err     error     // there was no answer
	endedAt time.Time // when the asker knew
}

// ask asks until ctx ends.
func (a *asker) ask(ctx context.Context, number int, f *Fleet, kiosks []*simulated) {
	client := &http.Client{Timeout: askFor}
	for n := 0; ctx.Err() == nil; n++ {
		k := kiosks[rand.IntN(len(kiosks))]
		q := asking{kiosk: k, text: fmt.Sprintf("%d/%d", number, n)}
		at := f.GateAt[rand.IntN(len(f.GateAt))]
		q.answer, q.err = purchase(client, at+"/k/"+k.id+"/createPurchase", q.text)
		q.endedAt = time.Now()
		a.asked = append(a.asked, q)
		time.Sleep(askEvery)
	}
}

func purchase(client *http.Client, to, text string) (s said, err error) {
	answer, err := client.Post(to, "application/json", strings.NewReader(text))
	if err != nil {
		return s, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil {
		return s, err
	}
	if answer.StatusCode != http.StatusOK {
		return s, fmt.Errorf("%s: %s", answer.Status, body)
	}
	return s, json.Unmarshal(body, &s)
}

// begin has some ask until ctx ends, and gives what they remember.
func begin(ctx context.Context, f *Fleet, kiosks []*simulated, work *sync.WaitGroup) (all []*asker) {
	for n := range askersMax {
		a := &asker{}
		all = append(all, a)
		work.Go(func() { a.ask(ctx, n, f, kiosks) })
	}
	return all
}

// judge finds whether each request was answered by its kiosk, or by nobody: then nothing came of it later either.
func judge(t *testing.T, all []*asker) {
	t.Helper()
	answered, unavailable, unheard := 0, 0, 0
	for _, a := range all {
		for _, q := range a.asked {
			served := q.kiosk.asked.of(q.text)
			switch {
			case len(served) > 1:
				t.Errorf("%s served one request %d times", q.kiosk.id, len(served))
			case q.err != nil:
				unheard++
			case q.answer.Code == "DEVICE_UNAVAILABLE" && q.answer.Kiosk == "":
				unavailable++
				if len(served) > 0 && served[0].Sub(q.endedAt) > afterMax {
					t.Errorf("%s served a request %v after its asker was told that nobody does", q.kiosk.id,
						served[0].Sub(q.endedAt))
				}
			case q.answer.Kiosk != q.kiosk.id || q.answer.Of != q.text:
				t.Errorf("%s was asked %q, and the answer is %+v", q.kiosk.id, q.text, q.answer)
			default:
				answered++
			}
		}
	}
	t.Logf("%d requests through the gateways: %d answered by their kiosk, %d DEVICE_UNAVAILABLE, %d unheard since a "+
		"gateway or its line was dead", answered+unavailable+unheard, answered, unavailable, unheard)
	if answered == 0 {
		t.Error("no kiosk was ever reached")
	}
}
