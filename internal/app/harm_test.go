package app

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
	"periph.io/x/conn/v3/gpio"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/hw/display"
	"kioskd/internal/hardware"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
	"kioskd/internal/reason"
	"kioskd/internal/simulated"
)

// These stories once cost somebody money.

func (w *world) choices(c glasetest.Choices) {
	if err := w.glase.SetFaults(glasetest.Faults{Choices: c}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) rules(r ...glasetest.Fault) {
	if err := w.glase.SetFaults(glasetest.Faults{Rules: r}); err != nil {
		w.t.Fatal(err)
	}
}

// spoil changes the journal's file behind the daemon's back, between two of its runs.
func (w *world) spoil(statement string) {
	db, err := sql.Open("sqlite", "file:"+w.cfg.Journal.Path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		w.t.Fatal(err)
	}
}

const (
	refuseVendEnded = "CREATE TRIGGER full BEFORE INSERT ON entries WHEN NEW.event='VendEnded' BEGIN SELECT " +
		"RAISE(ABORT,'disk full'); END"
	takeAgain = "DROP TRIGGER full"
)

// buy is a customer at the machine who presses A1 and pays.
func (w *world) buy() (reference string) {
	if w.cfg.Payment.Flow == "reservation" {
		reference = w.scan()
		w.confirm(reference)
		w.press("A1")
		return reference
	}
	w.press("A1")
	reference = w.app.Kiosk.State().Sale.Reference
	w.confirm(reference)
	return reference
}

func TestNoMoneyIsTakenForGrantedBeforeItsVersionIsAcknowledged(t *testing.T) {
	for _, c := range []glasetest.Choices{
		{AcknowledgedBy: "latest_version"},
		{AcknowledgedBy: "latest_version", UnaskedCommit: "reverse"},
		{AcknowledgedBy: "latest_version", UnaskedReserved: "release"},
	} {
		for _, flow := range []string{"reservation", "sticker", "invoice"} {
			t.Run(fmt.Sprintf("%s/%+v", flow, c), func(t *testing.T) {
				play(t, flow, func(w *world) {
					w.choices(c)
					if flow == "reservation" {
						ref := w.scan()
						w.confirm(ref)
						time.Sleep(5 * time.Second)
						w.press("A1")
						w.settled()
						time.Sleep(time.Minute)
						w.money(ref, 1500)
						return
					}
					ref := w.buy()
					w.settled()
					time.Sleep(time.Minute)
					w.money(ref, 1500)
				})
			})
		}
	}
}

func TestWhatWasSettledFromMemoryIsKnownToTheNextStart(t *testing.T) {
	for _, flow := range []string{"reservation", "sticker"} {
		for fault, paid := range map[string]int64{"none": 1500, "jam": 0} {
			t.Run(flow+"/"+fault, func(t *testing.T) {
				play(t, flow, func(w *world) {
					w.end()
					w.spoil(refuseVendEnded)
					w.start()
					w.fault("A1", fault)
					ref := w.buy()
					before := w.settled()
					w.money(ref, paid)
					w.end()
					w.spoil(takeAgain)
					w.start()
					after := w.settled()
					w.money(ref, paid)
					if before.State != after.State || after.Doubtful() {
						t.Errorf("ended %s, and %s after the restart: %s", before.State, after.State, after.Note)
					}
					report, err := journal.Replay(w.t.Context(), w.cfg.Journal.Path)
					if err != nil || report.Difference != nil || report.Chain.Broken != "" {
						t.Errorf("replay: %+v, %v", report, err)
					}
				})
			})
		}
	}
}

func TestAJournalThatTakesRecordsAgainSellsAgain(t *testing.T) {
	play(t, "reservation", func(w *world) {
		moved := w.cfg.Journal.Path + ".moved"
		if err := os.Rename(w.cfg.Journal.Path, moved); err != nil {
			t.Fatal(err)
		}
		// is refused
		w.glase.Scan(w.t.Context(), glasetest.Scan{QR: "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456",
			Amount: sek(5000)})
		time.Sleep(time.Second)
		if s := w.app.Kiosk.State(); s.Stage != fsm.OutOfService || s.Reason != reason.Journal {
			t.Errorf("the journal is gone, and the machine is in %s (%s)", s.Stage, s.Reason)
		}
		if err := os.Rename(moved, w.cfg.Journal.Path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if s := w.app.Kiosk.State(); s.Stage != fsm.Ready {
			t.Errorf("the journal is back, and the machine is in %s (%s)", s.Stage, s.Reason)
		}
		ref := w.buy()
		w.settled()
		w.money(ref, 1500)
	})
}

func TestACancelThatRacesWithThePINLeavesNoMoneyHeld(t *testing.T) {
	play(t, "reservation", func(w *world) {
		w.choices(glasetest.Choices{CancelReserved: "ignore", Notify: "paid_only"})
		ref := w.scan()
		time.Sleep(200 * time.Millisecond)
		if _, err := w.glase.Confirm(ref, "1234"); err != nil {
			t.Fatal(err)
		}
		w.press("cancel")
		w.settled()
		w.money(ref, 0)
	})
}

func TestAMachineThatCannotChargeGivesAwayOneProductAtMost(t *testing.T) {
	code := func(c glasetest.Code) *glasetest.Code { return &c }
	for name, rule := range map[string]glasetest.Fault{
		"commit does nothing": {Operation: "commitReservation", Fault: "result_code", Code: code(0)},
		"update is refused":   {Operation: "updateInvoice", Fault: "result_code", Code: code(49)},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, "reservation", func(w *world) {
				w.rules(rule)
				ref := w.buy()
				sale := w.settled()
				if held, _ := w.glase.Balance(ref); held.Minor != 0 && name == "commit does nothing" ||
					!sale.Doubtful() && sale.State != fsm.Lost {
					t.Errorf("ended %s (%s) with %v held", sale.State, sale.Note, held)
				}
				if s := w.app.Kiosk.State(); s.Stage != fsm.OutOfService && sale.Doubtful() {
					t.Errorf("%s after a charge that was refused", s.Stage)
				}
				stage := w.app.Kiosk.State().Stage
				w.end()
				w.start()
				if s := w.app.Kiosk.State().Stage; s != stage {
					t.Errorf("%s before the restart, %s after it", stage, s)
				}
			})
		})
	}
}

