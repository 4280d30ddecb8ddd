package ups

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAnswerComesInTimeWhateverTheKioskDoes(t *testing.T) {
	for name, c := range map[string]struct {
		kiosk func(context.Context, Purchase) (string, ErrorCode)
		after time.Duration
	}{
		"hangs": {func(context.Context, Purchase) (string,
			ErrorCode) {
			time.Sleep(time.Hour)
			return "late", ""
		}, 9 * time.Second},
		"obeys the context": {func(ctx context.Context, _ Purchase) (string, ErrorCode) {
			<-ctx.Done()
			return "",
				SystemError
		}, 9 * time.Second},
		"panics": {func(context.Context, Purchase) (string, ErrorCode) { panic(msisdn) }, 0},
		"ends": {func(context.Context, Purchase) (string, ErrorCode) { runtime.Goexit(); return "", "" },
			0},
		"says nothing":    {func(context.Context, Purchase) (string, ErrorCode) { return "", "" }, 0},
		"says both":       {func(context.Context, Purchase) (string, ErrorCode) { return "1", DeviceInUse }, 0},
		"makes up a code": {func(context.Context, Purchase) (string, ErrorCode) { return "", "OUT_OF_CHOCOLATE" }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := servePipes(t, newHandler(t, &machine{instead: c.kiosk}, nil))
				start := time.Now()
				r := read(t, p.post(t, wish("20.00", msisdn)))
				if took := time.Since(start); r.status != 200 || !r.isCode(SystemError) || took != c.after {
					t.Errorf("answered %d %s after %v, want %v", r.status, r.body, took, c.after)
				}
				time.Sleep(time.Hour) // the hanging call ends inside the bubble
			})
		})
	}
}

func TestTheKioskHearsOfTheDeadlineAndOfNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan context.Context, 1)
		m := &machine{instead: func(ctx context.Context, _ Purchase) (string, ErrorCode) {
			asked <- ctx
			<-ctx.Done()
			return "", SystemError
		}}
		p := servePipes(t, newHandler(t, m, nil))
		start := time.Now()
		c := p.post(t, wish("20.00", msisdn))
		ctx := <-asked
		c.Close() // Glase's line is lost
		time.Sleep(8 * time.Second)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Error("the sale was cancelled because its caller went away")
		}
		<-ctx.Done()
		if took := time.Since(start); took != 9*time.Second {
			t.Errorf("the kiosk was told to stop after %v", took)
		}
	})
}

func TestABodyThatNeverEndsIsAnsweredAndNeverReachesTheKiosk(t *testing.T) {
	for name, head := range map[string]string{
		"said length": "Content-Length: 200\r\n\r\n" + `{"token": "29834`,
		"chunked":     "Transfer-Encoding: chunked\r\n\r\n5\r\n" + `{"tok` + "\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &machine{}
			c := servePipes(t, newHandler(t, m, nil)).dial(t)
			start := time.Now()
			fmt.Fprint(c, "POST /seqr/createPurchase HTTP/1.1\r\nHost: kiosk\r\n"+head)
			r := read(t, c)
			if took := time.Since(start); r.status != 400 || !r.isCode(SystemError) || took != readWithin ||
				m.calls() != 0 {
				t.Errorf("%s: answered %d %s after %v; kiosk asked %d times", name, r.status, r.body, took, m.calls())
			}
		})
	}
}

func TestASlowBodyTakesFromTheSameNineSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{instead: func(ctx context.Context, _ Purchase) (string, ErrorCode) {
			<-ctx.Done()
			return "",
				SystemError
		}}
		c := servePipes(t, newHandler(t, m, nil)).dial(t)
		body := wish("20.00", msisdn)
		start := time.Now()
		fmt.Fprintf(c, "POST /seqr/createPurchase HTTP/1.1\r\nHost: kiosk\r\nContent-Length: %d\r\n\r\n", len(body))
		time.Sleep(4 * time.Second)
		fmt.Fprint(c, body)
		r := read(t, c)
		if took := time.Since(start); !r.isCode(SystemError) || took != 9*time.Second || m.calls() != 1 {
			t.Errorf("answered %s after %v", r.body, took)
		}
	})
}

// slowBody yields its text after a while, on a way that has no read timeout.
type slowBody struct {
	strings.Reader
	after time.Duration
}

func (s *slowBody) Read(p []byte) (int, error) {
	time.Sleep(s.after)
	s.after = 0
	return s.Reader.Read(p)
}

func TestNoSaleBeginsAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{}
		w := httptest.NewRecorder()
		body := &slowBody{*strings.NewReader(wish("20.00", msisdn)), 10 * time.Second}
		newHandler(t, m, nil).ServeHTTP(w, httptest.NewRequest("POST", "/seqr/createPurchase", body))
		synctest.Wait()
		if r := (reply{w.Code, w.Header(), w.Body.String()}); !r.isCode(SystemError) || m.calls() != 0 {
			t.Errorf("answered %s after asking %d times", r.body, m.calls())
		}
	})
}

// TestARequestsOwnDeadlineIsObeyed: whoever brought it may not have nine seconds.
func TestARequestsOwnDeadlineIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{instead: func(ctx context.Context, _ Purchase) (string, ErrorCode) {
			<-ctx.Done()
			return "", SystemError
		}}
		h := newHandler(t, m, nil)
		for _, left := range []time.Duration{2 * time.Second, 0} {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			defer cancel()
			w, start := httptest.NewRecorder(), time.Now()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/seqr/createPurchase",
				strings.NewReader(wish("20.00", msisdn))).WithContext(ctx))
			synctest.Wait()
			if took := time.Since(start); took != left || !strings.Contains(w.Body.String(), string(SystemError)) {
				t.Errorf("with %v left it is answered after %v: %s", left, took, w.Body)
			}
		}
		if m.calls() != 1 {
			t.Errorf("the kiosk was asked %d times", m.calls())
		}
	})
}

// endless counts what is read of it.
type endless int

func (e *endless) Read(p []byte) (int, error) {
	if *e > 100*drainMax {
		return 0, io.EOF // a test that fails should end as well
	}
	*e += endless(len(p))
	return copy(p, strings.Repeat("[", len(p))), nil
}

func TestNoMoreIsReadOfABodyThanItsBound(t *testing.T) {
	var body endless
	w := httptest.NewRecorder()
	newHandler(t, &machine{}, nil).ServeHTTP(w, httptest.NewRequest("POST", "/seqr/createPurchase", &body))
	if most := endless(bodyMax + 1 + drainMax); w.Code != 413 || body > most {
		t.Errorf("answered %d after reading %d bytes, want at most %d", w.Code, body, most)
	}
}

func TestWhoSendsAMebibyteInOneGoReadsTheRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a pipe has no buffer: a byte that is not read is not sent
		p := servePipes(t, newHandler(t, &machine{}, nil))
		if r := read(t, p.post(t, strings.Repeat("[", 1<<20))); r.status != 413 || !r.isCode(SystemError) {
			t.Errorf("answered %d %s", r.status, r.body)
		}
	})
}

func TestASilentConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := servePipes(t, http.NotFoundHandler()).dial(t)
		start := time.Now()
		fmt.Fprint(c, "POST /seqr/createPurchase HTTP/1.1\r\nHost:")
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("got %d bytes", n)
		}
		if took := time.Since(start); took != headerWithin {
			t.Errorf("closed after %v", took)
		}
	})
}
