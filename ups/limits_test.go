package ups

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
)

func TestAFloodCannotKeepTheCustomerOfTheSaleOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{secrets: map[string]bool{secret: true}}
		h := newHandler(t, m, nil)
		if r := direct(h, wish("20.00", msisdn)); !r.isReference() {
			t.Fatal(r.body)
		}
		for second := range 60 {
			for i := range 200 {
				if r := direct(h, wish("20.00", fmt.Sprintf("46%03d%03d", second, i))); r.status != 200 ||
					!r.isCode(DeviceInUse) {
					t.Fatalf("a stranger was answered %d %s", r.status, r.body)
				}
			}
			if r := direct(h, wish("20.00", msisdn)); !r.isReference() {
				t.Fatalf("in second %d the customer's repeat was answered %s", second, r.body)
			}
			if status := hint(h, secret); status != 200 {
				t.Fatalf("in second %d the notification was answered %d", second, status)
			}
			time.Sleep(time.Second)
		}
		// 60 repeats and the strangers' burst, then one each freshEvery.
		if most := 1 + 60 + freshBurst + int(time.Minute/freshEvery); m.calls() > most {
			t.Errorf("the kiosk was asked %d times, want at most %d", m.calls(), most)
		}
	})
}

func TestACustomerWhoseInvoiceIsStillUnderWayIsRecognised(t *testing.T) {
	for name, wait := range map[string]time.Duration{"while invoicing": time.Second,
		"after the answer came too late": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				done := make(chan struct{})
				m := &machine{}
				m.instead = func(ctx context.Context, p Purchase) (string, ErrorCode) {
					if p.Payer != msisdn {
						return "", DeviceInUse
					}
					select { // a repeat joins, whenever it comes
					case <-done:
						return "20170315072260070", ""
					case <-ctx.Done():
						return "", SystemError
					}
				}
				h := newHandler(t, m, nil)
				go direct(h, wish("20.00", msisdn))
				time.Sleep(wait)
				for range 100 {
					direct(h, wish("20.00", "46700000001"))
				}
				close(done)
				if r := direct(h, wish("20.00", msisdn)); !r.isReference() {
					t.Errorf("the repeat was answered %s", r.body)
				}
			})
		})
	}
}

func TestWrongTokensTakeNothingFromTheRightOne(t *testing.T) {
	m := &machine{}
	h := newHandler(t, m, nil)
	for range 10_000 {
		if r := direct(h, strings.Replace(wish("20.00", msisdn), token, "1", 1)); r.status != 200 ||
			!r.isCode(SystemError) {
			t.Fatalf("answered %d %s", r.status, r.body)
		}
	}
	if r := direct(h, wish("20.00", msisdn)); !r.isReference() || m.calls() != 1 {
		t.Errorf("the right token was answered %s; kiosk asked %d times", r.body, m.calls())
	}
}

func TestALimitedPurchaseIsAnsweredInJSONWith200AndPassesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{instead: func(context.Context, Purchase) (string, ErrorCode) { return "", DeviceUnavailable }}
		h := newHandler(t, m, nil)
		limited := 0
		for i := range 100 {
			r := direct(h, wish("20.00", fmt.Sprint(46700000000+i)))
			if r.status != 200 || !r.isCode(DeviceUnavailable) && !r.isCode(DeviceInUse) ||
				r.header.Get("Content-Type") != "application/json;charset=UTF-8" {
				t.Fatalf("answered %d %s", r.status, r.body)
			}
			if r.isCode(DeviceInUse) {
				limited++
			}
		}
		if limited != 100-freshBurst || m.calls() != freshBurst {
			t.Errorf("%d were limited, %d reached the kiosk", limited, m.calls())
		}
		time.Sleep(freshEvery)
		if r := direct(h, wish("20.00", "46700000000")); !r.isCode(DeviceUnavailable) {
			t.Errorf("later: %s", r.body)
		}
	})
}

func TestCallsToAHangingKioskAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		m := &machine{instead: func(context.Context, Purchase) (string, ErrorCode) { <-hang; return "", SystemError }}
		h := newHandler(t, m, nil)
		for range 60 {
			for range 20 {
				go direct(h, wish("20.00", msisdn))
			}
			time.Sleep(time.Second)
		}
		if m.calls() != outstandingMax {
			t.Errorf("%d calls are outstanding, want %d", m.calls(), outstandingMax)
		}
		if r := direct(h, wish("20.00", msisdn)); !r.isCode(DeviceInUse) {
			t.Errorf("one more was answered %s", r.body)
		}
		close(hang)
		synctest.Wait()
		if r := direct(h, wish("20.00", msisdn)); !r.isCode(SystemError) || m.calls() != outstandingMax+1 {
			t.Errorf("after they came back: %s", r.body)
		}
	})
}

func hint(h http.Handler, secret string) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/seqr/notify/"+secret, nil))
	return w.Code
}

