package debug

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
	"kioskd/internal/kiosk"
)

// follower reads a stream of events.
type follower struct {
	t    *testing.T
	res  *http.Response
	text *bufio.Reader
}

func follow(t *testing.T, client *http.Client, url string) *follower {
	t.Helper()
	res, err := client.Get(url + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("a follower is answered %d %s", res.StatusCode, res.Header)
	}
	return &follower{t, res, bufio.NewReader(res.Body)}
}

// next is the next event, or what ended the stream.
func (f *follower) next() (event string, end error) {
	for {
		line, err := f.text.ReadString('\n')
		if err != nil {
			return event + line, err
		}
		if line == "\n" {
			return event, nil
		}
		event += line
	}
}

func (f *follower) want(event string) {
	f.t.Helper()
	if got, err := f.next(); err != nil || got != event {
		f.t.Fatalf("the follower was told\n%s(%v), want\n%s", got, err, event)
	}
}

const readyEvent = "event: status\ndata: {\"phase\":\"idle\",\"step\":\"ready\"}\n"

func TestAFollowerIsToldTheStatusAndThenEveryStep(t *testing.T) {
	k := newKiosk(fsm.State{Stage: fsm.Ready})
	s := serve(t, Config{Kiosk: k})
	one, two := follow(t, s.Client(), s.URL), follow(t, s.Client(), s.URL)
	for _, f := range []*follower{one, two} {
		f.want(readyEvent)
	}
	wall := time.Date(2026, 3, 1, 13, 0, 0, 123456789, time.FixedZone("CET", 3600))
	sale := fsm.Sale{ID: "s1", State: fsm.Open}
	k.publish(kiosk.Update{Seq: 7, Wall: wall, Event: fsm.PurchaseRequested{},
		State: fsm.State{Stage: fsm.Invoicing, Sale: sale}, Durable: true})
	k.publish(kiosk.Update{Wall: wall, Event: fsm.Answered{Operation: fsm.AskStatus},
		State: fsm.State{Stage: fsm.Awaiting, Sale: sale}})
	k.publish(kiosk.Update{Wall: wall, Event: fsm.FaultRaised{},
		State: fsm.State{Stage: fsm.OutOfService, Reason: "door"}, Durable: true})
	for _, f := range []*follower{one, two} {
		f.want(`event: step
data: {"seq":7,"time":"2026-03-01T12:00:00.123456789Z","event":"PurchaseRequested","durable":true,"phase":"reserved","step":"invoicing","sale":"s1"}
`)
		f.want(`event: step
data: {"seq":0,"time":"2026-03-01T12:00:00.123456789Z","event":"StatusAnswered","durable":false,"phase":"reserved","step":"awaiting","sale":"s1"}
`)
		f.want(`event: step
data: {"seq":0,"time":"2026-03-01T12:00:00.123456789Z","event":"FaultRaised","durable":true,"phase":"idle","step":"out_of_service","reason":"door"}
`)
	}
}

func TestFollowersAreBoundedAndOneThatLeavesMakesRoom(t *testing.T) {
	k := newKiosk(fsm.State{Stage: fsm.Ready})
	s := serve(t, Config{Kiosk: k, Followers: 2})
	one, two := follow(t, s.Client(), s.URL), follow(t, s.Client(), s.URL)
	r := ask(t, s, "GET", "/api/events", "")
	if r.code != 503 || r.body != `{"error":"too many follow the machine already: close one of them"}` {
		t.Errorf("one follower too many was answered %d %s", r.code, r.body)
	}
	_ = one.res.Body.Close()
	within(t, "letting the follower go", k.left)
	for begun := time.Now(); ; { // its place is free a moment later, when its answer has ended
		res, err := s.Client().Get(s.URL + "/api/events")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			break
		}
		if time.Since(begun) > patience {
			t.Fatal("the place of a follower that is gone is not given free")
		}
	}
	two.want(readyEvent)
}

