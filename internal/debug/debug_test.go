package debug

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/journal"
	"kioskd/internal/reason"
)

func TestTheStatusIsShownInTheWordsOfTheOutside(t *testing.T) {
	sale := fsm.Sale{ID: "s1", State: fsm.Open}
	ended := sale
	ended.State, ended.Ended = fsm.Charged, true
	for _, c := range []struct {
		state fsm.State
		want  string
	}{
		{fsm.State{}, `{"phase":"idle","step":"out_of_service","reason":"starting"}`},
		{fsm.State{Stage: fsm.Ready}, `{"phase":"idle","step":"ready"}`},
		{fsm.State{Stage: fsm.Ready, Sale: ended}, `{"phase":"idle","step":"ready"}`},
		{fsm.State{Stage: fsm.OutOfService, Reason: "door"},
			`{"phase":"idle","step":"out_of_service","reason":"door"}`},
		{fsm.State{Stage: fsm.Choosing, Sale: sale}, `{"phase":"reserved","step":"choosing","sale":"s1"}`},
		{fsm.State{Stage: fsm.Vending, Sale: sale}, `{"phase":"dispensing","step":"vending","sale":"s1"}`},
		{fsm.State{Stage: fsm.Confirming, Sale: sale}, `{"phase":"commit","step":"confirming","sale":"s1"}`},
	} {
		s := serve(t, Config{Kiosk: newKiosk(c.state)})
		r := ask(t, s, "GET", "/api/status", "")
		if r.code != 200 || r.body != c.want || r.header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("the status is %d %s, want %s", r.code, r.body, c.want)
		}
	}
}

func TestSalesAreAnArrayNewestFirst(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)
	sales := &fakeSales{}
	s := serve(t, Config{Sales: sales})
	if r := ask(t, s, "GET", "/api/sales", ""); r.code != 200 || r.body != `[]` {
		t.Errorf("no sales are %d %s, want []", r.code, r.body)
	}
	sales.add(journal.Sale{
		ID: "s1", Flow: "reservation", State: "charged", Currency: "SEK", Reserved: "50.00", Charged: "15.00",
		Refunded:         "0.00",
		InvoiceReference: "i1", ErsReference: "e1",
		Items: []journal.Item{
			{Slot: "A1", Price: "15.00", Outcome: "delivered", Name: "Cola", VAT: 12, Charged: true},
		},
		Started: at, Ended: at.Add(time.Minute),
	}, journal.Sale{
		ID: "s2", Flow: "reservation", State: "open", Currency: "SEK", Reserved: "50.00", Charged: "0.00",
		Refunded:         "0.00",
		InvoiceReference: "i2", Items: []journal.Item{}, Started: at.Add(time.Hour),
	})
	want := `[{"seq":2,"id":"s2","flow":"reservation","state":"open","currency":"SEK","reserved":"50.00","charged":"0.00","refunded":"0.00",` +
		`"invoice_reference":"i2","ers_reference":"","items":[],"started":"2026-03-01T13:00:00.005Z"},` +
		`{"seq":1,"id":"s1","flow":"reservation","state":"charged","currency":"SEK","reserved":"50.00","charged":"15.00","refunded":"0.00",` +
		`"invoice_reference":"i1","ers_reference":"e1","items":[{"slot":"A1","price":"15.00","outcome":"delivered","name":"Cola","vat":12,"charged":true}],` +
		`"started":"2026-03-01T12:00:00.005Z","ended":"2026-03-01T12:01:00.005Z"}]`
	if r := ask(t, s, "GET", "/api/sales", ""); r.code != 200 || r.body != want {
		t.Errorf("the sales are %d\n%s, want\n%s", r.code, r.body, want)
	}
	older := "[" + want[strings.Index(want, `{"seq":1`):]
	if r := ask(t, s, "GET", "/api/sales?before=2", ""); r.code != 200 || r.body != older {
		t.Errorf("before the second they are %d\n%s, want\n%s", r.code, r.body, older)
	}
	if r := ask(t, s, "GET", "/api/sales?before=1", ""); r.code != 200 || r.body != "[]" {
		t.Errorf("before the first they are %d %s", r.code, r.body)
	}
	for _, bad := range []string{"0", "-1", "s2", "1e9", "99999999999999999999"} {
		if r := ask(t, s, "GET", "/api/sales?before="+bad, ""); r.code != 400 {
			t.Errorf("before %q: %d %s", bad, r.code, r.body)
		}
	}
}

