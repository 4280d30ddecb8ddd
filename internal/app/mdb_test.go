package app

import (
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/hw/display"
	"kioskd/hw/vend"
	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/mdb/mdbtest"
	"kioskd/internal/config"
)

// vending is a machine on a bus that sells by itself, beside a kiosk whose slots it has.
type vending struct {
	*mdbtest.Machine
	mu   sync.Mutex
	came map[int]int
	took time.Duration
}

// atMachine is a world whose slots A1 and A2 are a machine's products 10 and 22, which cost 16.00 and 22.50 there; its
// product 33 is no slot's.
func atMachine(t *testing.T, story func(w *world, m *vending)) {
	m := &vending{came: map[int]int{}, took: 700 * time.Millisecond}
	deliver := func(n int) func() bool {
		return func() bool {
			time.Sleep(m.took)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.came[n]++
			return true
		}
	}
	m.Machine = &mdbtest.Machine{
		Products: map[int]mdbtest.Product{10: {Price: "16.00", Deliver: deliver(10)},
			22: {Price: "22.50", Deliver: deliver(22)}, 33: {Price: "5.00", Deliver: deliver(33)}},
		Complain: func(what string) { t.Errorf("the machine complains: %s", what) },
	}
	playIn(t, "reservation", func(*config.Config) {}, func(w *world) {
		w.cfg.Boards = map[string]vend.Board{
			"mdb": mdb.Settings{Device: "/dev/ttyACM0", Baud: 115200, Deny: "stop", Longest: 20 * time.Second}}
		for n, number := range []int{10, 22} {
			s := &w.cfg.Slots[n]
			s.Button, s.MaxOn, s.Driver, s.Vend, s.AtMachine = "", 0, "mdb", mdb.Config{Product: number}, true
		}
		w.serial = func(device string, baud int) (io.ReadWriteCloser, error) {
			if device != "/dev/ttyACM0" || baud != 115200 {
				t.Errorf("%s at %d baud was opened", device, baud)
			}
			return m.Open()
		}
	}, func(w *world) {
		time.Sleep(5 * time.Second) // the machine sets the bridge up
		story(w, m)
		w.end()
		m.Unplug()
		time.Sleep(time.Minute)
		w.start() // for the world to end
	})
}

func (m *vending) out(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.came[n]
}

func TestTheMachineOnABusChoosesAndItsPriceIsCharged(t *testing.T) {
	atMachine(t, func(w *world, m *vending) {
		reference := w.scan()
		w.confirm(reference)
		if !m.Press(10) {
			t.Fatalf("no session: the machine is %s\n%s", m.Status(), w.log.String())
		}
		time.Sleep(3 * time.Second)
		if m.out(10) != 1 || w.screen.now().Kind != display.Choose {
			t.Errorf("%d came out, and the screen shows %s", m.out(10), w.screen.now().Kind)
		}
		if !m.Press(22) {
			t.Fatalf("no second session: the machine is %s\n%s", m.Status(), w.log.String())
		}
		sale := w.settled()
		if sale.State != fsm.Charged || sale.Charged != sek(3850) || len(sale.Items) != 2 {
			t.Errorf("%+v\n%s", sale, w.log.String())
		}
		w.money(reference, 3850)
		if log := w.log.String(); strings.Count(log, "the machine's price is not the config's") != 1 {
			t.Errorf("another price is not said once:\n%s", log)
		}
		time.Sleep(5 * time.Second)
		if m.Press(10) {
			t.Error("the machine sells without a sale")
		}
	})
}

func TestWhatTheKioskDoesNotTakeTheMachineDoesNotDeliver(t *testing.T) {
	for _, c := range []struct {
		name    string
		before  func(w *world, m *vending)
		product int
	}{
		{"more than the credit", func(w *world, m *vending) {
			m.Products[22] = mdbtest.Product{Price: "50.01", Deliver: m.Products[22].Deliver}
		}, 22},
		{"no slot's product", func(*world, *vending) {}, 33},
		{"a closed slot", func(w *world, m *vending) {
			m.Break(mdbtest.Fail)
			m.Press(10)
			time.Sleep(4 * time.Second)
		}, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			atMachine(t, func(w *world, m *vending) {
				reference := w.scan()
				w.confirm(reference)
				c.before(w, m)
				if !m.Press(c.product) {
					t.Fatalf("the machine is %s", m.Status())
				}
				time.Sleep(4 * time.Second)
				if m.out(c.product) != 0 || m.Status() != "IDLE" {
					t.Errorf("%d came out, and the machine is %s instead of in a new session\n%s", m.out(c.product),
						m.Status(), w.log.String())
				}
				if sale := w.settled(); sale.State != fsm.Released || m.out(c.product) != 0 {
					t.Errorf("%+v", sale)
				}
				w.money(reference, 0)
			})
		})
	}
}

