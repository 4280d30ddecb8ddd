package glasetest_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/glase/glasetest"
)

// inTime runs a story in virtual time.
func inTime(t *testing.T, story func(t *testing.T, s stranger)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { story(t, newStranger(t, glasetest.Config{})) })
}

func TestAPaymentThatNobodyAsksForIsReversedAfter20Seconds(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		ref := s.send(debit, "a", "15.00", "")
		at := time.Now()
		s.pin(ref)
		time.Sleep(20*time.Second - time.Nanosecond)
		s.status(ref, glasetest.Paid)
		s.balanced(ref, "0.00", "15.00")
		if i, err := s.Invoice(ref); err != nil || i.SMS != "" {
			t.Errorf("the customer is told %q, %v", i.SMS, err)
		}
		time.Sleep(time.Hour)
		if i, err := s.Invoice(ref); err != nil || !strings.Contains(i.SMS, "15.00 SEK") {
			t.Errorf("after the reversal the customer is told %q, %v", i.SMS, err)
		}
		if r := s.ask(ref, 2); r.text("status") != "CANCELED" || r.text("ersReference") != "" {
			t.Errorf("asked too late: %s", r.body)
		}
		s.balanced(ref, "0.00", "0.00")
		ledger := s.Ledger()
		last := ledger[len(ledger)-1]
		if last.Kind != glasetest.Reversal || !last.At.Equal(at.Add(20*time.Second)) {
			t.Errorf("%v at %v, not a reversal at its deadline", last.Kind, last.At)
		}
	})
}

func TestAskingAcknowledgesAPayment(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		ref := s.send(debit, "a", "15.00", "")
		s.ask(ref, 0)
		s.pin(ref)
		time.Sleep(19 * time.Second)
		if r := s.ask(ref, 1); r.text("status") != "PAID" || r.text("ersReference") == "" {
			t.Errorf("%s", r.body)
		}
		time.Sleep(time.Hour)
		s.status(ref, glasetest.Paid)
	})
}

func TestOnlyTheLatestVersionAcknowledgesWhenSoChosen(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		s.faulty(glasetest.Faults{Choices: glasetest.Choices{AcknowledgedBy: "latest_version"}})
		lost, kept := s.send(debit, "a", "15.00", ""), ""
		s.pin(lost)
		s.ask(lost, 1)
		kept = s.send(debit, "b", "15.00", "")
		s.pin(kept)
		version := s.ask(kept, 0).text("version")
		if version != "2" {
			t.Fatalf("a paid invoice has version %s", version)
		}
		s.ask(kept, 2)
		time.Sleep(time.Minute)
		s.status(lost, glasetest.Canceled)
		s.status(kept, glasetest.Paid)
	})
}

func TestTheVersionGrowsWithEachChange(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		ref := s.send(preliminary, "a", "50.00", "")
		want := func(version, status string) {
			t.Helper()
			if r := s.ask(ref, 0); r.text("version") != version || r.text("status") != status {
				t.Errorf("version %s, %s; want %s, %s", r.text("version"), r.text("status"), version, status)
			}
		}
		want("1", "ISSUED")
		want("1", "ISSUED")
		s.pin(ref)
		want("2", "RESERVED")
		s.on("updateInvoice", ref, invoiceOf(preliminary, "a", "15.00", ""))
		want("3", "RESERVED")
		s.commit(ref, "15.00")
		want("4", "PAID")
	})
}

func TestARepeatedInvoiceIsTheSameInvoice(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		ref := s.send(debit, "a", "15.00", "")
		if again := s.send(debit, "a", "15.00", ""); again != ref {
			t.Errorf("%s, then %s", ref, again)
		}
		s.status(ref, glasetest.Issued)
		s.pin(ref)
		if again := s.send(debit, "a", "15.00", ""); again != ref {
			t.Errorf("a paid invoice was sent again as %s", again)
		}
		ctx := s.register()
		if other := s.must("sendInvoice", ctx, invoiceOf(debit, "a", "15.00", "")).
			text("invoiceReference"); other == ref {
			t.Error("two terminals share an invoice")
		}
	})
}

