package fleet

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/fsm"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
	"kioskd/internal/reason"
)

// told is everything that is told with one id.
type told struct {
	mu  sync.Mutex
	all []protocol.Condition
}

func listen(t testing.TB, url string) *told {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return listenOn(t, nc)
}

func listenOn(t testing.TB, nc *nats.Conn) *told {
	t.Helper()
	l := &told{}
	if _, err := nc.Subscribe(protocol.Status("A1"), func(m *nats.Msg) {
		c, err := protocol.ReadCondition(m.Data)
		if err != nil {
			t.Error(err)
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, c)
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return l
}

// find gives the first that fits.
func (l *told) find(fits func(protocol.Condition) bool) (c protocol.Condition, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.all {
		if fits(c) {
			return c, true
		}
	}
	return c, false
}

// teller tells of a machine whose states come through the channel.
func teller(t testing.TB, run string) (*Teller, chan kiosk.Update) {
	states := make(chan kiosk.Update, 8)
	tell := NewTeller(TellerConfig{Kiosk: "A1", Version: "1.2.3", Run: run, Currency: "SEK",
		Follow:   func(context.Context) <-chan kiosk.Update { return states },
		Capacity: map[string]int{"A": 9}, Doubts: func(context.Context) (int, error) { return 1, nil },
		Books:    func() *protocol.ConditionBooks { return &protocol.ConditionBooks{Number: 7} },
		Delivery: func(context.Context) Delivery { return Delivery{Known: true, Held: 4, Last: 6} },
		Wall:     time.Now, Synced: func() bool { return true }, Jitter: quick})
	go tell.Watch(t.Context())
	return tell, states
}

func machine(faults ...fsm.Fault) kiosk.Update {
	s := fsm.State{Stage: fsm.Ready, Stock: map[string]int{"A": 3}, Faults: faults,
		Shelf: []fsm.Slot{{ID: "A", Name: "Kaffe", Price: money.Amount{Minor: 1500, Currency: "SEK"}}}}
	if len(faults) > 0 {
		s.Stage, s.Reason = fsm.OutOfService, faults[0].Name
	}
	return kiosk.Update{State: s}
}

func TestTheOperatorHearsHowTheMachineIs(t *testing.T) {
	s := broker.Plain(t)
	url := "nats://" + s.Address
	l := listen(t, url)
	tell, states := teller(t, "run1")
	states <- machine()
	connected(t, Config{Servers: []string{url}, Services: []Service{tell.Serve}})
	await.Until(t, "hello", func() bool {
		_, is := l.find(func(c protocol.Condition) bool { return c.Hello })
		return is
	})
	var c protocol.Condition
	await.Until(t, "the machine's condition", func() bool {
		var is bool
		c, is = l.find(func(c protocol.Condition) bool { return c.Step == string(fsm.Ready) && c.Slots != nil })
		return is
	})
	slot := protocol.ConditionSlot{Slot: "A", Name: "Kaffe", Price: "15.00", Left: 3, Capacity: 9}
	if len(c.Slots) != 1 || c.Slots[0] != slot || c.Run != "run1" || c.Version != "1.2.3" || c.Last != 6 ||
		c.Held != 4 || c.Doubts == nil || *c.Doubts != 1 || c.Currency != "SEK" || len(c.Faults) != 0 || !c.Synced ||
		c.Phase != "idle" || time.Since(c.At) > patience || c.Started.After(c.At) {
		t.Errorf("%+v", c)
	}
	if c.Books == nil || c.Books.Number != 7 {
		t.Errorf("the books: %+v", c.Books)
	}
	states <- machine(fsm.Fault{Name: reason.Door})
	await.Until(t, "a fault", func() bool {
		var is bool
		c, is = l.find(func(c protocol.Condition) bool { return len(c.Faults) == 1 })
		return is
	})
	if f := c.Faults[0]; f.Name != "door" || f.Since.After(c.At) || c.Reason != "door" || c.Slots != nil ||
		c.Books != nil || c.Hello {
		t.Errorf("%+v, want the door and no slots and books, which have not changed", c)
	}
}

// TestHowMuchIsFreeIsNoNewsAndThatItIsLittleIs: a machine whose card fills up does not tell each megabyte.
func TestHowMuchIsFreeIsNoNewsAndThatItIsLittleIs(t *testing.T) {
	tell, _ := teller(t, "run1")
	var now []protocol.ConditionTrouble
	tell.Troubles = func() []protocol.ConditionTrouble { return now }
	fine := tell.now(t.Context())
	now = []protocol.ConditionTrouble{{Name: "disk_low", Note: "190 of 30000 MB free"}}
	low := tell.now(t.Context())
	now = []protocol.ConditionTrouble{{Name: "disk_low", Note: "189 of 30000 MB free"}}
	lower := tell.now(t.Context())
	if len(low.Troubles) != 1 || reflect.DeepEqual(news(fine), news(low)) ||
		!reflect.DeepEqual(news(low), news(lower)) {
		t.Errorf("%+v, %+v, %+v", fine.Troubles, low.Troubles, lower.Troubles)
	}
	if low.Troubles[0].Note == "" {
		t.Error("news has taken the note from the condition itself")
	}
}

// TestTheNewerConnectionOfAnIDWins: the older one leaves, and both of them and the operator know.
func TestTheNewerConnectionOfAnIDWins(t *testing.T) {
	s := broker.Plain(t)
	url := "nats://" + s.Address
	l := listen(t, url)
	tell, states := teller(t, "older")
	states <- machine()
	older := connected(t, Config{Servers: []string{url}, Services: []Service{tell.Serve}})
	await.Until(t, "the older one", func() bool {
		_, is := l.find(func(c protocol.Condition) bool { return c.Hello })
		return is
	})
	tell, states = teller(t, "newer")
	states <- machine()
	newer := connected(t, Config{Servers: []string{url}, Services: []Service{tell.Serve}})
	await.Until(t, "the older one's end", func() bool { return strings.Contains(older.State().Why, "another machine") })
	if older.State().Connected || !newer.State().Connected {
		t.Errorf("older %+v, newer %+v", older.State(), newer.State())
	}
	await.Until(t, "a last word for the newer one to hear", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		hello := false
		for _, c := range l.all {
			if hello = hello || c.Run == "newer" && c.Hello; hello && c.Run == "older" {
				return true
			}
		}
		return false
	})
}

// TestOneThatWasNotHeardToComeIsToldToGo: its hello is lost, or it came while this one was away.
func TestOneThatWasNotHeardToComeIsToldToGo(t *testing.T) {
	s := broker.Plain(t)
	url := "nats://" + s.Address
	tell, states := teller(t, "newer")
	states <- machine()
	tell.Jitter = jitter
	l := listen(t, url)
	hellos := func() (n int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, c := range l.all {
			if c.Run == "newer" && c.Hello {
				n++
			}
		}
		return n
	}
	connected(t, Config{Servers: []string{url}, Services: []Service{tell.Serve}})
	await.Until(t, "the newer one", func() bool { return hellos() == 1 })
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	r := &telling{nc: nc}
	r.Teller, _ = teller(t, "older")
	await.Until(t, "hello again", func() bool {
		r.beatAt = time.Time{}
		r.tell(t.Context(), false)
		return hellos() > 1
	})
}
