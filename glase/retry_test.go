package glase

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hang answers nothing until the request is given up.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// The outcomes that an attempt may have.
var (
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	outcomes = map[string]struct {
		kind   string // unknown, busy, notsent, final
		answer func(op string, r *http.Request) (*http.Response, error)
	}{
		"timeout": {"unknown", func(_ string, r *http.Request) (*http.Response, error) { return hang(r) }},
		"lost answer": {"unknown", func(string, *http.Request) (*http.Response, error) {
			return nil,
				io.ErrUnexpectedEOF
		}},
		"reset": {"unknown", func(string, *http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
		}},
		"fault": {"unknown",
			func(string, *http.Request) (*http.Response, error) { return reply(500, faultBody) }},
		"fault200": {"unknown",
			func(string, *http.Request) (*http.Response, error) { return reply(200, faultBody) }},
		"502": {"unknown",
			func(string, *http.Request) (*http.Response, error) { return reply(502, "Bad gateway") }},
		"500 with a success inside": {"unknown",
			func(op string, _ *http.Request) (*http.Response, error) { return reply(500, success(op)) }},
		"401": {"unknown",
			func(string, *http.Request) (*http.Response, error) { return reply(401, "") }},
		"404": {"unknown",
			func(string, *http.Request) (*http.Response, error) { return reply(404, "") }},
		"redirect": {"unknown", func(string, *http.Request) (*http.Response, error) {
			resp, err := reply(302, "")
			resp.Header.Set("Location", "http://elsewhere.example/")
			return resp, err
		}},
		"HTML": {"unknown", func(string, *http.Request) (*http.Response,
			error) {
			return reply(200, "<html>hello</html>")
		}},
		"90": {"unknown", func(op string, _ *http.Request) (*http.Response,
			error) {
			return reply(200, result(op, 90))
		}},
		"94": {"unknown", func(op string, _ *http.Request) (*http.Response,
			error) {
			return reply(200, result(op, 94))
		}},
		"93": {"busy", func(op string, _ *http.Request) (*http.Response,
			error) {
			return reply(200, result(op, 93))
		}},
		"refused connection": {"notsent", func(string, *http.Request) (*http.Response, error) { return nil, errDial }},
		"11": {"final", func(op string, _ *http.Request) (*http.Response,
			error) {
			return reply(200, result(op, 11))
		}},
		"48": {"final", func(op string, _ *http.Request) (*http.Response,
			error) {
			return reply(200, result(op, 48))
		}},
		"98": {"final", func(op string, _ *http.Request) (*http.Response,
			error) {
			return reply(200, result(op, 98))
		}},
		"777": {"final", func(op string, _ *http.Request) (*http.Response,
			error) {
			return reply(200, result(op, 777))
		}},
	}
)

const faultBody = `<s:Envelope xmlns:s="` + soapSpace +
	`"><s:Body><s:Fault><faultcode>s:Server</faultcode><faultstring>down</faultstring></s:Fault></s:Body></s:Envelope>`

// rules is the retry table as the merchant needs it, written down once more: whether an unknown outcome is repeated,
// whether a certain "not done" is, and how long a call may take.
var rules = map[string]struct {
	unknown, notDone bool
	within           time.Duration
}{
	"sendInvoice":           {true, true, 8 * time.Second},
	"getPaymentStatus":      {false, false, 3 * time.Second},
	"updateInvoice":         {true, true, 10 * time.Second},
	"commitReservation":     {false, true, 10 * time.Second},
	"cancelInvoice":         {true, true, 10 * time.Second},
	"refundPayment":         {false, true, 10 * time.Second},
	"refundPayment full":    {true, true, 10 * time.Second},
	"submitPaymentReceipt":  {true, true, 15 * time.Second},
	"registerTerminal":      {false, false, 3 * time.Second},
	"unregisterTerminal":    {true, true, 15 * time.Second},
	"assignSeqrId":          {true, true, 15 * time.Second},
	"markTransactionPeriod": {true, true, 15 * time.Second},
	"executeReport":         {true, true, 60 * time.Second},
}

func kindOf(err error) string {
	var unknown *UnknownError
	var notSent *NotSentError
	var refused *ResultError
	kinds := ""
	if errors.As(err, &unknown) {
		kinds += "unknown"
	}
	if errors.As(err, &notSent) {
		kinds += "notsent"
	}
	if errors.As(err, &refused) {
		if refused.Code == CodeSystemBusy {
			kinds += "busy"
		} else {
			kinds += "final"
		}
	}
	return kinds
}

