package glasetest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/glase/glasetest"
)

// TestEachFaultIsSeenToWork plays every fault against cancelInvoice and says what came back and what was done.
func TestEachFaultIsSeenToWork(t *testing.T) {
	for _, k := range []struct {
		fault string // JSON beside the operation
		done  bool
		seen  func(r reply, err error, took time.Duration) bool
	}{
		{`"fault": "latency", "delay": "5s"`, true,
			func(r reply, err error, took time.Duration) bool { return r.code == 0 && took == 5*time.Second }},
		{`"fault": "latency", "delay": "5s", "acts": true`, true,
			func(r reply, err error, took time.Duration) bool { return r.code == 0 && took == 5*time.Second }},
		{`"fault": "lost_request"`, false, func(_ reply, err error,
			_ time.Duration) bool {
			return errors.Is(err, io.EOF)
		}},
		{`"fault": "lost_answer"`, true, func(_ reply, err error,
			_ time.Duration) bool {
			return errors.Is(err, io.EOF)
		}},
		{`"fault": "reset"`, false, func(_ reply, err error,
			_ time.Duration) bool {
			return errors.Is(err, syscall.ECONNRESET)
		}},
		{`"fault": "reset", "acts": true`, true,
			func(_ reply, err error, _ time.Duration) bool { return errors.Is(err, syscall.ECONNRESET) }},
		{`"fault": "http", "status": 503`, false,
			func(r reply, err error, _ time.Duration) bool { return r.status == 503 }},
		{`"fault": "http", "status": 502, "acts": true`, true,
			func(r reply, err error, _ time.Duration) bool { return r.status == 502 }},
		{`"fault": "soap_fault"`, false, func(r reply, err error, _ time.Duration) bool {
			return r.status == 500 && strings.Contains(r.body, "soap:Server")
		}},
		{`"fault": "soap_fault", "acts": true`, true,
			func(r reply, err error, _ time.Duration) bool { return r.status == 500 }},
		{`"fault": "malformed"`, false, func(r reply, err error, _ time.Duration) bool {
			return r.status == 200 && !strings.Contains(r.body, "Envelope>")
		}},
		{`"fault": "malformed", "acts": true`, true, func(r reply, err error, _ time.Duration) bool {
			return r.status == 200 && !strings.Contains(r.body, "Envelope>")
		}},
		{`"fault": "html"`, false, func(r reply, err error, _ time.Duration) bool {
			return r.status == 200 && strings.Contains(r.body, "<html>")
		}},
		{`"fault": "result_code", "code": 93`, false,
			func(r reply, err error, _ time.Duration) bool { return r.code == 93 }},
		{`"fault": "result_code", "code": 90, "acts": true`, true,
			func(r reply, err error, _ time.Duration) bool { return r.code == 90 }},
		{`"fault": "gzip"`, true, func(r reply, err error, _ time.Duration) bool {
			return r.status == 200 && strings.HasPrefix(r.body, "\x1f\x8b")
		}},
		{`"fault": "result_code", "code": 0`, false,
			func(r reply, err error, _ time.Duration) bool { return r.code == 0 }},
	} {
		inTime(t, func(t *testing.T, s stranger) {
			ref := s.send(debit, "a", "15.00", "")
			if status, said := s.json("POST", "/faults", `{"rules": [{"operation": "cancelInvoice", "count": 1, `+
				k.fault+`}]}`); status != 200 {
				t.Fatalf("%s: %v", k.fault, said)
			}
			start := time.Now()
			r, err := s.try("cancelInvoice", asTerminal, "<invoiceReference>"+ref+"</invoiceReference>")
			if !k.seen(r, err, time.Since(start)) {
				t.Errorf("%s: %v, %v, %+v", k.fault, err, time.Since(start), r)
			}
			want := glasetest.Issued
			if k.done {
				want = glasetest.Canceled
			}
			s.status(ref, want)
			if rules := s.Faults().Rules; len(rules) != 0 {
				t.Errorf("%s is still set after its one time", k.fault)
			}
		})
	}
}