func TestTheNumberOfSalesIsBounded(t *testing.T) {
	sales := &fakeSales{}
	s := serve(t, Config{Sales: sales})
	for _, c := range []struct {
		query string
		code  int
		limit int
	}{
		{"", 200, 50},
		{"?limit=", 200, 50},
		{"?limit=1", 200, 1},
		{"?limit=500", 200, 500},
		{"?limit=501", 200, 500},
		{"?limit=999999999", 200, 500},
		{"?limit=0", 400, 0},
		{"?limit=-1", 400, 0},
		{"?limit=ten", 400, 0},
		{"?limit=1e2", 400, 0},
		{"?limit=99999999999999999999", 400, 0},
	} {
		sales.limits = nil
		r := ask(t, s, "GET", "/api/sales"+c.query, "")
		if r.code != c.code || c.code == 200 && !slices.Equal(sales.limits, []int{c.limit}) || c.code != 200 &&
			sales.limits != nil {
			t.Errorf("%q answered %d after asking for %v sales, want %d and %d", c.query, r.code, sales.limits, c.code,
				c.limit)
		}
		if c.code == 400 && r.body != `{"error":"limit must be a whole number from 1 to 500"}` {
			t.Errorf("%q answered %s", c.query, r.body)
		}
	}
}

func TestAnUnreadableJournalIsSaidAndNotShownAsNoSales(t *testing.T) {
	sales := &fakeSales{}
	s := serve(t, Config{Sales: sales})
	sales.fail(errors.New("journal: damaged"))
	r := ask(t, s, "GET", "/api/sales", "")
	if r.code != 503 || r.body != `{"error":"the sales cannot be read: journal: damaged"}` {
		t.Errorf("an unreadable journal answered %d %s", r.code, r.body)
	}
}

func TestTheJournalIsReadByOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sales := &fakeSales{}
		client := inMemory(t, Config{Kiosk: newKiosk(fsm.State{Stage: fsm.Ready}), Sales: sales})
		sales.hold = make(chan struct{})
		codes := make(chan int, 3)
		for range 3 {
			go func() {
				res, err := client.Get("http://localhost/api/sales")
				if err != nil {
					t.Error(err)
					codes <- 0
					return
				}
				_ = res.Body.Close()
				codes <- res.StatusCode
			}()
		}
		synctest.Wait()
		if sales.most != 1 {
			t.Errorf("%d read the journal at once", sales.most)
		}
		close(sales.hold)
		for range 3 {
			if code := <-codes; code != 200 {
				t.Errorf("a reader in the queue was answered %d", code)
			}
		}
	})
}

func TestAReaderDoesNotWaitForAStuckJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sales := &fakeSales{}
		client := inMemory(t, Config{Kiosk: newKiosk(fsm.State{Stage: fsm.Ready}), Sales: sales})
		sales.hold = make(chan struct{})
		before := time.Now()
		res, err := client.Get("http://localhost/api/sales")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if waited := time.Since(before); res.StatusCode != 503 || waited != readWithin {
			t.Errorf("a stuck journal answered %d after %s", res.StatusCode, waited)
		}
	})
}

func TestHealthIsTheDaemonsAndNotTheMachines(t *testing.T) {
	for _, c := range []struct {
		state fsm.State
		code  int
		want  string
	}{
		{fsm.State{Stage: fsm.Ready}, 200, `{"status":"ok"}`},
		{fsm.State{Stage: fsm.OutOfService, Reason: "door", Faults: []fsm.Fault{{Name: reason.Door}}}, 200,
			`{"status":"ok"}`},
		{fsm.State{Stage: fsm.Maintenance, Reason: "technician", Faults: []fsm.Fault{{Name: reason.Technician}}}, 200,
			`{"status":"ok"}`},
		{fsm.State{Stage: fsm.Committing, Faults: []fsm.Fault{{Name: reason.Door}, {Name: reason.Journal, Hard: true}}},
			503, `{"status":"journal"}`},
		{fsm.State{}, 503, `{"status":"starting"}`},
	} {
		r := ask(t, serve(t, Config{Kiosk: newKiosk(c.state)}), "GET", "/healthz", "")
		if r.code != c.code || r.body != c.want {
			t.Errorf("in %s with %v the health is %d %s, want %d %s", c.state.Stage, c.state.Faults, r.code, r.body,
				c.code, c.want)
		}
	}
}

