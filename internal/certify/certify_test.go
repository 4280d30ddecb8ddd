package certify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"kioskd/glase/glasetest"
)

func scripts() []Script { return []Script{POS(), Web(), UPS()} }

// TestEveryScriptPasses at a Glase that refuses what certification refuses, and its record has all of it but what
// nobody may read.
func TestEveryScriptPasses(t *testing.T) {
	calls := map[string][]string{
		"pos": {"registerTerminal", "assignSeqrId", "sendInvoice", "getPaymentStatus", "submitPaymentReceipt",
			"cancelInvoice", "refundPayment", "markTransactionPeriod", "executeReport", "unregisterTerminal"},
		"web": {"sendInvoice", "getPaymentStatus", "submitPaymentReceipt", "cancelInvoice", "refundPayment",
			"markTransactionPeriod", "executeReport"},
		"ups": {"sendInvoice", "getPaymentStatus", "updateInvoice", "commitReservation"},
	}
	for _, s := range scripts() {
		t.Run(s.Name, func(t *testing.T) {
			play(t, func(t *testing.T, w *world) {
				begun := time.Now()
				if err := w.plan.Run(t.Context(), s); err != nil {
					t.Fatalf("%v\n%s", err, w.out.String())
				}
				took, all := time.Since(begun), fmt.Sprintf("%d of %[1]d", s.Steps())
				if (took >= 30*time.Second) != (s.Name != "ups") || took > 40*time.Second {
					t.Errorf("it took %v", took)
				}
				if !strings.HasSuffix(w.out.String(), "\n"+all+"\n") ||
					!strings.HasSuffix(w.record.String(), all+"\n") ||
					strings.Count(w.record.String(), "**Passed.**") != s.Steps() {
					t.Errorf("it does not end with %s:\n%s", all, w.out.String())
				}
				record := w.record.String()
				for _, op := range calls[s.Name] {
					said, answered := strings.Count(record, "<g:"+op+" "), strings.Count(record, ":"+op+"Response ")
					if n := w.glase.Calls(op); n == 0 || said != n || answered != n {
						t.Errorf("%s was called %d times; the record has %d and %d answers", op, n, said, answered)
					}
				}
				if s.Name == "ups" && (strings.Count(record, "POST /seqr/createPurchase") != 1 ||
					!strings.Contains(record, `{"invoiceReferenceId":`) || !strings.Contains(record, "POST /seqr/notify/")) {
					t.Errorf("the record lacks Glase's calls:\n%s", record)
				}
				for _, secret := range []string{password, glasetest.TestTerminalPassword,
					">" + glasetest.TestResellerPassword + "<", glasetest.DefaultMSISDN, "<payerTerminalId>1"} {
					if strings.Contains(record+w.out.String(), secret) {
						t.Errorf("the record has %q", secret)
					}
				}
				seen := map[string]bool{}
				for _, m := range regexp.MustCompile(`<clientReference>(kioskd-0\.2\.0-.{16})<`).FindAllStringSubmatch(
					record, -1) {
					seen[m[1]] = true
				}
				if n := strings.Count(record, "<clientReference>"); n == 0 || len(seen) != n {
					t.Errorf("%d calls have %d clientReferences", n, len(seen))
				}
			})
		})
	}
}

// code is a result code as a fault has it.
func code(c glasetest.Code) *glasetest.Code { return &c }