func TestASlowOperationIsDoneThoughTheCallerHasHungUp(t *testing.T) {
	for _, acts := range []bool{false, true} {
		inTime(t, func(t *testing.T, s stranger) {
			ref := s.send(debit, "a", "15.00", "")
			s.faulty(glasetest.Faults{Rules: []glasetest.Fault{
				{Operation: "*", Fault: "latency", Delay: glasetest.Duration(10 * time.Second), Acts: acts}}})
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "POST", soapURL,
				strings.NewReader(wrap("cancelInvoice", asTerminal+"<invoiceReference>"+ref+"</invoiceReference>")))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "text/xml")
			if _, err := s.http.Do(req); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			want := map[bool]glasetest.Status{false: glasetest.Issued, true: glasetest.Canceled}[acts]
			s.status(ref, want)
			time.Sleep(7 * time.Second)
			synctest.Wait()
			s.status(ref, glasetest.Canceled)
		})
	}
}

func TestFaultsWorkOverARealConnectionToo(t *testing.T) {
	g := glasetest.New(glasetest.Config{})
	defer g.Close()
	server := httptest.NewServer(g)
	defer server.Close()
	for fault, want := range map[string]error{"lost_request": io.EOF, "lost_answer": io.EOF,
		"reset": syscall.ECONNRESET} {
		if err := g.SetFaults(glasetest.Faults{
			Rules: []glasetest.Fault{{Operation: "cancelInvoice", Fault: fault}}}); err != nil {
			t.Fatal(err)
		}
		_, err := server.Client().Post(server.URL+"/soap/merchant/cashregister-2", "text/xml",
			strings.NewReader(wrap("cancelInvoice", asTerminal)))
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", fault, err, want)
		}
	}
}

func TestARuleCountsItsMatchingCalls(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	s.faulty(glasetest.Faults{Rules: []glasetest.Fault{
		{Operation: "cancelInvoice", Fault: "http", Status: 503, Skip: 2, Count: 2}}})
	got := ""
	for range 6 {
		r, err := s.try("cancelInvoice", asTerminal, "")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.try("getPaymentStatus", asTerminal, "") // does not count
		if r.status == 503 {
			got += "x"
		} else {
			got += "."
		}
	}
	if got != "..xx.." {
		t.Errorf("%s", got)
	}
}

func TestProbabilityFollowsTheSeed(t *testing.T) {
	play := func(seed uint64) (got string) {
		s := newStranger(t, glasetest.Config{})
		s.faulty(glasetest.Faults{Seed: seed,
			Rules: []glasetest.Fault{{Operation: "*", Fault: "http", Status: 503, Probability: 0.3}}})
		for range 100 {
			r, err := s.try("cancelInvoice", asTerminal, "")
			if err != nil {
				t.Fatal(err)
			}
			got += string("x."[min(1, r.status%503)])
		}
		return got
	}
	one, same, other := play(7), play(7), play(8)
	if one != same || one == other {
		t.Errorf("seed 7: %s\nseed 7: %s\nseed 8: %s", one, same, other)
	}
	if n := strings.Count(one, "x"); n < 15 || n > 45 {
		t.Errorf("%d of 100 at probability 0.3", n)
	}
}

