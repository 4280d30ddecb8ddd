package app

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/hw/display"
	"kioskd/internal/journal"
	"kioskd/ups"
)

func TestExactlyWhatCameOutIsCharged(t *testing.T) {
	play(t, "reservation", func(w *world) {
		ref := w.scan()
		w.confirm(ref)
		w.press("A1")
		time.Sleep(4 * time.Second)
		w.press("A2")
		sale := w.settled()
		if sale.State != fsm.Charged || sale.Charged != sek(3750) || sale.ErsReference == "" {
			t.Errorf("ended %s, charged %v, ersReference %q", sale.State, sale.Charged, sale.ErsReference)
		}
		w.money(ref, 3750)
		if d := w.dropped(); d["A1"] != 1 || d["A2"] != 1 {
			t.Errorf("came out: %v", d)
		}
		if stock := w.recorded().Stock; stock["A1"] != 4 || stock["A2"] != 4 {
			t.Errorf("stock %v", stock)
		}
		for _, k := range []display.Kind{display.Idle, display.Confirm, display.Choose, display.Dispensing,
			display.Done} {
			if !w.screen.shown(k) {
				t.Errorf("the screen never showed %s", k)
			}
		}
		time.Sleep(time.Minute)
		if w.screen.now().Kind != display.Idle || w.screen.now().
			QR != "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456" {
			t.Errorf("the idle screen shows %s with %q", w.screen.now().Kind, w.screen.now().QR)
		}
	})
}

func TestNothingIsChargedWhenNothingCameOut(t *testing.T) {
	// no_drop: it came out, and nobody saw it
	for fault, want := range map[string]int{"jam": 0, "no_drop": 1, "stuck_sensor": 0} {
		t.Run(fault, func(t *testing.T) {
			play(t, "reservation", func(w *world) {
				ref := w.scan()
				w.confirm(ref)
				w.fault("A2", fault)
				w.press("A2")
				sale := w.settled()
				if sale.State != fsm.Released || w.dropped()["A2"] != want {
					t.Errorf("ended %s, came out: %v", sale.State, w.dropped())
				}
				w.money(ref, 0)
				if why := w.app.Kiosk.State().ClosedSlots()["A2"]; why == "" {
					t.Error("the slot sells on")
				}
				w.fault("A2", "none")
				w.press("door")
				if s := w.app.Kiosk.State().Stage; s != fsm.Maintenance {
					t.Errorf("the door is open and the machine is in %s", s)
				}
				w.press("door")
				if s := w.app.Kiosk.State(); s.Stage != fsm.Ready || len(s.Closed) != 0 {
					t.Errorf("the technician has closed the door: %s, closed %v", s.Stage, s.Closed)
				}
			})
		})
	}
}

func TestALateOrBouncingDropIsOneProduct(t *testing.T) {
	for _, fault := range []string{"late_drop", "bounce"} {
		t.Run(fault, func(t *testing.T) {
			play(t, "reservation", func(w *world) {
				ref := w.scan()
				w.confirm(ref)
				w.fault("A1", fault)
				w.press("A1")
				if sale := w.settled(); sale.Charged != sek(1500) || w.dropped()["A1"] != 1 {
					t.Errorf("charged %v for %v", sale.Charged, w.dropped())
				}
				w.money(ref, 1500)
			})
		})
	}
}

func TestADirectDebitIsChargedForWhatCameOutAndRefundedOtherwise(t *testing.T) {
	for _, flow := range []string{"sticker", "invoice"} {
		for fault, paid := range map[string]int64{"none": 1500, "jam": 0} {
			t.Run(flow+"/"+fault, func(t *testing.T) {
				play(t, flow, func(w *world) {
					w.fault("A1", fault)
					w.press("A1")
					sale := w.app.Kiosk.State().Sale
					if flow == "invoice" && w.screen.now().QR != sale.QR || sale.QR == "" {
						t.Errorf("the screen shows %q for %q", w.screen.now().QR, sale.QR)
					}
					w.confirm(sale.Reference)
					sale = w.settled()
					w.money(sale.Reference, paid)
					if got := sale.Charged.Minor - sale.Refunded.Minor; got != paid ||
						(paid == 0) != (sale.State == fsm.Refunded) {
						t.Errorf("ended %s with %v − %v", sale.State, sale.Charged, sale.Refunded)
					}
					if n := len(w.glase.Receipts(sale.Reference)); (n == 1) != (paid > 0) {
						t.Errorf("%d receipts", n)
					}
				})
			})
		}
	}
}