func TestWhatIsNotThereIsSaidInJSON(t *testing.T) {
	s := serve(t, Config{})
	for _, c := range []struct {
		method, path string
		code         int
		allow        string
	}{
		{"GET", "/page.html", 404, ""},
		{"GET", "/api", 404, ""},
		{"GET", "/api/status/", 404, ""},
		{"POST", "/api/nothing", 404, ""},
		{"GET", "/sim/board", 404, ""},
		{"GET", "/debug/pprof/", 404, ""},
		{"POST", "/api/status", 405, "GET, HEAD"},
		{"DELETE", "/api/sales", 405, "GET, HEAD"},
		{"PUT", "/healthz", 405, "GET, HEAD"},
		{"OPTIONS", "/metrics", 405, "GET, HEAD"},
		{"POST", "/api/events", 405, "GET"},
		{"PATCH", "/api/events", 405, "GET"},
	} {
		r := ask(t, s, c.method, c.path, "", "Content-Type", "application/json")
		if r.code != c.code || r.header.Get("Allow") != c.allow || !strings.HasPrefix(r.body, `{"error":"`) {
			t.Errorf("%s %s answered %d, Allow %q, %s; want %d, %q", c.method, c.path, r.code, r.header.Get("Allow"),
				r.body, c.code, c.allow)
		}
	}
	if r := ask(t, s, "HEAD", "/api/status", ""); r.code != 200 || r.body != "" {
		t.Errorf("HEAD answered %d %q", r.code, r.body)
	}
}

func TestTheSimulatedBoardIsReachedOnlyAsJSONAndWithinBounds(t *testing.T) {
	sim := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, b)
	})
	s := serve(t, Config{Sim: sim})
	const body, kind = `{"slot":"A1"}`, "Content-Type"
	if r := ask(t, s, "POST", "/sim/press", body, kind, "application/json;charset=UTF-8"); r.code != 200 ||
		r.body != "POST /sim/press "+body {
		t.Errorf("a press answered %d %s", r.code, r.body)
	}
	if r := ask(t, s, "GET", "/sim/board", ""); r.code != 200 || r.body != "GET /sim/board " {
		t.Errorf("the board answered %d %s", r.code, r.body)
	}
	for _, c := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
		"text/plain; application/json", "application/json; ="} {
		r := ask(t, s, "POST", "/sim/press", body, kind, c)
		if r.code != 415 || r.body != `{"error":"the body must be application/json"}` {
			t.Errorf("a press as %q answered %d %s", c, r.code, r.body)
		}
	}
	if r := ask(t, s, "POST", "/sim/press", strings.Repeat(" ", bodyMax+1), kind, "application/json"); r.code != 400 {
		t.Errorf("a long body was read by the board: %d", r.code)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	s := serve(t, Config{})
	var conns []net.Conn
	answers := func() error {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			return err
		}
		_, err = c.Read(make([]byte, 1))
		return err
	}
	for n := range connsMax {
		if err := answers(); err != nil {
			t.Fatalf("connection %d: %v", n, err)
		}
	}
	if err := answers(); err == nil {
		t.Errorf("connection %d was answered", connsMax)
	}
	for _, c := range conns {
		_ = c.Close()
	}
}

func TestAPortThatCannotWorkIsNotMade(t *testing.T) {
	k, sales := newKiosk(fsm.State{}), &fakeSales{}
	for name, c := range map[string]Config{
		"no kiosk":          {Sales: sales},
		"no sales":          {Kiosk: k},
		"token of two":      {Kiosk: k, Sales: sales, Token: "a b"},
		"token with a line": {Kiosk: k, Sales: sales, Token: "abc\n"},
		"nameless host":     {Kiosk: k, Sales: sales, Hosts: []string{":8080"}},
	} {
		if h, err := New(c); err == nil || h != nil || strings.Contains(err.Error(), "abc") {
			t.Errorf("%s: %v, %v", name, h, err)
		}
	}
	var log bytes.Buffer
	sales.fail(errors.New("damaged"))
	if _, err := New(Config{Kiosk: k, Sales: sales, Log: zerolog.New(&log)}); err != nil ||
		!strings.Contains(log.String(), "damaged") {
		t.Errorf("a damaged journal takes the technicians' port away: %v, %s", err, log.String())
	}
}
