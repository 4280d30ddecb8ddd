package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"kioskd/glase/glasetest"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/fleet/want"
	"kioskd/internal/front"
	"kioskd/internal/proof/broker"
)

// branch is a desk beside a world in real time, with a real server between the two.
type branch struct {
	*world
	server *broker.Server
	nc     *nats.Conn
	kv     jetstream.KeyValue
	desk   *want.Desk
	cut    func()     // ends what the kiosk has of its connection
	line   *nats.Conn // the kiosk's
}

// atDesk plays a story in real time, with a kiosk that is connected.
func atDesk(t *testing.T, story func(o *branch)) {
	t.Helper()
	w := &world{t: t, begin: time.Now().Add(-time.Hour), sensors: fstest.MapFS{}, real: true}
	w.cfg = testConfig(t, t.TempDir(), "reservation")
	w.cfg.Payment.ChooseTimeout = 3 * time.Second
	o := &branch{world: w, server: broker.Plain(t)}
	var err error
	if o.nc, err = nats.Connect("nats://"+o.server.Address, nats.CustomInboxPrefix(protocol.Inbox("hub"))); err != nil {
		t.Fatal(err)
	}
	defer o.nc.Close()
	js, err := jetstream.New(o.nc)
	if err != nil {
		t.Fatal(err)
	}
	if o.kv, err = js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: protocol.Wanted}); err != nil {
		t.Fatal(err)
	}
	var door kioskDoor
	w.glase = glasetest.New(glasetest.Config{Transport: glasetest.InProcess(&door)})
	defer w.glase.Close()
	w.glase.Connect("123456", "http://kiosk.test/seqr/createPurchase")
	door.app = w
	o.begin()
	defer func() { o.stop() }()
	story(o)
}

// begin starts the kiosk, and connects it.
func (o *branch) begin() {
	o.start()
	o.await("it is ready", func() bool { return o.app.Kiosk.State().Stage != "" })
	a := o.app
	o.desk = want.New(want.Config{ID: "K1", Machine: a.cfg, Judge: front.Unshown, Shelf: a.shelf, Kiosk: a.Kiosk,
		Wall: a.clock.Wall, Synced: a.clock.Synced, Jitter: func(time.Duration) time.Duration { return 0 }, Log: a.log})
	ctx, cancel := context.WithCancel(o.t.Context())
	done := make(chan struct{}, 2)
	go func() { o.desk.Run(ctx); done <- struct{}{} }()
	nc, err := nats.Connect("nats://"+o.server.Address, nats.NoReconnect(),
		nats.CustomInboxPrefix(protocol.Inbox("K1")))
	if err != nil {
		o.t.Fatal(err)
	}
	o.line = nc
	go func() {
		if err := o.desk.Serve(ctx, nc); err != nil {
			o.t.Error(err)
		}
		done <- struct{}{}
	}()
	o.cut = func() {
		cancel()
		<-done
		<-done
		nc.Close()
	}
}

func (o *branch) stop() {
	o.cut()
	o.end()
}

// await waits for something to become true.
func (o *branch) await(what string, is func() bool) {
	o.t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			o.t.Fatalf("never: %s; it wants %+v and sells %+v\n%s", what, o.desk.State(), o.app.Kiosk.State().Shelf,
				o.log.String())
		}
	}
}

// put writes a key and hints at it.
func (o *branch) put(key, hint string, w protocol.Want) {
	o.t.Helper()
	data, err := json.Marshal(w)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.kv.Put(o.t.Context(), key, data); err != nil {
		o.t.Fatal(err)
	}
	if err := o.nc.Publish(hint, fmt.Appendf(nil, "%d", w.Version)); err != nil {
		o.t.Fatal(err)
	}
	if err := o.nc.Flush(); err != nil {
		o.t.Fatal(err)
	}
}

// price is a plan with one price.
func price(version int64, slot, amount string) protocol.Plan {
	return protocol.Plan{Version: version, By: "anna", Slots: map[string]protocol.Product{slot: {Price: &amount}}}
}