// TestAStepThatFailsIsNamedAndLeavesNothing: whatever Glase does in it, and whichever step it is.
func TestAStepThatFailsIsNamedAndLeavesNothing(t *testing.T) {
	refused := func(op string, skip int) glasetest.Fault {
		return glasetest.Fault{Operation: op, Fault: "result_code", Code: code(92), Skip: skip, Count: 1}
	}
	for _, c := range []struct {
		script Script
		fault  glasetest.Fault
		step   int
		says   string
	}{
		{POS(), refused("registerTerminal", 0), 1, "No terminal was made"},
		{POS(), glasetest.Fault{Operation: "registerTerminal", Fault: "lost_answer", Count: 1}, 1, "merchant pages"},
		{POS(), refused("assignSeqrId", 0), 2, "assignSeqrId: 92"},
		{POS(), refused("sendInvoice", 0), 3, "Glase refuses"},
		{POS(), refused("getPaymentStatus", 0), 4, "getPaymentStatus: 92"},
		{POS(), glasetest.Fault{Operation: "confirm", Fault: "payment_fails", Count: 1}, 4, "FAILED"},
		{POS(), refused("sendInvoice", 1), 4, "Glase refuses"},
		{POS(), refused("submitPaymentReceipt", 0), 5, "Glase refuses"},
		{POS(), refused("cancelInvoice", 1), 6, "Glase refuses"},
		{POS(), refused("refundPayment", 0), 7, "Glase refuses"},
		{POS(), refused("markTransactionPeriod", 0), 8, "markTransactionPeriod: 92"},
		{POS(), refused("executeReport", 0), 8, "executeReport: 92"},
		{POS(), refused("unregisterTerminal", 0), 9, "unregisterTerminal: 92"},
		{Web(), glasetest.Fault{Operation: "submitPaymentReceipt", Fault: "malformed"}, 3, "begin again"},
		{UPS(), glasetest.Fault{Operation: "createPurchase", Fault: "missing"}, 1, "lost on the way"},
		{UPS(), refused("sendInvoice", 0), 2, "Glase refuses"},
		{UPS(), glasetest.Fault{Operation: "notification", Fault: "missing"}, 3, "no notification came"},
		{UPS(), refused("updateInvoice", 0), 5, "Glase refuses"},
		{UPS(), refused("commitReservation", 0), 6, "Glase refuses"},
		{UPS(), glasetest.Fault{Operation: "commitReservation", Fault: "lost_answer", Count: 1}, 6, "Nobody knows"},
	} {
		t.Run(fmt.Sprintf("%s %s %s %d", c.script.Name, c.fault.Operation, c.fault.Fault, c.fault.Skip),
			func(t *testing.T) {
				play(t, func(t *testing.T, w *world) {
					w.trouble(t, c.fault)
					err := w.plan.Run(t.Context(), c.script)
					failed := (*FailedError)(nil)
					if !errors.As(err, &failed) || failed.Step != c.step || failed.Of != c.script.Steps() ||
						!strings.Contains(err.Error(), c.says) {
						t.Fatalf("%v does not say %q of step %d\n%s", err, c.says, c.step, w.out.String())
					}
					if !strings.Contains(w.out.String(), "FAILED") ||
						!strings.Contains(w.record.String(), "**Failed:**") {
						t.Errorf("it is not shown:\n%s", w.out.String())
					}
					w.nothingIsLeft(t, c.script, c.step)
				})
			})
	}
}

// nothingIsLeft: every invoice is over, nothing is reserved, and a terminal that was made is gone.
func (w *world) nothingIsLeft(t *testing.T, s Script, step int) {
	t.Helper()
	reserved := int64(0)
	for _, m := range w.glase.Ledger() {
		switch m.Kind {
		case glasetest.Reserve:
			reserved += m.Amount.Minor
		case glasetest.Release, glasetest.Charge:
			if s.Name == "ups" {
				reserved -= m.Amount.Minor
			}
		}
	}
	if reserved != 0 {
		t.Errorf("%d öre stay reserved", reserved)
	}
	for _, m := range regexp.MustCompile(`invoice (\d+) of`).FindAllStringSubmatch(w.out.String(), -1) {
		if i, err := w.glase.Invoice(m[1]); err != nil || i.Status == glasetest.Issued ||
			i.Status == glasetest.Reserved {
			t.Errorf("invoice %s is %s, %v", m[1], i.Status, err)
		}
	}
	if s.Name == "pos" && step > 1 && w.glase.Calls("unregisterTerminal") == 0 {
		t.Error("the terminal was not given up")
	}
}

