package app

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/debug"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
)

// bought is a sale of 15.00 that is over.
func (w *world) bought(flow string) fsm.Sale {
	w.t.Helper()
	if flow == "reservation" {
		ref := w.scan()
		w.confirm(ref)
		w.press("A1")
	} else {
		w.press("A1")
		w.confirm(w.app.Kiosk.State().Sale.Reference)
	}
	return w.settled()
}

// TestARefundIsRightWhateverGoesWrong at Glase or here: what the record says went back did, a doubt is a doubt about
// this refund alone, and never more goes back than was charged.
func TestARefundIsRightWhateverGoesWrong(t *testing.T) {
	notAllowed, tooMuch := glasetest.Code(97), glasetest.Code(98)
	faults := append(kinds(), glasetest.Fault{}, glasetest.Fault{Fault: "result_code", Code: &notAllowed},
		glasetest.Fault{Fault: "result_code", Code: &tooMuch})
	for _, flow := range []string{"reservation", "invoice"} {
		for amount, minor := range map[string]int64{"5.00": 500, "": 1500} {
			for _, fault := range faults {
				for _, cut := range []bool{false, true} {
					name := fmt.Sprintf("%s/%s of %q/cut=%v", flow, fault.Fault+codeName(fault), amount, cut)
					t.Run(name, func(t *testing.T) {
						play(t, flow, func(w *world) {
							sale := w.bought(flow)
							if fault.Fault != "" {
								fault.Operation, fault.Count = "refundPayment", 1
								rules := glasetest.Faults{Rules: []glasetest.Fault{fault}}
								if err := w.glase.SetFaults(rules); err != nil {
									t.Fatal(err)
								}
							}
							v := fsm.Verdict{Decision: fsm.Refund, By: "anna", Reason: "it was warm"}
							if err := w.app.Refund(w.t.Context(), sale.ID, amount, v); err != nil {
								t.Fatal(err)
							}
							if cut {
								time.Sleep(30 * time.Millisecond)
								w.end()
								w.start()
							}
							time.Sleep(time.Second)
							sale = w.settled()
							_, paid := w.glase.Balance(sale.Reference)
							net := sale.Charged.Minor - sale.Refunded.Minor
							if sale.State == fsm.InDoubt {
								if paid.Minor != 1500 && paid.Minor != 1500-minor {
									t.Errorf("in doubt (%s), and the customer has paid %v", sale.Note, paid)
								}
								return
							}
							if paid.Minor != net || net != 1500 && net != 1500-minor ||
								(sale.State == fsm.Refunded) != (net == 0) {
								t.Errorf("%s with %v − %v, and the customer has paid %v (%s)", sale.State, sale.Charged,
									sale.Refunded, paid, sale.Note)
							}
							if fault.Fault == "" && !cut && net != 1500-minor {
								t.Errorf("nothing went wrong, and it is %s: %s", sale.State, sale.Note)
							}
						})
					})
				}
			}
		}
	}
}

// TestAnyNumberOfRefundsIsNeverMoreThanWasCharged: each has its own name at Glase, and the last öre is the last.
func TestAnyNumberOfRefundsIsNeverMoreThanWasCharged(t *testing.T) {
	play(t, "invoice", func(w *world) {
		sale := w.bought("invoice")
		v := fsm.Verdict{Decision: fsm.Refund, By: "anna", Reason: "it was warm"}
		for n, amount := range []string{"4.00", "4.00", "4.00", "4.00", "3.00", "0.01"} {
			err := w.app.Refund(w.t.Context(), sale.ID, amount, v)
			if tooMuch := n == 3; errors.Is(err, debug.ErrAmount) != tooMuch {
				t.Errorf("refund %d of %s: %v", n+1, amount, err)
			}
			if over := n == 5; errors.Is(err, journal.ErrNoCharge) != over {
				t.Errorf("refund %d of %s: %v", n+1, amount, err)
			}
			time.Sleep(time.Second)
			w.settled()
		}
		w.money(sale.Reference, 0)
		if s := w.app.Kiosk.State().Sale; s.State != fsm.Refunded || s.Refunded != s.Charged {
			t.Errorf("it ended as %+v", s)
		}
	})
}

// TestNothingIsGivenBackDuringASale: the customer at the machine comes first, and the other sale waits.
func TestNothingIsGivenBackDuringASale(t *testing.T) {
	play(t, "reservation", func(w *world) {
		first := w.bought("reservation")
		ref := w.scan()
		v := fsm.Verdict{Decision: fsm.Refund, By: "anna", Reason: "it was warm"}
		if err := w.app.Refund(w.t.Context(), first.ID, "", v); !errors.Is(err, kiosk.ErrBusy) {
			t.Errorf("during a sale: %v", err)
		}
		w.confirm(ref)
		w.press("A1")
		w.settled()
		if err := w.app.Refund(w.t.Context(), first.ID, "", v); err != nil {
			t.Errorf("after it: %v", err)
		}
		time.Sleep(time.Second)
		w.settled()
		w.money(first.Reference, 0)
		w.money(ref, 1500)
	})
}