func TestOneOddAnswerToAnUpdateCostsNothing(t *testing.T) {
	for _, c := range []glasetest.Code{50, 54, 55, 95, 96} {
		for _, acts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/acts=%v", c, acts), func(t *testing.T) {
				play(t, "reservation", func(w *world) {
					w.rules(glasetest.Fault{Operation: "updateInvoice", Fault: "result_code", Code: &c, Acts: acts,
						Count: 1})
					ref := w.buy()
					began := time.Now()
					w.settled()
					w.money(ref, 1500)
					if took := time.Since(began); took > time.Minute {
						t.Errorf("settled after %v", took)
					}
				})
			})
		}
	}
}

func TestAReleaseEndsWithTheReservationAtTheLatest(t *testing.T) {
	code := glasetest.Code(90)
	for _, rule := range []glasetest.Fault{
		{Fault: "http", Status: 500}, {Fault: "html"}, {Fault: "reset", Acts: true},
		{Fault: "result_code", Code: &code}, {Fault: "latency", Delay: glasetest.Duration(20 * time.Second)},
	} {
		t.Run(fmt.Sprintf("%s/acts=%v", rule.Fault, rule.Acts), func(t *testing.T) {
			play(t, "reservation", func(w *world) {
				rule.Operation = "cancelInvoice"
				w.rules(rule)
				ref := w.scan()
				w.confirm(ref)
				began := time.Now()
				w.press("cancel")
				sale := w.settled()
				w.money(ref, 0)
				if took := time.Since(began); took > 12*time.Minute || sale.State != fsm.Released {
					t.Errorf("ended %s (%s) after %v", sale.State, sale.Note, took)
				}
			})
		})
	}
}

func TestARefundThatMayHaveBeenMadeIsNotCalledOwed(t *testing.T) {
	code := glasetest.Code(48)
	play(t, "sticker", func(w *world) {
		w.rules(glasetest.Fault{Operation: "refundPayment", Fault: "lost_answer", Count: 1},
			glasetest.Fault{Operation: "refundPayment", Fault: "result_code", Code: &code, Count: 1})
		w.fault("A1", "jam")
		ref := w.buy()
		sale := w.settled()
		w.money(ref, 0)
		if sale.State != fsm.Refunded {
			t.Errorf("ended %s: %s", sale.State, sale.Note)
		}
	})
}

func TestAStickersLostInvoiceIsNotLeftForTheNextCustomerToPay(t *testing.T) {
	code := glasetest.Code(20)
	play(t, "sticker", func(w *world) {
		w.rules(glasetest.Fault{Operation: "sendInvoice", Fault: "lost_answer", Count: 1},
			glasetest.Fault{Operation: "sendInvoice", Fault: "result_code", Code: &code, Count: 1})
		w.press("A1")
		time.Sleep(time.Second)
		if sale := w.app.Kiosk.State().Sale; sale.Ended {
			t.Errorf("the sale has ended %s although its invoice lives at Glase", sale.State)
		}
		time.Sleep(time.Minute)
		sale := w.app.Kiosk.State().Sale
		if sale.Reference == "" {
			t.Errorf("the invoice was not found again: %s", w.app.Kiosk.State().Stage)
		}
	})
}

// hanging is a display whose cable holds up whoever draws on it.
type hanging struct {
	Driver
	free chan struct{}
}

func (h hanging) Show(display.Screen) error { <-h.free; return nil }