// choices are every way that Glase's documentation leaves open.
var choices = []glasetest.Choices{
	{}, {AcknowledgedBy: "latest_version"}, {CancelReserved: "refuse_48"}, {CancelReserved: "refuse_51"},
	{CancelReserved: "ignore"},
	{UnaskedCommit: "reverse"}, {UnaskedReserved: "release"}, {Notify: "paid_only"}, {CanceledSpelling: "CANCELLED"},
	{TestTerminal: "webshop"},
	{ClientInvoiceID: "new_invoice"},
}

func TestTheMoneyIsRightWhicheverWayGlaseGoes(t *testing.T) {
	for _, c := range choices {
		for story, paid := range map[string]int64{"delivered": 1500, "jam": 0, "walked away": 0} {
			t.Run(fmt.Sprintf("%+v/%s", c, story), func(t *testing.T) {
				play(t, "reservation", func(w *world) {
					if err := w.glase.SetFaults(glasetest.Faults{Choices: c}); err != nil {
						t.Fatal(err)
					}
					ref := w.scan()
					w.confirm(ref)
					switch story {
					case "jam":
						w.fault("A1", "jam")
						fallthrough
					case "delivered":
						w.press("A1")
					}
					sale := w.settled()
					if sale.Doubtful() {
						t.Errorf("in doubt without a fault: %s", sale.Note)
					}
					w.money(ref, paid)
				})
			})
		}
	}
}

// calls are the operations that each flow's sales make, with the stories in which they do.
var calls = []struct{ flow, operation, stories string }{
	{"reservation", "sendInvoice", "delivered"}, {"reservation", "getPaymentStatus", "delivered jam"},
	{"reservation", "updateInvoice", "delivered"},
	{"reservation", "commitReservation", "delivered"}, {"reservation", "cancelInvoice", "jam cancel"},
	{"sticker", "sendInvoice", "delivered"}, {"sticker", "getPaymentStatus", "delivered jam"},
	{"sticker", "cancelInvoice", "cancel"},
	{"sticker", "refundPayment", "jam"}, {"sticker", "submitPaymentReceipt", "delivered"},
}

func kinds() []glasetest.Fault {
	code := func(c glasetest.Code) *glasetest.Code { return &c }
	return []glasetest.Fault{
		{Fault: "lost_request"}, {Fault: "lost_answer"}, {Fault: "reset"}, {Fault: "reset", Acts: true},
		{Fault: "http", Status: 503},
		{Fault: "soap_fault"}, {Fault: "soap_fault", Acts: true}, {Fault: "malformed", Acts: true}, {Fault: "html"},
		{Fault: "latency", Delay: glasetest.Duration(5 * time.Second)},
		{Fault: "latency", Delay: glasetest.Duration(5 * time.Second), Acts: true},
		{Fault: "result_code", Code: code(90)}, {Fault: "result_code", Code: code(90), Acts: true},
		{Fault: "result_code", Code: code(93)},
		{Fault: "result_code", Code: code(48)}, {Fault: "result_code", Code: code(20)},
		{Fault: "result_code", Code: code(49)}, {Fault: "result_code", Code: code(77)},
	}
}

// TestTheMoneyIsRightWhateverGoesWrongAtWhicheverCall lets each operation fail in each way, once and ten times. What
// the customer pays is what came out; less only when the sale says that it was lost or is in doubt; nothing is held
// longer than the reservation.
func TestTheMoneyIsRightWhateverGoesWrongAtWhicheverCall(t *testing.T) {
	for _, c := range calls {
		for _, kind := range kinds() {
			t.Run(fmt.Sprintf("%s/%s/%s%s/acts=%v", c.flow, c.operation, kind.Fault, codeName(kind), kind.Acts),
				func(t *testing.T) {
					t.Parallel()
					for _, times := range []int{1, 10} {
						for _, story := range strings.Fields(c.stories) {
							rule := kind
							rule.Operation, rule.Count = c.operation, times
							play(t, c.flow, func(w *world) { faultySale(w, rule, story) })
						}
					}
				})
		}
	}
}

func codeName(f glasetest.Fault) string {
	if f.Code == nil {
		return ""
	}
	return fmt.Sprint(int(*f.Code))
}