func TestARepeatedInvoiceIsAnotherOneWhenSoChosen(t *testing.T) {
	for terminal, left := range map[string]glasetest.Status{"cash_register": glasetest.Canceled,
		"webshop": glasetest.Issued} {
		inTime(t, func(t *testing.T, s stranger) {
			s.faulty(glasetest.Faults{Choices: glasetest.Choices{ClientInvoiceID: "new_invoice",
				TestTerminal: terminal}})
			first := s.send(debit, "a", "15.00", "")
			second := s.send(debit, "a", "15.00", "")
			if second == first {
				t.Errorf("%s: the same clientInvoiceId brought the same invoice", terminal)
			}
			s.status(first, left)
			s.status(second, glasetest.Issued)
		})
	}
}

func TestACashRegisterHoldsOneInvoice(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		first := s.send(preliminary, "a", "50.00", "")
		s.pin(first)
		s.balanced(first, "50.00", "0.00")
		second := s.send(debit, "b", "15.00", "")
		s.status(first, glasetest.Canceled)
		s.balanced(first, "0.00", "0.00")
		s.pin(second)
		s.ask(second, 0)
		third := s.send(debit, "c", "15.00", "")
		s.status(second, glasetest.Paid)
		s.send(debit, "d", "15.00", "")
		s.status(third, glasetest.Canceled)
	})
}

func TestAWebshopHoldsManyInvoices(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		s.faulty(glasetest.Faults{Choices: glasetest.Choices{TestTerminal: "webshop"}})
		first := s.send(debit, "a", "15.00", "")
		s.send(debit, "b", "15.00", "")
		s.status(first, glasetest.Issued)
		ctx := s.register()
		old := s.must("sendInvoice", ctx, invoiceOf(debit, "a", "15.00", "")).text("invoiceReference")
		s.must("sendInvoice", ctx, invoiceOf(debit, "b", "15.00", ""))
		s.status(old, glasetest.Canceled)
	})
}

func TestAReservationEndsWithItsTimeoutCountedFromSendInvoice(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		s.faulty(glasetest.Faults{Choices: glasetest.Choices{TestTerminal: "webshop"}})
		sent := time.Now()
		ref := s.send(preliminary, "a", "50.00", "<commitReservationTimeout>60</commitReservationTimeout>")
		unconfirmed := s.send(preliminary, "b", "50.00", "<commitReservationTimeout>60</commitReservationTimeout>")
		time.Sleep(50 * time.Second)
		s.pin(ref)
		time.Sleep(10*time.Second - time.Nanosecond)
		s.status(ref, glasetest.Reserved)
		time.Sleep(time.Nanosecond)
		s.status(ref, glasetest.Canceled)
		s.status(unconfirmed, glasetest.Canceled)
		s.balanced(ref, "0.00", "0.00")
		if last := s.Ledger()[1]; last.Kind != glasetest.Release || !last.At.Equal(sent.Add(time.Minute)) {
			t.Errorf("%v at %v", last.Kind, last.At)
		}
		if r := s.commit(ref, "15.00"); r.code != 96 {
			t.Errorf("a reservation that was gone was committed: %d", r.code)
		}
	})
}

func TestACommitChargesTheAmountAndReleasesTheRest(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		ref := s.send(preliminary, "a", "50.00", "")
		s.pin(ref)
		s.on("updateInvoice", ref, invoiceOf(preliminary, "a", "22.50", ""))
		s.commit(ref, "15.00")
		s.balanced(ref, "0.00", "15.00")
		r := s.ask(ref, 0)
		if r.text("status") != "PAID" || r.text("ersReference") == "" ||
			r.text("paymentReference") != r.text("ersReference") {
			t.Errorf("%s", r.body)
		}
		if i, _ := s.Invoice(ref); i.Charged != sek(1500) || i.Total != sek(1500) || i.Reserved != sek(5000) {
			t.Errorf("%+v", i)
		}
	})
}

func TestACommitWithoutAnAmountChargesThePresentTotal(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		ref := s.send(preliminary, "a", "50.00", "")
		s.pin(ref)
		s.on("updateInvoice", ref, invoiceOf(preliminary, "a", "22.50", ""))
		if r := s.on("commitReservation", ref, ""); r.code != 0 {
			t.Fatalf("%d", r.code)
		}
		s.balanced(ref, "0.00", "22.50")
	})
}