func (o *branch) costs(slot string) string {
	for _, f := range o.app.Kiosk.State().Offers() {
		if f.ID == slot {
			return f.Price.Decimal()
		}
	}
	return ""
}

// sells waits for a price, and that all sides say it.
func (o *branch) sells(slot, amount, version string) {
	o.t.Helper()
	o.await(slot+" costs "+amount, func() bool { return o.costs(slot) == amount })
	o.await("it says so", func() bool {
		s := o.desk.State()
		return s.Holds == version && s.Wanted == version &&
			s.Why == ""
	})
	if s := o.recorded(); s.Planogram.Version != version || s.Planogram.By != "anna" {
		o.t.Errorf("the record has %+v", s.Planogram)
	}
}

// TestADesksPriceIsChargedFromTheNextCustomerOn: who has scanned pays what was shown, the next one pays the new price,
// and so after a restart and without the desk.
func TestADesksPriceIsChargedFromTheNextCustomerOn(t *testing.T) {
	atDesk(t, func(o *branch) {
		ref := o.scan()
		o.put("k.K1", "hint.K1", protocol.Want{Version: 1, Plans: []protocol.Plan{price(1, "A1", "17.00")}})
		o.await("it waits for the customer", func() bool { return strings.Contains(o.desk.State().Why, "after that") })
		o.confirm(ref)
		if o.costs("A1") != "15.00" {
			t.Errorf("during a sale it costs %s", o.costs("A1"))
		}
		o.press("A1")
		o.settled()
		o.money(ref, 1500)
		o.sells("A1", "17.00", "machine 1")
		o.stop()
		o.begin()
		o.sells("A1", "17.00", "machine 1")
		ref = o.scan()
		o.confirm(ref)
		o.press("A1")
		o.settled()
		o.money(ref, 1700)

		o.put("k.K1", "hint.K1", protocol.Want{Version: 2, Plans: []protocol.Plan{{Version: 2, By: "anna"}}})
		o.sells("A1", "15.00", "machine 2")
	})
}

// TestWhatIsWantedComesByHintAndByConnecting, of the machine, its group and all, and of none else's.
func TestWhatIsWantedComesByHintAndByConnecting(t *testing.T) {
	atDesk(t, func(o *branch) {
		o.put("all", protocol.HintAll, protocol.Want{Version: 5, Plans: []protocol.Plan{price(5, "A1", "11.00")}})
		o.sells("A1", "11.00", "all 5")
		o.put("k.K1", "hint.K1", protocol.Want{Version: 1, Group: "nord"})
		o.put("g.nord", "hint.group.nord", protocol.Want{Version: 2, Plans: []protocol.Plan{price(2, "A1", "12.00")}})
		o.sells("A1", "12.00", "group nord 2, all 5")
		o.put("g.nord", "hint.group.nord", protocol.Want{Version: 3, Plans: []protocol.Plan{price(3, "A1", "12.50")}})
		o.sells("A1", "12.50", "group nord 3, all 5")
		o.cut()
		o.put("k.K2", "hint.K2", protocol.Want{Version: 9, Plans: []protocol.Plan{price(9, "A1", "99.00")}})
		o.put("k.K1", "hint.K1", protocol.Want{Version: 3, Group: "syd", Plans: []protocol.Plan{price(3, "A2",
			"13.00")}})
		o.end()
		o.begin()
		o.sells("A2", "13.00", "machine 3, all 5")
		o.sells("A1", "11.00", "machine 3, all 5")

		if err := o.kv.Purge(t.Context(), "all"); err != nil { // the servers have lost it
			t.Fatal(err)
		}
		if err := o.nc.Publish(protocol.HintAll, nil); err != nil {
			t.Fatal(err)
		}
		o.await("it says that something is gone", func() bool {
			return strings.Contains(o.desk.State().Why,
				"any more")
		})
		if o.costs("A1") != "11.00" {
			t.Errorf("what was lost is withdrawn: %s", o.costs("A1"))
		}
	})
}