func TestADisplayThatHangsOffersNoSaleAndKeepsNobodyFromEnding(t *testing.T) {
	play(t, "reservation", func(w *world) {
		free := make(chan struct{})
		w.app.screen.driver = hanging{w.app.screen.driver, free}
		w.press("cancel") // any step draws
		w.glase.Scan(w.t.Context(), glasetest.Scan{QR: "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456",
			Amount: sek(100)})
		time.Sleep(time.Minute)
		if s := w.app.Kiosk.State(); s.Reason != "display" {
			t.Errorf("%s (%s) with a display that hangs", s.Stage, s.Reason)
		}
		ended := make(chan struct{})
		go func() {
			w.end()
			close(ended)
		}()
		time.Sleep(time.Minute)
		select {
		case <-ended:
		default:
			t.Error("told to end a minute ago, and still there")
		}
		close(free)
		<-ended
		w.end = func() {}
	})
}

func TestACopiedCardSettlesNothingAndSellsNothing(t *testing.T) {
	play(t, "reservation", func(w *world) {
		ref := w.scan()
		w.confirm(ref)
		w.end() // with the sale open: the copy's journal knows it, too
		a := &App{copied: true}
		state, records, err := a.openJournal(w.t.Context())
		if err != nil || state.Sale.ID != "" || records.Append(w.t.Context(), kiosk.Record{}) == nil {
			t.Errorf("a copied card loads %+v, %v", state.Sale, err)
		}
		w.start()
	})
}

func TestOutputsGoOffWhateverElseIsWrongWithTheConfig(t *testing.T) {
	cfg := testConfig(t, t.TempDir(), "reservation")
	board, err := simulated.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	motor, err := board.Pin("GPIO17")
	if err == nil {
		err = motor.Out(gpio.High)
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg.Slots[1].Vend = cfg.Slots[0].Vend
	cfg.Machine.Language = "??"
	if n, err := hardware.OutputsOff(cfg, board); n != 1 || err != nil || motor.Read() != gpio.Low {
		t.Errorf("%d outputs, %v; the relay is %v", n, err, motor.Read())
	}
	if _, err := hardware.OutputsOff(cfg, nil); err == nil {
		t.Error("outputs of a machine that nobody handed in were said to be off")
	}
}

func TestATechnicianRefillsAndOpensTheMachine(t *testing.T) {
	play(t, "reservation", func(w *world) {
		w.buy()
		w.settled()
		w.fault("A2", "jam")
		ref := w.scan()
		w.confirm(ref)
		w.press("A2")
		w.settled()
		w.end()
		w.servicedBy = "Kim"
		w.start()
		if s := w.recorded(); len(s.Closed) != 0 || s.Stock["A1"] != 5 || s.Stock["A2"] != 5 {
			t.Errorf("closed %v, stock %v", s.Closed, s.Stock)
		}
	})
}

// TestASaleThatGlaseLeavesOpenCanBeSettledByHand: Glase answers nothing after the charge. A technician sees which sale
// waits, and for what, and can end it; any other verdict needs Glase's word.
func TestASaleThatGlaseLeavesOpenCanBeSettledByHand(t *testing.T) {
	play(t, "reservation", func(w *world) {
		ref := w.scan()
		w.confirm(ref)
		// the one that shows the reservation
		w.rules(glasetest.Fault{Operation: "getPaymentStatus", Fault: "lost_answer", Skip: 1})
		w.press("A1")
		time.Sleep(3 * time.Minute)
		sale := w.app.Kiosk.State().Sale
		if sale.Ended {
			w.t.Fatalf("the sale has ended %s without Glase's word", sale.State)
		}
		parts := w.app.parts()
		if p := parts[0]; p.Name != "Glase" || p.OK || !strings.Contains(p.What, sale.ID) ||
			!strings.Contains(p.Do, "--by-hand") {
			w.t.Errorf("a technician reads: %+v", p)
		}
		v := fsm.Verdict{Decision: fsm.Charge, By: "anna", Reason: "Glase says on the telephone that it is paid"}
		if err := w.app.Resolve(w.t.Context(), sale.ID, v); !errors.Is(err, kiosk.ErrOpen) {
			w.t.Errorf("a verdict that needs Glase's word: %v", err)
		}
		v.ByHand = true
		if err := w.app.Resolve(w.t.Context(), sale.ID, v); err != nil {
			w.t.Fatal(err)
		}
		after := w.app.Kiosk.State()
		if after.Sale.State != fsm.Charged || after.Sale.Verdict.By != "anna" || after.Stage != fsm.Ready {
			w.t.Errorf("after it: %s, %s in %s", after.Sale.State, after.Sale.Verdict, after.Stage)
		}
		if p := w.app.parts()[0]; strings.Contains(p.Do, "--by-hand") {
			w.t.Errorf("and still: %+v", p)
		}
	})
}
