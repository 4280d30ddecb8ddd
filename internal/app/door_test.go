package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
)

// forge is a createPurchase of somebody who has read the machine's QR.
func (w *world) forge(payer int, amount string) string {
	body := fmt.Sprintf(`{"token": "123456", "amount": %s, "currency": "SEK", "msisdn": "%d"}`, amount, payer)
	r := httptest.NewRecorder()
	w.app.UPS.ServeHTTP(r, httptest.NewRequest("POST", "/seqr/createPurchase", strings.NewReader(body)))
	return r.Body.String()
}

// TestAnHourOfForgedPurchasesWritesAtMostAMegabyteOfLog: each of them that finds the machine free makes a sale, and
// so lines of its own.
func TestAnHourOfForgedPurchasesWritesAtMostAMegabyteOfLog(t *testing.T) {
	play(t, "reservation", func(w *world) {
		before := len(w.log.String())
		for n := range 3600 {
			w.forge(46800000000+n, "50.00")
			w.forge(46900000000+n, "0.01")
			w.forge(46800000000+n, "50.00")
			time.Sleep(time.Second)
		}
		var log string
		for line := range strings.Lines(w.log.String()[before:]) {
			if !strings.Contains(line, `"level":"debug"`) { // which are for --verbose
				log += line
			}
		}
		if t.Logf("%d bytes of log, %d lines", len(log), strings.Count(log, "\n")); len(log) > 1<<20 {
			t.Error("that is more than a megabyte")
		}
	})
}

// TestUnpaidSalesAreSaidAndEndWithAPaidOne: the technician sees why the time for the PIN is short.
func TestUnpaidSalesAreSaidAndEndWithAPaidOne(t *testing.T) {
	play(t, "reservation", func(w *world) {
		for n := range 4 {
			began := time.Now()
			if answer := w.forge(46800000000+n, "50.00"); !strings.Contains(answer, "invoiceReferenceId") {
				t.Fatalf("forged call %d was answered %s", n, answer)
			}
			for w.app.Kiosk.State().Busy() {
				time.Sleep(100 * time.Millisecond)
			}
			if lost := time.Since(began); n < 3 && lost < 59*time.Second || n == 3 && lost > pinHurry+3*time.Second {
				t.Errorf("forged call %d took %v of the machine", n, lost)
			}
		}
		part := func() string {
			for _, p := range w.app.parts() {
				if p.Name == "UPS" {
					return fmt.Sprintf("%v %s %s", p.OK, p.What, p.Do)
				}
			}
			return ""
		}
		if got := part(); !strings.HasPrefix(got,
			"false 3 sales or more in a row were not paid: until one is, a customer has 20s for the PIN") ||
			!strings.Contains(got, "[ups] allow") {
			t.Errorf("the part says %q", got)
		}
		metrics := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Host = "localhost"
		w.app.Local.ServeHTTP(metrics, r)
		for _, want := range []string{"kioskd_unpaid_sales_in_a_row 3", "kioskd_pin_timeout_seconds 20",
			"kioskd_ups_refused_connections_total 0"} {
			if !strings.Contains(metrics.Body.String(), want) {
				t.Errorf("the metrics do not say %q", want)
			}
		}
		ref := w.scan()
		w.confirm(ref)
		w.press("A1")
		if sale := w.settled(); sale.State != fsm.Charged {
			t.Errorf("the customer's sale ended %s", sale.State)
		}
		if got := part(); !strings.HasPrefix(got, "true a customer scanned") {
			t.Errorf("after a paid sale the part says %q", got)
		}
	})
}

// TestFollowersFromTheNetworkLeaveSomeForTheSocket: any user of the machine reaches the loopback port, but not the
// socket.
func TestFollowersFromTheNetworkLeaveSomeForTheSocket(t *testing.T) {
	play(t, "reservation", func(w *world) {
		ctx, stop := context.WithCancel(w.t.Context())
		var wg sync.WaitGroup
		follow := func(h http.Handler) *httptest.ResponseRecorder {
			got := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/api/events", nil).WithContext(ctx)
			r.Host = "127.0.0.1:1"
			wg.Go(func() { h.ServeHTTP(got, r) })
			synctest.Wait()
			return got
		}
		taken := 0
		for range 40 {
			if follow(w.app.Debug).Code == http.StatusOK {
				taken++
			}
		}
		if taken != networkFollowers {
			t.Errorf("%d from the network follow, want %d", taken, networkFollowers)
		}
		for n := range 4 {
			if got := follow(w.app.Local); got.Code != http.StatusOK {
				t.Errorf("technician %d at the socket was answered %d", n, got.Code)
			}
		}
		stop()
		wg.Wait()
	})
}