func TestANotificationIsAHintWhoseBodyMeansNothing(t *testing.T) {
	m := &machine{secrets: map[string]bool{secret: true}}
	s := serve(t, m, nil)
	url := NotificationURL(s+"/seqr", secret)
	for _, c := range [][2]string{{"", ""}, {"application/json", `{"invoiceReference":"1"}`},
		{"text/xml; charset=latin1", "<oops\xff"},
		{"application/x-www-form-urlencoded", "invoiceReference=1"}, {"", strings.Repeat("x", 100<<10)}} {
		if r := send(t, "POST", url, c[0], c[1]); r.status != 200 || r.body != "" {
			t.Errorf("%q: answered %d %s", c[0], r.status, r.body)
		}
	}
	if m.hints != 5 {
		t.Errorf("the kiosk got %d hints, want 5: each doubled one too", m.hints)
	}
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		if r := send(t, method, url, "", ""); r.status != 405 || r.header.Get("Allow") != "POST" {
			t.Errorf("%s: %d", method, r.status)
		}
	}
	if r := send(t, "POST", url[:len(url)-1], "", ""); r.status != 404 {
		t.Errorf("an unknown secret: %d", r.status)
	}
	delete(m.secrets, secret) // the sale ends
	if r := send(t, "POST", url, "", ""); r.status != 404 {
		t.Errorf("an ended sale: %d", r.status)
	}
}

type panicking struct{ machine }

func (*panicking) Notify(string) bool { panic(secret) }

func TestTheLogHoldsNoPhoneNumberTokenOrSecret(t *testing.T) {
	var log lockedBuffer
	ok := &machine{secrets: map[string]bool{secret: true}}
	bad := &panicking{machine{instead: func(_ context.Context, p Purchase) (string, ErrorCode) { panic(p.Payer) }}}
	for _, k := range []Kiosk{ok, bad} {
		s := serve(t, k, &log)
		purchase(t, s, wish("20.00", msisdn))
		purchase(t, s, wish("-1", msisdn))
		purchase(t, s, wish("20.00", msisdn)+"x")
		send(t, "POST", s+"/seqr/notify/"+secret, "", msisdn)
		send(t, "GET", s+"/seqr/notify/"+secret+"?"+msisdn, "", "")
		send(t, msisdn, s+"/"+msisdn, "text/"+msisdn+"; charset="+msisdn, msisdn)
		send(t, "POST", s+"/seqr/createPurchase?msisdn="+msisdn, "text/plain; charset="+msisdn, wish("1", msisdn))
	}
	for _, never := range []string{msisdn, token, secret} {
		if strings.Contains(log.String(), never) {
			t.Errorf("%s is in the log:\n%s", never, log.String())
		}
	}
	for _, want := range []string{
		`{"level":"info","method":"POST","path":"createPurchase","status":200,"took_ms":`,
		`"code":"SYSTEM_ERROR","why":"amount"`,
		`"code":"SYSTEM_ERROR","why":"the kiosk panicked"`,
		`"method":"GET","path":"notify","status":405`,
		`"method":"other","path":"other","status":404`,
		`"level":"error","stack":"goroutine`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
}

func TestAFloodFillsNoLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		h := newHandler(t, &machine{}, &log)
		for range 10 {
			for range 300 {
				hint(h, "unknown")
				direct(h, "")
			}
			time.Sleep(time.Second)
		}
		if lines := strings.Count(log.String(), "\n"); lines > noiseBurst+int(10*time.Second/noiseEvery) {
			t.Errorf("6,000 requests wrote %d lines", lines)
		}
		for range 10 { // the share of the last second is used up
			direct(h, "")
		}
		if r := direct(h, wish("20.00", msisdn)); !r.isReference() {
			t.Error(r.body)
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if last := lines[len(lines)-1]; !strings.Contains(last, `"path":"createPurchase","status":200`) ||
			!strings.Contains(last, `"unlogged":`) {
			t.Error("the purchase has no line, or it does not say that others were left out")
		}
	})
}

func TestTwoHundredAtOnceAreEachAnswered(t *testing.T) {
	m := &machine{secrets: map[string]bool{secret: true}}
	s := serve(t, m, nil)
	if r := purchase(t, s, wish("20.00", msisdn)); !r.isReference() {
		t.Fatal(r.body)
	}
	work := make(chan int)
	var wg sync.WaitGroup
	for range 8 { // connections at once, below the server's bound for one address
		wg.Go(func() {
			for i := range work {
				switch i % 4 {
				case 0:
					if r := purchase(t, s, wish("20.00", fmt.Sprint(46700000000+i))); r.status != 200 ||
						!r.isCode(DeviceInUse) {
						t.Errorf("a stranger: %d %s", r.status, r.body)
					}
				case 1:
					if r := purchase(t, s, "{"); r.status != 400 || !r.isCode(SystemError) {
						t.Errorf("half a body: %d %s", r.status, r.body)
					}
				case 2:
					if r := send(t, "POST", s+"/seqr/notify/"+secret, "", ""); r.status != 200 {
						t.Errorf("a notification: %d", r.status)
					}
				case 3:
					if r := purchase(t, s, wish("20.00", msisdn)); r.status != 200 || !r.isReference() {
						t.Errorf("the customer's repeat: %d %s", r.status, r.body)
					}
				}
			}
		})
	}
	for i := range 200 {
		work <- i
	}
	close(work)
	wg.Wait()
}