func TestAnUnaskedCommitIsReversedOnlyWhenSoChosen(t *testing.T) {
	for choice, want := range map[string]glasetest.Status{"keep": glasetest.Paid, "reverse": glasetest.Canceled} {
		inTime(t, func(t *testing.T, s stranger) {
			s.faulty(glasetest.Faults{Choices: glasetest.Choices{UnaskedCommit: choice}})
			ref := s.send(preliminary, "a", "50.00", "")
			s.pin(ref)
			s.ask(ref, 0)
			time.Sleep(time.Minute)
			s.commit(ref, "15.00")
			time.Sleep(20 * time.Second)
			s.status(ref, want)
		})
	}
}

func TestAnUnaskedReservationIsReleasedOnlyWhenSoChosen(t *testing.T) {
	for choice, want := range map[string]glasetest.Status{"keep": glasetest.Reserved, "release": glasetest.Canceled} {
		inTime(t, func(t *testing.T, s stranger) {
			s.faulty(glasetest.Faults{Choices: glasetest.Choices{UnaskedReserved: choice}})
			ref := s.send(preliminary, "a", "50.00", "")
			s.pin(ref)
			time.Sleep(20 * time.Second)
			s.status(ref, want)
		})
	}
}

func TestAReservationsTimeoutMayComeBeforeItIsMissed(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		s.faulty(glasetest.Faults{Choices: glasetest.Choices{UnaskedReserved: "release"}})
		ref := s.send(preliminary, "a", "50.00", "<commitReservationTimeout>10</commitReservationTimeout>")
		s.pin(ref)
		time.Sleep(10 * time.Second)
		s.status(ref, glasetest.Canceled)
	})
}

func TestAReversalPaysBackWhatWasNotRefunded(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		s.faulty(glasetest.Faults{Choices: glasetest.Choices{AcknowledgedBy: "latest_version"}})
		ref, ers := s.paid("a", "15.00")
		s.refund(ers, "5.00")
		s.balanced(ref, "0.00", "10.00")
		time.Sleep(20 * time.Second)
		s.status(ref, glasetest.Canceled)
		s.balanced(ref, "0.00", "0.00")
	})
}

func TestASlowPaymentIsPaidInTheEnd(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		ref := inProgress(s)
		if _, err := s.Confirm(ref, "1234"); err == nil {
			t.Error("paid twice at once")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		s.status(ref, glasetest.Paid)
	})
}

func TestAnExpiryIsDatedAtItsDeadlineThoughNobodyLooked(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		s.faulty(glasetest.Faults{Choices: glasetest.Choices{TestTerminal: "webshop"}})
		held, paid := s.send(preliminary, "a", "50.00", "<commitReservationTimeout>60</commitReservationTimeout>"),
			s.send(debit, "b", "15.00", "")
		start := time.Now()
		s.pin(held)
		s.pin(paid)
		time.Sleep(24 * time.Hour)
		ledger := s.Ledger()
		if len(ledger) != 4 || ledger[2].Kind != glasetest.Reversal || ledger[2].At.Sub(start) != 20*time.Second ||
			ledger[3].Kind != glasetest.Release || ledger[3].At.Sub(start) != time.Minute {
			t.Errorf("%v", ledger)
		}
	})
}

func TestCancellingAReservationFollowsTheChoice(t *testing.T) {
	for choice, want := range map[string]struct {
		code   int
		status glasetest.Status
		held   string
	}{"": {0, glasetest.Canceled, "0.00"}, "accept": {0, glasetest.Canceled, "0.00"},
		"ignore":    {0, glasetest.Reserved, "50.00"},
		"refuse_48": {48, glasetest.Reserved, "50.00"}, "refuse_51": {51, glasetest.Reserved, "50.00"}} {
		inTime(t, func(t *testing.T, s stranger) {
			s.faulty(glasetest.Faults{Choices: glasetest.Choices{CancelReserved: choice}})
			ref := s.send(preliminary, "a", "50.00", "")
			s.pin(ref)
			if r := s.on("cancelInvoice", ref, ""); r.code != want.code {
				t.Errorf("%q: code %d, want %d", choice, r.code, want.code)
			}
			s.status(ref, want.status)
			s.balanced(ref, want.held, "0.00")
		})
	}
}