// TestWhatTheMachineCannotSellSoIsRefused, and what it sells stays.
func TestWhatTheMachineCannotSellSoIsRefused(t *testing.T) {
	atDesk(t, func(o *branch) {
		o.put("k.K1", "hint.K1", protocol.Want{Version: 1, Plans: []protocol.Plan{price(1, "A1", "17.00")}})
		o.sells("A1", "17.00", "machine 1")
		for n, c := range []struct{ slot, price, want string }{
			{"A1", "200.01", "more than payment.reserve_max"}, {"A1", "0.00", "not above zero"},
			{"B9", "1.00", "there is no such slot"},
		} {
			version := int64(n + 2)
			o.put("k.K1", "hint.K1", protocol.Want{Version: version, Plans: []protocol.Plan{price(version, c.slot,
				c.price)}})
			o.await(c.want, func() bool { s := o.desk.State(); return s.Refused && strings.Contains(s.Why, c.want) })
			if s := o.desk.State(); s.Holds != "machine 1" || s.Wanted != fmt.Sprintf("machine %d", version) ||
				o.costs("A1") != "17.00" {
				t.Errorf("%+v, and A1 costs %s", s, o.costs("A1"))
			}
		}
		if _, err := o.kv.Put(t.Context(), "k.K1", []byte("{")); err != nil {
			t.Fatal(err)
		}
		if err := o.nc.Publish("hint.K1", nil); err != nil {
			t.Fatal(err)
		}
		o.await("it says that it cannot read it", func() bool {
			return strings.Contains(o.desk.State().Why,
				"cannot be read")
		})
		if o.costs("A1") != "17.00" {
			t.Errorf("A1 costs %s", o.costs("A1"))
		}
	})
}

// TestAMomentComesOnlyByAClockThatSomebodyHasSet, also without a connection.
func TestAMomentComesOnlyByAClockThatSomebodyHasSet(t *testing.T) {
	atDesk(t, func(o *branch) {
		o.unset.Store(true)
		soon := price(2, "A1", "18.00")
		soon.From = time.Now().Add(3 * time.Second)
		w := protocol.Want{Version: 2, Plans: []protocol.Plan{price(1, "A1", "17.00"), soon}}
		o.put("k.K1", "hint.K1", w)
		o.await("it waits for a clock", func() bool { return strings.Contains(o.desk.State().Why, "clock") })
		if o.costs("A1") != "15.00" {
			t.Errorf("A1 costs %s", o.costs("A1"))
		}
		o.unset.Store(false)
		o.put("k.K1", "hint.K1", w)
		o.sells("A1", "17.00", "machine 1")
		o.line.Close()
		o.sells("A1", "18.00", "machine 2")
		if time.Now().Before(soon.From) {
			t.Error("before its moment")
		}
	})
}

// TestTheDesksStockIsCountedOnce, and not again after a restart.
func TestTheDesksStockIsCountedOnce(t *testing.T) {
	atDesk(t, func(o *branch) {
		seven, p := 7, price(1, "A1", "15.00")
		p.Slots["A1"] = protocol.Product{Price: p.Slots["A1"].Price, Stock: &seven}
		o.put("k.K1", "hint.K1", protocol.Want{Version: 1, Plans: []protocol.Plan{p}})
		o.await("seven are there", func() bool { return o.app.Kiosk.State().Stock["A1"] == 7 })
		ref := o.scan()
		o.confirm(ref)
		o.press("A1")
		o.settled()
		o.put("all", protocol.HintAll, protocol.Want{Version: 1, Plans: []protocol.Plan{price(1, "A2", "20.00")}})
		o.sells("A2", "20.00", "machine 1, all 1")
		o.stop()
		o.begin()
		o.sells("A2", "20.00", "machine 1, all 1")
		if n := o.app.Kiosk.State().Stock["A1"]; n != 6 {
			t.Errorf("%d are there", n)
		}
	})
}