func TestWhatCannotBeSetIsRefusedAndChangesNothing(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	if status, _ := s.json("POST", "/faults", `{"choices": {"notify": "paid_only"}}`); status != 200 {
		t.Fatal(status)
	}
	for _, bad := range []string{
		``, `[]`, `{"rule": []}`, `{} {}`, `{"choices": {"notify": "never"}}`, `{"choices": {"acknowledged": "asked"}}`,
		`{"rules": [{"fault": "reset"}]}`, `{"rules": [{"operation": "sendInvoices", "fault": "reset"}]}`,
		`{"rules": [{"operation": "*", "fault": "rest"}]}`,
		`{"rules": [{"operation": "*", "fault": "latency"}]}`,
		`{"rules": [{"operation": "*", "fault": "latency", "delay": 5}]}`,
		`{"rules": [{"operation": "*", "fault": "latency", "delay": "5 s"}]}`,
		`{"rules": [{"operation": "*", "fault": "latency", "delay": "24h"}]}`,
		`{"rules": [{"operation": "*", "fault": "reset", "delay": "5s"}]}`,
		`{"rules": [{"operation": "*", "fault": "http"}]}`,
		`{"rules": [{"operation": "*", "fault": "http", "status": 200}]}`,
		`{"rules": [{"operation": "*", "fault": "result_code"}]}`,
		`{"rules": [{"operation": "*", "fault": "reset", "code": 1}]}`,
		`{"rules": [{"operation": "*", "fault": "lost_request", "acts": true}]}`,
		`{"rules": [{"operation": "notification", "fault": "reset"}]}`,
		`{"rules": [{"operation": "*", "fault": "gzip", "acts": true}]}`,
		`{"rules": [{"operation": "confirm", "fault": "missing"}]}`,
		`{"rules": [{"operation": "notification", "fault": "doubled", "acts": true}]}`,
		`{"rules": [{"operation": "*", "fault": "reset", "count": -1}]}`,
		`{"rules": [{"operation": "*", "fault": "reset", "probability": 1.5}]}`, `{"seed": -1}`,
		`{"rules": [` + strings.Repeat(`{"operation": "*", "fault": "reset"},`, 100) +
			`{"operation": "*", "fault": "reset"}]}`,
	} {
		if status, said := s.json("POST", "/faults", bad); status != 400 || said["errorCode"] != "BAD_REQUEST" ||
			said["message"] == "" {
			t.Errorf("%.80s: HTTP %d %v", bad, status, said)
		}
	}
	if f := s.Faults(); f.Choices.Notify != "paid_only" || len(f.Rules) != 0 {
		t.Errorf("%+v", f)
	}
}

func TestWhatIsSetCanBeReadAndSetAgain(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	resp := func(method, body string) string {
		req, _ := http.NewRequest(method, "http://glase.test/faults", strings.NewReader(body))
		r, err := s.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		raw, _ := io.ReadAll(r.Body)
		return string(raw)
	}
	const all = `{"seed":7,"rules":[{"operation":"commitReservation","fault":"lost_answer","count":1},{"operation":"getPaymentStatus","fault":"latency","delay":"2.5s","probability":0.1},` +
		`{"operation":"*","fault":"http","status":503,"skip":3,"count":2},{"operation":"refundPayment","fault":"result_code","acts":true,"code":90},{"operation":"notification","fault":"late","delay":"5s"}],` +
		`"choices":{"acknowledged_by":"latest_version","cancel_reserved":"refuse_51","unasked_commit":"keep","unasked_reserved":"keep","notify":"all","commits":"asked","refunds":"allow","test_terminal":"cash_register","canceled_spelling":"CANCELED","client_invoice_id":"new_invoice"}}` + "\n"
	if got := resp("POST", all); got != all {
		t.Errorf("set  %s\nread %s", all, got)
	}
	if got := resp("GET", ""); got != all {
		t.Errorf("set  %s\nread %s", all, got)
	}
	if got := resp("POST", "{}"); !strings.Contains(got, `"rules":[]`) ||
		!strings.Contains(got, `"acknowledged_by":"asked"`) {
		t.Errorf("{} left %s", got)
	}
}

func TestTheOtherSpellingOfCanceledCanBeChosen(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	s.faulty(glasetest.Faults{Choices: glasetest.Choices{CanceledSpelling: "CANCELLED"}})
	ref := s.send(debit, "a", "15.00", "")
	s.on("cancelInvoice", ref, "")
	r, err := s.try("getPaymentStatus", asTerminal, "<invoiceReference>"+ref+
		"</invoiceReference><invoiceVersion>0</invoiceVersion>")
	if err != nil || r.text("status") != "CANCELLED" {
		t.Errorf("%v: %s", err, r.body)
	}
}

// shopFloor is a kiosk's web server: it counts notifications and answers createPurchase.
type shopFloor struct {
	notified chan time.Time
	purchase func(w http.ResponseWriter, r *http.Request)
}

func (f shopFloor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/notify/x" && r.Method == "POST" && r.ContentLength == 0 {
		select {
		case f.notified <- time.Now():
		default: // enough of them
		}
	} else if f.purchase != nil {
		f.purchase(w, r)
	}
}