// TestOtherDecimalPlacesAreDeniedAndSaid: 15 may be a lost digit of 15.00 or another scale, so nobody pays it; somebody
// must hear why nothing can be bought.
func TestOtherDecimalPlacesAreDeniedAndSaid(t *testing.T) {
	for price, says := range map[string]string{
		"15":     "requests arrive with 0 decimal places, SEK has 2: set the bridge's or the machine's decimal places",
		"15.0":   "requests arrive with 1 decimal places",
		"15.000": "requests arrive with 3 decimal places",
		"15,00":  "a request has no price or no product number that can be read",
	} {
		t.Run(price, func(t *testing.T) {
			atMachine(t, func(w *world, m *vending) {
				right := m.Products[10]
				m.Products[10] = mdbtest.Product{Price: price, Deliver: right.Deliver}
				reference := w.scan()
				w.confirm(reference)
				for range 5 {
					m.Press(10)
					time.Sleep(6 * time.Second)
				}
				if p := w.part("MDB machine"); p.OK || !strings.HasPrefix(p.What, says) || p.Do == "" ||
					p.Since.IsZero() {
					t.Errorf("the part is %+v", p)
				}
				if n := strings.Count(w.log.String(), says); n != 1 {
					t.Errorf("it is logged %d times within half a minute:\n%s", n, w.log.String())
				}
				if sale := w.settled(); sale.State != fsm.Released || m.out(10) != 0 {
					t.Errorf("%d came out, and the sale ended %+v", m.out(10), sale)
				}
				w.money(reference, 0)
				m.Products[10] = right
				reference = w.scan()
				w.confirm(reference)
				if !m.Press(10) {
					t.Fatalf("the machine is %s", m.Status())
				}
				if sale := w.settled(); sale.Charged != sek(1600) {
					t.Errorf("with the right decimal places: %+v", sale)
				}
				if p := w.part("MDB machine"); !p.OK {
					t.Errorf("with the right decimal places the part is %+v", p)
				}
			})
		})
	}
}

func TestAMachineThatFallsSilentIsChargedAndRecordedAsUnknown(t *testing.T) {
	atMachine(t, func(w *world, m *vending) {
		reference := w.scan()
		w.confirm(reference)
		m.Break(mdbtest.ResetAfter)
		m.Press(22)
		sale := w.settled()
		if i := sale.Items[0]; sale.State != fsm.Charged || i.Outcome != fsm.Unknown || i.Why != "reset" {
			t.Errorf("%+v", sale)
		}
		w.money(reference, 2250)
		if w.app.Kiosk.State().ClosedSlots()["A2"] != "reset" {
			t.Errorf("the slot is not closed: %v", w.app.Kiosk.State().Closed)
		}
	})
}

func TestAnEndOfTheDaemonWaitsForTheMachine(t *testing.T) {
	atMachine(t, func(w *world, m *vending) {
		reference := w.scan()
		w.confirm(reference)
		m.took = 5 * time.Second
		m.Press(22)
		time.Sleep(time.Second)
		w.end()
		w.money(reference, 2250)
		w.start()
		time.Sleep(5 * time.Second)
	})
}

func TestWithoutItsMachineTheKioskIsOutOfService(t *testing.T) {
	atMachine(t, func(w *world, m *vending) {
		stands := func(want bool) {
			t.Helper()
			s := w.app.Kiosk.State()
			found := slices.ContainsFunc(s.Faults, func(f fsm.Fault) bool { return f.Name == "mdb" && f.Hard })
			part := w.app.seller.Part()
			if found != want || part.OK == want || part.What == "" || (part.Do != "") != want {
				t.Errorf("fault %v, want %v; the part says %+v\n%s", found, want, part, w.log.String())
			}
		}
		stands(false)
		m.Unplug()
		time.Sleep(20 * time.Second)
		stands(true)
		m.Plug()
		time.Sleep(20 * time.Second)
		stands(false)
		reference := w.scan()
		w.confirm(reference)
		m.Enable(false) // in the middle of a customer's choosing
		time.Sleep(15 * time.Second)
		stands(true)
		if sale := w.settled(); sale.State != fsm.Released || sale.Why != "mdb" {
			t.Errorf("%+v", sale)
		}
		w.money(reference, 0)
		m.Enable(true)
		time.Sleep(time.Minute)
		stands(false)
	})
}

// TestOurButtonsDoNotChooseWhatAMachineSells: it would have nothing to approve.
func TestOurButtonsDoNotChooseWhatAMachineSells(t *testing.T) {
	atMachine(t, func(w *world, m *vending) {
		w.confirm(w.scan())
		w.app.Kiosk.Choose("A1")
		time.Sleep(time.Second)
		if s := w.app.Kiosk.State(); s.Stage != fsm.Choosing || len(s.Sale.Items) != 0 {
			t.Errorf("taken: %s, %+v", s.Stage, s.Sale.Items)
		}
	})
}

// TestAChoiceTakenBackAtTheMachineLetsTheCustomerChooseAgain, whatever else is sold out: nothing is gone and nothing
// closed.
func TestAChoiceTakenBackAtTheMachineLetsTheCustomerChooseAgain(t *testing.T) {
	for _, others := range []int{10, 0} {
		atMachine(t, func(w *world, m *vending) {
			if _, _, err := w.app.Kiosk.CountStock(w.t.Context(), "A2", "anna", others, false); err != nil {
				t.Fatal(err)
			}
			reference := w.scan()
			w.confirm(reference)
			m.Break(mdbtest.CancelFirst)
			if !m.Press(10) {
				t.Fatalf("no session: the machine is %s", m.Status())
			}
			time.Sleep(3 * time.Second)
			if s := w.app.Kiosk.State(); s.Stage != fsm.Choosing || s.Live.Notice != "stopped" || s.Closed != nil ||
				s.Stock["A1"] != 5 {
				t.Errorf("with %d of A2: %s (%s), closed %v, stock %v", others, s.Stage, s.Live.Notice, s.Closed,
					s.Stock)
			}
			if !m.Press(10) {
				t.Fatalf("no second session: the machine is %s", m.Status())
			}
			if sale := w.settled(); sale.State != fsm.Charged || sale.Charged != sek(1600) {
				t.Errorf("%+v", sale)
			}
			w.money(reference, 1600)
		})
	}
}