func faultySale(w *world, rule glasetest.Fault, story string) {
	t := w.t
	if err := w.glase.SetFaults(glasetest.Faults{Rules: []glasetest.Fault{rule}}); err != nil {
		t.Fatal(err)
	}
	if story == "jam" {
		w.fault("A1", "jam")
	}
	if w.cfg.Payment.Flow == "reservation" {
		// may fail
		w.glase.Scan(t.Context(), glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"), Amount: sek(5000)})
	} else {
		w.press("A1")
	}
	for range 30 { // the customer tries
		switch s := w.app.Kiosk.State(); {
		case s.Stage == fsm.Awaiting && story == "cancel":
			w.press("cancel")
		case s.Stage == fsm.Awaiting:
			w.glase.Confirm(s.Sale.Reference, "1234")
		case s.Stage == fsm.Choosing && len(s.Sale.Items) == 0:
			w.press("A1")
		}
		time.Sleep(time.Second)
	}
	sale := w.settled()
	time.Sleep(15 * time.Minute) // all that Glase ends by itself has ended
	ref := sale.Reference
	if ref == "" {
		return // nobody could pay it
	}
	held, paid := w.glase.Balance(ref)
	want := int64(1500 * w.dropped()["A1"])
	known := sale.State == fsm.Lost || sale.Doubtful()
	if held.Minor != 0 || paid.Minor != want && !known || paid.Minor > want && !sale.Doubtful() {
		t.Errorf("%+v, %s, %s: held %v, paid %v, came out for %v, the sale says %s (%s, %s)", rule, w.cfg.Payment.Flow,
			story, held, paid, sek(want), sale.State, sale.Why, sale.Note)
	}
}

func TestAJournalThatCannotBeUsedMeansOutOfService(t *testing.T) {
	spoil := map[string]func(path string) error{
		"corrupt": func(p string) error {
			return os.WriteFile(p, []byte("this is no database, it is a letter"),
				0o600)
		},
		"folder": func(p string) error { return os.Mkdir(p, 0o700) },
	}
	for name, f := range spoil {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := f(filepath.Join(dir, "journal.db")); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				w := &world{t: t, begin: time.Now().Add(-time.Hour), cfg: testConfig(t, dir, "reservation")}
				w.glase = glasetest.New(glasetest.Config{Transport: glasetest.InProcess(&kioskDoor{w})})
				defer w.glase.Close()
				w.glase.Connect("123456", "http://kiosk.test/seqr/createPurchase")
				w.start()
				_, err := w.glase.Scan(t.Context(), glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"),
					Amount: sek(5000)})
				var refused *glasetest.PhoneError
				if !errors.As(err, &refused) || refused.Code != "DEVICE_UNAVAILABLE" {
					t.Errorf("createPurchase answered %v", err)
				}
				synctest.Wait()
				if s := w.app.Kiosk.State(); s.Stage != fsm.OutOfService || s.Reason != "journal" || w.screen.now().
					Kind != display.OutOfService {
					t.Errorf("%s (%s), the screen shows %s", s.Stage, s.Reason, w.screen.now().Kind)
				}
				w.end()
			})
		})
	}
}

func TestAFailingDisplayOffersNoNewSaleAndStopsNone(t *testing.T) {
	play(t, "reservation", func(w *world) {
		ref := w.scan()
		w.confirm(ref)
		w.screen.mu.Lock()
		w.screen.fail = errors.New("the cable is out")
		w.screen.mu.Unlock()
		w.press("A1")
		w.settled()
		w.money(ref, 1500)
		if s := w.app.Kiosk.State(); s.Stage != fsm.OutOfService || s.Reason != "display" {
			t.Errorf("%s (%s) with a failing display", s.Stage, s.Reason)
		}
		w.screen.mu.Lock()
		w.screen.fail = nil
		w.screen.mu.Unlock()
		time.Sleep(time.Minute)
		if s := w.app.Kiosk.State().Stage; s != fsm.Ready {
			t.Errorf("%s after the display came back", s)
		}
	})
}

// TestARestartFindsTheSaleAndItsMoney ends the daemon in the middle of a sale and starts it again on the same journal.
func TestARestartFindsTheSaleAndItsMoney(t *testing.T) {
	for _, after := range []time.Duration{100 * time.Millisecond, 700 * time.Millisecond, 2 * time.Second} {
		play(t, "reservation", func(w *world) {
			ref := w.scan()
			w.confirm(ref)
			front := w.front
			if err := front.Press("A1"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(after)
			before := w.dropped
			w.end()
			came := int64(before()["A1"])
			w.start()
			w.settled()
			w.money(ref, 1500*came)
			report, err := journal.Replay(w.t.Context(), w.cfg.Journal.Path)
			if err != nil || report.Difference != nil || report.Chain.Broken != "" || report.Replayed == 0 {
				t.Errorf("replay: %+v, %v", report, err)
			}
			sales, err := w.app.journal.SalesBefore(w.t.Context(), math.MaxInt64, 10)
			if err != nil || len(sales) != 1 || slices.Contains([]string{"open", "in_doubt"}, sales[0].State) {
				t.Errorf("sales: %+v, %v", sales, err)
			}
		})
	}
}