func TestNotificationsFollowConfirmationsAndCancellations(t *testing.T) {
	const to = "<notificationUrl>http://kiosk.test/notify/x</notificationUrl>"
	confirm := func(s stranger, ref string) { s.pin(ref) }
	cancel := func(s stranger, ref string) { _, _ = s.CancelOnPhone(ref) }
	for _, k := range []struct {
		why    string
		faults string
		mode   string
		do     func(stranger, string)
		want   []time.Duration
	}{
		{"a reservation", `{}`, preliminary, confirm, []time.Duration{0}},
		{"a cancelled reservation", `{}`, preliminary, cancel, []time.Duration{0}},
		{"a payment", `{}`, debit, confirm, []time.Duration{0}},
		{"a cancelled payment", `{}`, debit, cancel, nil},
		{"a reservation when PAID only", `{"choices": {"notify": "paid_only"}}`, preliminary, confirm, nil},
		{"a commit when PAID only", `{"choices": {"notify": "paid_only"}}`, preliminary,
			func(s stranger, ref string) { s.pin(ref); s.commit(ref, "15.00") }, []time.Duration{0}},
		{"a payment when PAID only", `{"choices": {"notify": "paid_only"}}`, debit, confirm, []time.Duration{0}},
		{"doubled", `{"rules": [{"operation": "notification", "fault": "doubled"}]}`, debit, confirm,
			[]time.Duration{0, 0}},
		{"late", `{"rules": [{"operation": "notification", "fault": "late", "delay": "5s"}]}`, debit, confirm,
			[]time.Duration{5 * time.Second}},
		{"missing", `{"rules": [{"operation": "notification", "fault": "missing"}]}`, debit, confirm, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			floor := shopFloor{notified: make(chan time.Time, 9)}
			s := newStranger(t, glasetest.Config{Transport: glasetest.InProcess(floor)})
			if status, said := s.json("POST", "/faults", k.faults); status != 200 {
				t.Fatal(said)
			}
			ref, start := s.send(k.mode, "a", "50.00", to), time.Now()
			k.do(s, ref)
			time.Sleep(time.Minute)
			synctest.Wait()
			var got []time.Duration
			for range len(floor.notified) {
				got = append(got, (<-floor.notified).Sub(start))
			}
			if len(got) != len(k.want) || len(got) > 0 && got[0] != k.want[0] {
				t.Errorf("%s: notified after %v, want %v", k.why, got, k.want)
			}
		})
	}
}

func TestCloseEndsEverythingUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		floor := shopFloor{notified: make(chan time.Time, 9)}
		var lines atomic.Int32
		s := newStranger(t, glasetest.Config{Transport: glasetest.InProcess(floor), Log: func(string) { lines.Add(1) }})
		s.faulty(glasetest.Faults{Rules: []glasetest.Fault{
			{Operation: "notification", Fault: "late", Delay: glasetest.Duration(time.Minute)},
			{Operation: "cancelInvoice", Fault: "latency", Delay: glasetest.Duration(time.Minute)}}})
		ref := s.send(debit, "a", "15.00", "<notificationUrl>http://kiosk.test/notify/x</notificationUrl>")
		s.pin(ref)
		slow := make(chan error)
		go func() {
			_, err := s.try("cancelInvoice", asTerminal, "<invoiceReference>"+ref+"</invoiceReference>")
			slow <- err
		}()
		synctest.Wait()
		start := time.Now()
		before := lines.Load()
		s.Close()
		s.Close()
		ended := lines.Load()
		synctest.Wait()
		if ended == before || lines.Load() != ended {
			t.Errorf("%d lines, %d when Close returned, then %d: it did not wait", before, ended, lines.Load())
		}
		if err := <-slow; !errors.Is(err, io.EOF) || time.Since(start) != 0 || len(floor.notified) != 0 {
			t.Errorf("%v after %v, %d notifications", err, time.Since(start), len(floor.notified))
		}
		if r, err := s.try("cancelInvoice", asTerminal, ""); err != nil || r.status != 503 {
			t.Errorf("a closed Glase answered %v, HTTP %d", err, r.status)
		}
		s.status(ref, glasetest.Paid)
	})
}
