package app

import (
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend"
	"kioskd/hw/vend/lock"
	"kioskd/hw/vend/relay"
	"kioskd/internal/config"
	"kioskd/internal/reason"
)

// homeAndLocker gives A1 a home switch and a retry turn, and makes A2 a locker.
func homeAndLocker(cfg *config.Config) {
	spiral := cfg.Slots[0].Vend.(relay.Config)
	spiral.Home, spiral.RetryTurn = "GPIO4", true
	cfg.Slots[0].Vend = spiral
	cfg.Slots[1].MaxOn, cfg.Slots[1].Driver = 10*time.Second, "lock"
	cfg.Slots[1].Vend = lock.Config{Relay: "GPIO22", Opened: "GPIO23", Close: 30 * time.Second}
}

// TestALockerIsPaidForWhenItsDoorWasOpened buys from it with all that a customer may do.
func TestALockerIsPaidForWhenItsDoorWasOpened(t *testing.T) {
	for fault, want := range map[string]struct {
		paid   int64
		closed reason.Why // why nothing more is sold from it
	}{
		simboard.FaultNone:        {2250, ""},
		simboard.FaultBounce:      {2250, ""},
		simboard.FaultLateDrop:    {2250, ""},
		simboard.FaultNeverOpens:  {0, vend.WhyNotOpened},
		simboard.FaultLeftOpen:    {2250, vend.WhyLeftOpen},
		simboard.FaultStuckSensor: {0, vend.WhyStandsOpen},
	} {
		for _, flow := range []string{"reservation", "invoice"} {
			t.Run(fault+"/"+flow, func(t *testing.T) {
				playWith(t, flow, homeAndLocker, func(w *world) {
					w.fault("A2", fault)
					var ref string
					if flow == "reservation" {
						ref = w.scan()
						w.confirm(ref)
						w.press("A2")
					} else {
						w.press("A2")
						ref = w.app.Kiosk.State().Sale.Reference
						w.confirm(ref)
					}
					sale := w.settled()
					w.money(ref, want.paid)
					if sale.Doubtful() || w.app.Kiosk.State().ClosedSlots()["A2"] != want.closed {
						t.Errorf("the sale ended %s %s, and the slot is closed for %q", sale.State, sale.Why,
							w.app.Kiosk.State().ClosedSlots()["A2"])
					}
					if n := w.dropped()["A2"]; int64(n)*2250 != want.paid {
						t.Errorf("%d products came out, and %d was paid", n, want.paid)
					}
				})
			})
		}
	}
}

// TestASpiralWithAHomeIsChargedOnce holds that neither a retry turn nor a second product costs the customer more.
func TestASpiralWithAHomeIsChargedOnce(t *testing.T) {
	for fault, want := range map[string]struct {
		paid   int64
		pulses int
		closed reason.Why
	}{
		simboard.FaultNone:     {1500, 1, ""},
		simboard.FaultTwoDrop:  {1500, 1, vend.WhyTwoDropped},
		simboard.FaultJam:      {0, 2, vend.WhyEmpty},
		simboard.FaultStall:    {0, 1, vend.WhyNoMotor},
		simboard.FaultWedge:    {0, 1, vend.WhyJam},
		simboard.FaultHomeLost: {1500, 1, vend.WhyTwoDropped},
	} {
		t.Run(fault, func(t *testing.T) {
			playWith(t, "reservation", homeAndLocker, func(w *world) {
				w.fault("A1", fault)
				ref := w.scan()
				w.confirm(ref)
				w.press("A1")
				time.Sleep(15 * time.Second) // until it has ended
				w.press("A1")                // and is sold no more, unless it works
				sale := w.settled()
				if want.closed == "" {
					want.paid, want.pulses = 2*want.paid, 2*want.pulses
				}
				w.money(ref, want.paid)
				board, err := w.front.Snapshot()
				if err != nil {
					t.Fatal(err)
				}
				if s := board.Slots[0]; s.Pulses != want.pulses || w.app.Kiosk.State().
					ClosedSlots()["A1"] != want.closed {
					t.Errorf("the motor started %d times, want %d; the slot is closed for %q, want %q", s.Pulses,
						want.pulses, w.app.Kiosk.State().ClosedSlots()["A1"], want.closed)
				}
				if sale.State == fsm.InDoubt {
					t.Errorf("the sale stands in doubt: %s", sale.Note)
				}
			})
		})
	}
}

// TestATechnicianSeesHomesAndLockers reads their pins.
func TestATechnicianSeesHomesAndLockers(t *testing.T) {
	playWith(t, "reservation", homeAndLocker, func(w *world) {
		if p := w.pin("A1 home switch"); p.Means != "at home" {
			t.Errorf("a spiral that rests: %+v", p)
		}
		if p := w.pin("A2 door contact"); p.Means != "closed" || p.Active {
			t.Errorf("a locker that is closed: %+v", p)
		}
	})
}

// TestAMachineThatIsShakenSellsNothingUntilItStandsStill also holds that shaking it writes two records and not two each
// time.
func TestAMachineThatIsShakenSellsNothingUntilItStandsStill(t *testing.T) {
	playWith(t, "invoice", func(cfg *config.Config) { cfg.GPIO.Tilt = "GPIO21" }, func(w *world) {
		for range 20 {
			w.press("tilt")
			if s := w.app.Kiosk.State(); s.Stage != fsm.OutOfService || s.Reason != "tilt" {
				t.Fatalf("while it is shaken it is %s, %q", s.Stage, s.Reason)
			}
		}
		w.press("A1")
		if w.app.Kiosk.State().Busy() {
			t.Error("a sale began")
		}
		time.Sleep(6 * time.Second)
		if s := w.app.Kiosk.State(); s.Stage != fsm.Ready {
			t.Errorf("when it stands still it is %s, %q", s.Stage, s.Reason)
		}
		if n := strings.Count(w.log.String(), `"message":"FaultRaised"`); n != 1 {
			t.Errorf("the fault was recorded %d times", n)
		}
	})
}