func TestAStickerLeadsToTheCurrentInvoice(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		s.must("assignSeqrId", asTerminal, "<seqrId>ABC123</seqrId>")
		s.must("assignSeqrId", asTerminal, "<seqrId>ABC123</seqrId>") // repeating is no harm
		scan := func() (glasetest.Invoice, string) {
			i, err := s.Scan(t.Context(), glasetest.Scan{QR: "HTTP://SEQR.SE/QABC123"})
			var why *glasetest.PhoneError
			if errors.As(err, &why) {
				return i, why.Code
			}
			return i, ""
		}
		if _, code := scan(); code != glasetest.NoInvoice {
			t.Errorf("%q before any invoice", code)
		}
		s.faulty(glasetest.Faults{Rules: []glasetest.Fault{{Operation: "sendInvoice", Fault: "lost_answer", Count: 1}}})
		if _, err := s.try("sendInvoice", asTerminal, invoiceOf(debit, "a", "15.00", "")); err == nil {
			t.Fatal("the answer was not lost")
		}
		lost, code := scan()
		if code != "" {
			t.Fatal("an invoice whose reference was lost cannot be paid")
		}
		s.pin(lost.Reference)
		if ref := s.send(debit, "a", "15.00", ""); ref != lost.Reference {
			t.Error("repeating it does not find it")
		}
		s.status(lost.Reference, glasetest.Paid)
		if _, code := scan(); code != glasetest.NoInvoice {
			t.Errorf("%q after it was paid", code)
		}
	})
}

func TestAnInvoiceWithoutAcknowledgmentModeWaitsForTheAmount(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		send := func(ack string) string {
			return s.must("sendInvoice", asTerminal, "<invoice>"+ack+"<title>x</title><invoiceRows>"+rowOf("15.00")+
				"</invoiceRows>"+
				amountOf("totalAmount", "15.00")+"</invoice>").text("invoiceReference")
		}
		waits := func(ref string) bool {
			_, err := s.Confirm(ref, "1234")
			var why *glasetest.PhoneError
			return errors.As(err, &why) && why.Code == glasetest.WaitingForAmount
		}
		ref := send("")
		if !waits(ref) {
			t.Error("paid without an acknowledgmentMode")
		}
		s.on("updateInvoice", ref, invoiceOf(debit, "", "15.00", ""))
		s.pin(ref)

		ref = send("<acknowledgmentMode>REQUIRE_ACKNOWLEDGMENT</acknowledgmentMode>")
		if _, err := s.Scan(t.Context(), glasetest.Scan{QR: "HTTP://SEQR.SE/R" + ref}); err != nil {
			t.Fatal(err)
		}
		if r := s.ask(ref, 0); r.text("status") != "PENDING_ISSUER_ACKNOWLEDGE" || !waits(ref) {
			t.Errorf("paid before the shop acknowledged: %s", r.body)
		}
		s.on("updateInvoice", ref, invoiceOf(debit, "", "14.00", ""))
		if i := s.pin(ref); i.Charged != sek(1400) {
			t.Errorf("charged %v", i.Charged)
		}
	})
}

func TestRefundsAddUpToThePaymentAtMost(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		ref, ers := s.paid("a", "15.00")
		first := s.refund(ers, "5.00")
		if first.code != 0 || first.text("ersReference") == "" || first.text("ersReference") == ers {
			t.Errorf("%s", first.body)
		}
		if r := s.refund(ers, "5.00"); r.code != 0 { // not idempotent: a repetition refunds again
			t.Errorf("%d", r.code)
		}
		if r := s.refund(ers, "5.01"); r.code != 98 {
			t.Errorf("%d", r.code)
		}
		if r := s.refund(first.text("ersReference"), "1.00"); r.code != 23 {
			t.Errorf("a refund was refunded: %d", r.code)
		}
		s.balanced(ref, "0.00", "5.00")
		s.status(ref, glasetest.Paid)
	})
}

func TestAFailedPaymentMovesNoMoney(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		s.faulty(glasetest.Faults{Rules: []glasetest.Fault{{Operation: "confirm", Fault: "payment_fails"}}})
		ref := s.send(debit, "a", "15.00", "")
		if _, err := s.Confirm(ref, "1234"); err == nil {
			t.Error("the payment did not fail")
		}
		if r := s.ask(ref, 0); r.text("status") != "FAILED" || len(s.Ledger()) != 0 {
			t.Errorf("%s, %v", r.body, s.Ledger())
		}
	})
}

func TestAnOvertakenInvoiceCannotBePaidByAPINOnItsWay(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		ref := inProgress(s)
		s.send(debit, "b", "15.00", "")
		time.Sleep(2 * time.Minute)
		s.status(ref, glasetest.Canceled)
		if len(s.Ledger()) != 0 {
			t.Errorf("money moved: %v", s.Ledger())
		}
	})
}