// TestWhoDoesNotComeIsWaitedForAndNoLonger.
func TestWhoDoesNotComeIsWaitedForAndNoLonger(t *testing.T) {
	for _, c := range []struct {
		script Script
		stuck  bool
		step   int
		says   string
	}{
		{POS(), false, 4, "was the code scanned"},
		{POS(), true, 4, "longer --wait"},
		{UPS(), false, 1, "was the code scanned"},
		{UPS(), true, 3, "give the PIN"},
	} {
		play(t, func(t *testing.T, w *world) {
			h := w.plan.Person.(hand)
			h.gone, h.stuck = !c.stuck, c.stuck
			w.plan.Person = h
			begun := time.Now()
			err := w.plan.Run(t.Context(), c.script)
			failed := (*FailedError)(nil)
			if took := time.Since(begun); !errors.As(err, &failed) || failed.Step != c.step ||
				!strings.Contains(err.Error(), c.says) || took < time.Minute || took > 2*time.Minute {
				t.Errorf("%s, stuck %t: %v after %v", c.script.Name, c.stuck, err, took)
			}
			w.nothingIsLeft(t, c.script, c.step)
		})
	}
}

// TestEndedFromOutsideItCleansUp: Ctrl-C, while somebody looks for the phone.
func TestEndedFromOutsideItCleansUp(t *testing.T) {
	for _, s := range scripts() {
		play(t, func(t *testing.T, w *world) {
			h := w.plan.Person.(hand)
			h.stuck = true
			w.plan.Person = h
			ctx, stop := context.WithCancel(t.Context())
			time.AfterFunc(10*time.Second, stop)
			err := w.plan.Run(ctx, s)
			if err == nil || !strings.Contains(err.Error(), "ended from outside") {
				t.Errorf("%s: %v", s.Name, err)
			}
			if !strings.Contains(w.out.String(), "is cancelled") {
				t.Errorf("%s:\n%s", s.Name, w.out.String())
			}
			w.nothingIsLeft(t, s, 3)
		})
	}
}

// TestASecondInvoiceThatIsPaidAfterAllGoesBack: the script wants it unpaid, and people are eager.
func TestASecondInvoiceThatIsPaidAfterAllGoesBack(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		time.AfterFunc(10*time.Second, func() { // the first is paid at once: this is the second
			if seen, err := w.glase.Scan(t.Context(), glasetest.Scan{QR: "HTTP://SEQR.SE/QABC123"}); err == nil {
				_, err = w.glase.Confirm(seen.Reference, "1234")
				if err != nil {
					t.Error(err)
				}
			}
		})
		err := w.plan.Run(t.Context(), POS())
		if err == nil || !strings.Contains(err.Error(), "was to be left alone") {
			t.Errorf("%v", err)
		}
		if !strings.Contains(w.out.String(), "was paid, and is given back") {
			t.Errorf("%s", w.out.String())
		}
		w.nothingIsLeft(t, POS(), 4)
	})
}

// TestWhatIsMissingIsSaidBeforeGlaseIsAsked.
func TestWhatIsMissingIsSaidBeforeGlaseIsAsked(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		whole := w.plan
		w.plan.SeqrID = ""
		pos := w.plan.Run(t.Context(), POS())
		w.plan = whole
		w.plan.Machine.UPS.PublicURL = ""
		ups := w.plan.Run(t.Context(), UPS())
		w.plan.Machine.Slots = nil
		web := w.plan.Run(t.Context(), Web())
		for want, err := range map[string]error{"--sticker": pos, "public_url": ups, "[[slot]]": web} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
		if w.record.Len() != 0 {
			t.Errorf("Glase was asked:\n%s", w.record.String())
		}
	})
}