// TestTheSocketKeepsPlacesThatTheNetworkCannotTake: two ports share the machine's places, and one of them has fewer of
// its own.
func TestTheSocketKeepsPlacesThatTheNetworkCannotTake(t *testing.T) {
	k, places := newKiosk(fsm.State{Stage: fsm.Ready}), NewPlaces()
	network, socket := serve(t, Config{Kiosk: k, Places: places, Followers: 3}),
		serve(t, Config{Kiosk: k, Places: places})
	for range 3 {
		follow(t, network.Client(), network.URL).want(readyEvent)
	}
	if r := ask(t, network, "GET", "/api/events", ""); r.code != 503 {
		t.Errorf("one follower too many of the network's was answered %d", r.code)
	}
	for range FollowersMax - 3 {
		follow(t, socket.Client(), socket.URL).want(readyEvent)
	}
	if r := ask(t, socket, "GET", "/api/events", ""); r.code != 503 {
		t.Errorf("one follower too many of the machine's was answered %d", r.code)
	}
}

func TestShuttingDownEndsTheStreamsCleanly(t *testing.T) {
	k := newKiosk(fsm.State{Stage: fsm.Ready})
	s := serve(t, Config{Kiosk: k})
	one, two := follow(t, s.Client(), s.URL), follow(t, s.Client(), s.URL)
	one.want(readyEvent)
	two.want(readyEvent)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Config.Shutdown(ctx); err != nil {
		t.Fatalf("the server could not shut down: %v", err)
	}
	for _, f := range []*follower{one, two} {
		if got, err := f.next(); err != io.EOF || got != "" {
			t.Errorf("the stream ended with %q, %v", got, err)
		}
		within(t, "letting the follower go", k.left)
	}
}

func TestAQuietStreamBeatsAndEndsCleanlyHoweverLongItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKiosk(fsm.State{Stage: fsm.Ready})
		client, server := inMemoryServer(t, Config{Kiosk: k, Sales: &fakeSales{}})
		f := follow(t, client, "http://localhost")
		f.want(readyEvent)
		begin := time.Now()
		for n := range 40 { // ten minutes, far beyond what the server gives any other answer
			f.want(": still here\n")
			if passed := time.Since(begin); passed != time.Duration(n+1)*heartbeatEvery {
				t.Fatalf("beat %d came after %s", n, passed)
			}
		}
		k.publish(kiosk.Update{Wall: time.Unix(0, 0), Event: fsm.Ticked{}, State: fsm.State{Stage: fsm.Ready}})
		f.want("event: step\ndata: " +
			"{\"seq\":0,\"time\":\"1970-01-01T00:00:00Z\",\"event\":\"Ticked\",\"durable\":false,\"phase\":\"idle\",\"step\":\"ready\"}\n")
		time.Sleep(heartbeatEvery - time.Nanosecond) // virtual: past the time that the last event was given
		shut := make(chan error, 1)
		go func() { shut <- server.Shutdown(t.Context()) }()
		if got, err := f.next(); err != io.EOF || got != "" {
			t.Errorf("the stream ended with %q, %v", got, err)
		}
		if err := <-shut; err != nil {
			t.Error(err)
		}
	})
}

func TestAFollowerThatTakesNothingIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKiosk(fsm.State{Stage: fsm.Ready})
		h, err := New(Config{Kiosk: k, Sales: &fakeSales{}})
		if err != nil {
			t.Fatal(err)
		}
		l, s := newPipes(), Server(h)
		go func() { _ = s.Serve(l) }()
		c, err := l.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if _, err := io.WriteString(c, "GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-k.left
		if passed := time.Since(begin); passed != eventWithin {
			t.Errorf("the follower was kept for %s", passed)
		}
		_, _ = c.Close(), s.Close()
	})
}

func TestAStreamEndsWithTheMachinesOwn(t *testing.T) {
	h, err := New(Config{Kiosk: endedKiosk{}, Sales: &fakeSales{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "http://localhost/api/events", nil).WithContext(ctx)
	h.ServeHTTP(w, r) // outside any server of ours: no shutdown to learn of, no deadlines
	if w.Code != 200 || w.Body.String() != readyEvent+"\n" {
		t.Errorf("%d %.1000s", w.Code, w.Body)
	}
}

type endedKiosk struct{}

func (endedKiosk) State() fsm.State { return fsm.State{Stage: fsm.Ready} }
func (endedKiosk) Follow(context.Context) <-chan kiosk.Update {
	ch := make(chan kiosk.Update, 1)
	ch <- kiosk.Update{State: fsm.State{Stage: fsm.Ready}}
	close(ch)
	return ch
}