func TestRetriesBelongToTheOperation(t *testing.T) {
	for _, call := range calls() {
		for name, outcome := range outcomes {
			synctest.Test(t, func(t *testing.T) {
				rt := &transport{answer: func(_ int, r *http.Request) (*http.Response,
					error) {
					return outcome.answer(call.op, r)
				}}
				start := time.Now()
				err := call.do(t.Context(), newClient(t, config(rt)))
				took, rule := time.Since(start), rules[call.key]
				if got := kindOf(err); got != outcome.kind {
					t.Errorf("%s: %s: %v is %q, want %q", call.key, name, err, got, outcome.kind)
				}
				again := outcome.kind == "unknown" && rule.unknown ||
					(outcome.kind == "busy" || outcome.kind == "notsent") && rule.notDone
				if n := len(rt.bodies); n > 1 != again {
					t.Errorf("%s: %s: %d attempts, repeated should be %v", call.key, name, n, again)
				}
				if took > rule.within {
					t.Errorf("%s: %s: took %v", call.key, name, took)
				}
				for _, b := range rt.bodies {
					if b != rt.bodies[0] {
						t.Errorf("%s: %s: an attempt differs from the first", call.key, name)
					}
				}
			})
		}
	}
}

func TestAnotherAttemptThatSucceedsIsASuccess(t *testing.T) {
	for _, call := range calls() {
		for name, outcome := range outcomes {
			rule := rules[call.key]
			if !(outcome.kind == "unknown" && rule.unknown || (outcome.kind == "busy" || outcome.kind == "notsent") &&
				rule.notDone) {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				rt := &transport{answer: func(n int, r *http.Request) (*http.Response, error) {
					if n == 1 {
						return outcome.answer(call.op, r)
					}
					return reply(200, success(call.op))
				}}
				if err := call.do(t.Context(), newClient(t, config(rt))); err != nil || len(rt.bodies) != 2 {
					t.Errorf("%s: %s: %v after %d attempts", call.key, name, err, len(rt.bodies))
				}
			})
		}
	}
}

// TestARepeatedSendInvoiceSaysSo: there may be another invoice than the one that it names.
func TestARepeatedSendInvoiceSaysSo(t *testing.T) {
	for name, outcome := range outcomes {
		if outcome.kind == "final" {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			rt := &transport{answer: func(n int, r *http.Request) (*http.Response, error) {
				if n == 1 {
					return outcome.answer("sendInvoice", r)
				}
				return reply(200, success("sendInvoice"))
			}}
			c, invoice := newClient(t, config(rt)), simpleInvoice()
			for want := outcome.kind == "unknown"; ; want = false { // and the next call begins anew
				if sent, err := c.SendInvoice(t.Context(), invoice); err != nil || sent.Repeated != want {
					t.Errorf("%s: %+v, %v, want repeated %v", name, sent, err, want)
				}
				if !want {
					break
				}
			}
		})
	}
}

func TestAnUnknownAttemptIsNotForgottenForALaterOne(t *testing.T) {
	for later, want := range map[string]string{"93": "unknown", "refused connection": "unknown", "11": "final"} {
		synctest.Test(t, func(t *testing.T) {
			rt := &transport{answer: func(n int, r *http.Request) (*http.Response, error) {
				if n == 1 {
					return nil, io.ErrUnexpectedEOF
				}
				return outcomes[later].answer("updateInvoice", r)
			}}
			err := newClient(t, config(rt)).UpdateInvoice(t.Context(), "1", simpleInvoice())
			if kindOf(err) != want {
				t.Errorf("unknown, then %s: %v", later, err)
			}
			var refused *ResultError
			if errors.As(err, &refused) && !refused.AfterUnknown {
				t.Errorf("%v does not say that an earlier attempt was unknown", err)
			}
			if want == "unknown" && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v has lost the reason", err)
			}
		})
	}
}

func TestOnlyAFullRefundIsProvenByASumThatIsTooMuch(t *testing.T) {
	for _, full := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			rt := &transport{answer: func(n int, r *http.Request) (*http.Response, error) {
				if n == 1 {
					return hang(r)
				}
				return reply(200, result("refundPayment", CodeRefundsExceedPayment))
			}}
			reference, err := newClient(t, config(rt)).RefundPayment(t.Context(), "E", Invoice{Total: sek(500)}, full)
			if full && (reference != "" || err != nil || len(rt.bodies) != 2) {
				t.Errorf("full: %q, %v after %d attempts", reference, err, len(rt.bodies))
			}
			if !full && (kindOf(err) != "unknown" || len(rt.bodies) != 1) {
				t.Errorf("partial: %v after %d attempts", err, len(rt.bodies))
			}
		})
	}
	for what, first := range map[string]string{"at once": "98", "after a busy system": "93"} {
		synctest.Test(t, func(t *testing.T) {
			rt := &transport{answer: func(n int, r *http.Request) (*http.Response, error) {
				if n == 1 {
					return outcomes[first].answer("refundPayment", r)
				}
				return reply(200, result("refundPayment", CodeRefundsExceedPayment))
			}}
			_, err := newClient(t, config(rt)).RefundPayment(t.Context(), "E", Invoice{Total: sek(500)}, true)
			var refused *ResultError
			if !errors.As(err, &refused) || refused.Code != CodeRefundsExceedPayment || refused.AfterUnknown {
				t.Errorf("98 %s: %v", what, err)
			}
		})
	}
}

func TestAReportIsAskedForAgainUntilItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := &transport{answer: func(n int, r *http.Request) (*http.Response, error) {
			if n < 4 {
				return reply(200, result("executeReport", CodeReportNotReady))
			}
			return reply(200, success("executeReport"))
		}}
		start := time.Now()
		r, err := newClient(t, config(rt)).ExecuteReport(t.Context(), ReportRequest{ReportID: ReportShop})
		if err != nil || string(r.Content) != "x" || time.Since(start) != 9*time.Second {
			t.Errorf("%+v, %v after %v", r, err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		rt := always(200, result("executeReport", CodeReportNotReady))
		start := time.Now()
		_, err := newClient(t, config(rt)).ExecuteReport(t.Context(), ReportRequest{ReportID: ReportShop})
		var refused *ResultError
		if !errors.As(err, &refused) || refused.Code != CodeReportNotReady || time.Since(start) > reportBudget {
			t.Errorf("never ready: %v after %v", err, time.Since(start))
		}
	})
}

func TestTheCallersPatienceBoundsEveryCall(t *testing.T) {
	for _, call := range calls() {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			rt := &transport{answer: func(_ int, r *http.Request) (*http.Response, error) { return hang(r) }}
			start := time.Now()
			err := call.do(ctx, newClient(t, config(rt)))
			if kindOf(err) != "unknown" || time.Since(start) != 2*time.Second {
				t.Errorf("%s: %v after %v", call.key, err, time.Since(start))
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v does not say that time ran out", call.key, err)
			}
		})
	}
}

func TestACancelledPauseKeepsTheLastOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel) // within the first pause
		rt := always(200, result("commitReservation", CodeSystemBusy))
		err := newClient(t, config(rt)).CommitReservation(ctx, "1", sek(5))
		if kindOf(err) != "busy" || len(rt.bodies) != 1 {
			t.Errorf("%v after %d attempts", err, len(rt.bodies))
		}
	})
}

func TestNothingIsSentOnceTheContextIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, call := range calls() {
		rt := always(200, success(call.op))
		if err := call.do(ctx, newClient(t, config(rt))); kindOf(err) != "notsent" || len(rt.bodies) > 0 {
			t.Errorf("%s: %v, %d sent", call.key, err, len(rt.bodies))
		}
	}
}

func TestNoAttemptIsBegunThatWouldBeCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Busy, and slow to say so: with less than attemptMin left a commit would only turn "not done" into "unknown".
		rt := &transport{answer: func(_ int, r *http.Request) (*http.Response, error) {
			select {
			case <-r.Context().Done():
				return nil, r.Context().Err()
			case <-time.After(900 * time.Millisecond):
				return reply(200, result("commitReservation", CodeSystemBusy))
			}
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if err := newClient(t, config(rt)).CommitReservation(ctx, "1", sek(5)); kindOf(err) != "busy" ||
			len(rt.bodies) != 1 {
			t.Errorf("%v after %d attempts", err, len(rt.bodies))
		}
	})
}

func TestAStatusNeverTakesLongerThanThreeSeconds(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 3 * time.Second, 10 * time.Second: 3 * time.Second,
		time.Second: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			cfg := config(&transport{answer: func(_ int, r *http.Request) (*http.Response, error) { return hang(r) }})
			cfg.Timeout = timeout
			start := time.Now()
			_, err := newClient(t, cfg).GetPaymentStatus(t.Context(), "1", 0)
			if kindOf(err) != "unknown" || time.Since(start) != want {
				t.Errorf("timeout %v: %v after %v", timeout, err, time.Since(start))
			}
		})
	}
}

func TestTheLogHearsOfEachAttemptThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := &transport{answer: func(n int, r *http.Request) (*http.Response, error) {
			if n < 3 {
				return reply(200, result("cancelInvoice", CodeSystemBusy))
			}
			return reply(200, success("cancelInvoice"))
		}}
		var heard []int
		cfg := config(rt)
		cfg.Log = func(op string, attempt int, err error) {
			if op != "cancelInvoice" || !strings.Contains(err.Error(), "SYSTEM_BUSY") {
				t.Errorf("%s: %v", op, err)
			}
			heard = append(heard, attempt)
		}
		if err := newClient(t, cfg).CancelInvoice(t.Context(), "1"); err != nil || len(heard) != 2 || heard[0] != 1 ||
			heard[1] != 2 {
			t.Errorf("%v, attempts %v", err, heard)
		}
	})
}
