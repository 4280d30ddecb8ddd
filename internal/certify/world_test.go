package certify

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/glase"
	"kioskd/glase/glasetest"
	"kioskd/internal/config"
	"kioskd/internal/glasepay"
	"kioskd/internal/identity"
	"kioskd/internal/money"
)

const (
	address  = "http://glase.test/soap/merchant/cashregister-2"
	password = "made-for-this-test"
)

func kr(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// world is a Glase that is as particular as certification, a machine, and who holds the phone.
type world struct {
	glase    *glasetest.Glase
	plan     Plan
	out      bytes.Buffer
	record   bytes.Buffer
	customer http.Handler // while it is listened
}

// RoundTrip carries Glase's own calls to the machine.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	return glasetest.InProcess(w.customer).RoundTrip(r)
}

// hand holds a phone at this Glase.
type hand struct {
	glase *glasetest.Glase
	offer money.Amount
	stuck bool // scans, and gives no PIN
	gone  bool // does nothing at all
	asked *sync.WaitGroup
}

func (h hand) Pay(ctx context.Context, w Wish) <-chan error {
	done := make(chan error, 1)
	if h.gone {
		return done
	}
	h.asked.Go(func() {
		seen, err := h.glase.Scan(ctx, glasetest.Scan{QR: w.QR, Amount: h.offer})
		if err == nil && !h.stuck {
			_, err = h.glase.Confirm(seen.Reference, "1234")
		}
		done <- err
	})
	return done
}

// play lets a machine and a Glase live on virtual time.
func play(t *testing.T, story func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{customer: http.NotFoundHandler()}
		w.glase = glasetest.New(glasetest.Config{Strict: true, Certify: true, Transport: w,
			UPS: map[string]string{"123456": "http://kiosk.test/seqr/createPurchase"}})
		defer w.glase.Close()
		var phones sync.WaitGroup
		defer phones.Wait()
		vat := 25
		m := config.Default()
		m.Machine = config.Machine{Name: "Lobby", Token: "123456", Language: "en", Currency: "SEK", Timezone: time.UTC}
		m.Glase = config.Glase{Endpoint: address, MerchantID: glasetest.TestReseller, ClientID: "Bar AB",
			ReservationTimeout: 10 * time.Minute}
		m.UPS = config.UPS{Listen: "127.0.0.1:1", PublicURL: "http://kiosk.test/seqr", PathPrefix: "/seqr"}
		m.Slots = []config.Slot{{ID: "A1", Name: "Nuts", Price: kr(2000)},
			{ID: "A2", Name: "Water", Price: kr(1500), VAT: &vat, EAN: "7310865004703"}}
		w.plan = Plan{
			Machine: m, Folder: t.TempDir(), Password: password, SeqrID: "ABC123",
			Terminal: identity.Identity{TerminalID: glasetest.TestTerminal,
				Password: identity.NewSecret(glasetest.TestTerminalPassword)},
			Person: hand{glase: w.glase, offer: kr(20000), asked: &phones},
			Wait:   time.Minute, Patience: 30 * time.Second,
			Mint: rand.Text, Wall: time.Now, Out: &w.out,
			Record: NewRecord(&w.record, time.Now, password, glasetest.TestTerminalPassword,
				glasetest.TestResellerPassword),
			Listen: func(ctx context.Context, h http.Handler, work func(context.Context) error) error {
				var calls sync.WaitGroup
				defer calls.Wait() // as a server that is shut down does
				w.customer = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					calls.Add(1)
					defer calls.Done()
					h.ServeHTTP(rw, r)
				})
				return work(ctx)
			},
		}
		line := w.plan.Record.Line(w.glase.Transport())
		w.plan.Client = func(i identity.Identity) (*glase.Client, error) {
			return glase.New(glase.Config{Endpoint: address, ClientID: "Bar AB", Transport: line,
				TerminalID: i.TerminalID, Password: i.Password.Reveal(),
				NewReference: glasepay.References("0.2.0", rand.Reader),
				Reseller: &glase.Reseller{ID: glasetest.TestReseller, UserID: glasetest.TestResellerUser,
					Password: glasetest.TestResellerPassword},
			})
		}
		story(t, w)
	})
}

// trouble sets one fault.
func (w *world) trouble(t *testing.T, f glasetest.Fault) {
	t.Helper()
	if err := w.glase.SetFaults(glasetest.Faults{Rules: []glasetest.Fault{f}}); err != nil {
		t.Fatal(err)
	}
}
