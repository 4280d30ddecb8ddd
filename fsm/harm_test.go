package fsm

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/internal/money"
)

// These stories are what a customer or an operator would suffer from a small mistake in this package.

// told plays a script of testdata's words, and gives the world after it. Of the effects of its last line, said are the
// words.
func told(t *testing.T, script string) (w *teller, said string) {
	t.Helper()
	w = &teller{t: t, now: Instant(time.Hour), known: map[string]Sale{}}
	lines := strings.Split(strings.TrimSpace(script), "\n")
	for n, line := range lines {
		if n == len(lines)-1 {
			w.out.Reset()
		}
		w.tell("> " + strings.TrimSpace(line))
	}
	return w, w.out.String()
}

func inSEK(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

const (
	chosen    = "boot A1=1 A2=5@40.00\nscan 50.00 payer=p1\nsent\nwait 1s\ntick\nstatus RESERVED\nchoose A1 15.00\n"
	delivered = chosen + "vended delivered\n"
	paying    = "boot flow=sticker\nchoose A1 15.00\nsent\n"
)

// TestEveryCustomerWhoAsksIsAnswered: Glase holds the customer's phone until createPurchase is answered.
func TestEveryCustomerWhoAsksIsAnswered(t *testing.T) {
	ready, _ := told(t, "boot")
	empty, _ := told(t, "boot A1=0 A2=0")
	for name, c := range map[string]struct {
		w *teller
		e PurchaseRequested
	}{
		"another currency": {ready, PurchaseRequested{Request: "r1",
			Amount: money.Amount{Minor: 5000, Currency: "EUR"}}},
		"nothing":    {ready, PurchaseRequested{Request: "r1", Amount: inSEK(0)}},
		"too little": {ready, PurchaseRequested{Request: "r1", Amount: inSEK(1400)}},
		"no product": {empty, PurchaseRequested{Request: "r1", Amount: inSEK(5000)}},
	} {
		c.e.At = c.w.now
		_, effects, _ := Step(c.w.s, c.e)
		if len(effects) != 1 || effects[0].(Answer).Refusal == "" || effects[0].(Answer).Request != "r1" {
			t.Errorf("%s: %+v, want one refusal", name, effects)
		}
	}
}

// TestATechniciansActThatHasNoEndMovesNothing: the state machine could not tell when a motor is silent for too long.
func TestATechniciansActThatHasNoEndMovesNothing(t *testing.T) {
	ready, _ := told(t, "boot")
	for name, v := range map[string]Service{
		"a relay without its time": {Act: PulseRelay, Longest: time.Second},
		"no act":                   {Act: "dance", Longest: time.Second},
		"a count":                  {Act: CountStock, Left: 5},
	} {
		v.ID, v.Slot, v.By = "t1", "A1", "anna"
		next, effects, _ := Step(ready.s, ServiceBegan{At: ready.now, Request: "q1", Service: v})
		if next.Serving() || len(effects) != 1 || effects[0].(Answer).Refusal != SaysTooLittle {
			t.Errorf("%s: %+v", name, effects)
		}
	}
}

// TestOpeningOneSlotOpensNoOther: the other one still jams.
func TestOpeningOneSlotOpensNoOther(t *testing.T) {
	w, _ := told(t, chosen+"vended not_delivered jam\nchoose A2 40.00\nvended unknown sensor_fault\nopen A1")
	if closed := w.s.ClosedSlots(); len(closed) != 1 || closed["A2"] != "sensor_fault" {
		t.Errorf("closed are %v, want A2 alone", closed)
	}
	if w, _ = told(t, chosen+"vended not_delivered jam\nopen A1"); w.s.Closed != nil {
		t.Errorf("closed is %v, want nothing, as on a new machine", w.s.Closed)
	}
}

// TestTheResultStaysOnTheScreenForEightSeconds, also when something else comes due meanwhile.
func TestTheResultStaysOnTheScreenForEightSeconds(t *testing.T) {
	w, _ := told(t, delivered+"updated\ncommitted\nstatus PAID amount=15.00 ers=E1")
	till := w.s.Live.ShowTill
	if till != w.now.add(8*time.Second) {
		t.Fatalf("shown until %d, and it is %d", till, w.now)
	}
	for at, want := range map[Instant]Instant{till.add(-time.Second): till, till: 0} {
		if s, _, _ := Step(w.s, Ticked{at}); s.Live.ShowTill != want {
			t.Errorf("%v before its end it is shown until %d, want %d", till.Since(at), s.Live.ShowTill, want)
		}
	}
}

// TestACustomerMayTryAgainTenTimesAndNotForEver: a sale that nobody pays must end, or the machine serves nobody else.
func TestACustomerMayTryAgainTenTimesAndNotForEver(t *testing.T) {
	w, _ := told(t, paying+"tick")
	rounds := 0
	for ; rounds < 20; rounds++ {
		for n := 0; w.s.Stage == Awaiting && n < 100; n++ { // asked again and again, and not paid
			if w.s.Live.Waiting != 0 {
				w.tell("> status ISSUED")
			} else {
				w.tell("> tick")
			}
		}
		if w.s.Stage != Asking {
			t.Fatalf("%s, not asking", w.s.Stage)
		}
		if w.tell("> retry"); w.s.Stage != Awaiting {
			break
		}
	}
	if rounds != 10 || w.s.Stage != Releasing {
		t.Errorf("after %d tries: %s", rounds, w.s.Stage)
	}
}

// TestABasketMayHoldThirtyTwoProducts: a customer who shops for the office, and an invoice that Glase takes.
func TestABasketMayHoldThirtyTwoProducts(t *testing.T) {
	script := "boot A1=40@1.00\nscan 200.00 payer=p1\nsent\nwait 1s\ntick\nstatus RESERVED\n"
	w, _ := told(t, script+strings.Repeat("choose A1 1.00\nvended delivered\n", 31))
	if w.s.Stage != Choosing || len(w.s.Sale.Items) != 31 {
		t.Fatalf("%s with %d products", w.s.Stage, len(w.s.Sale.Items))
	}
	w.tell("> choose A1 1.00\n> vended delivered")
	if w.s.Stage != Updating || len(w.s.Sale.Items) != 32 || w.s.Sale.Basket() != inSEK(3200) {
		t.Errorf("%s with %d products for %v", w.s.Stage, len(w.s.Sale.Items), w.s.Sale.Basket())
	}
}

// TestAnUpdateThatCameTooLateIsFollowedByAQuestion: Glase says that the reservation is no more what it was, so only its
// status tells what became of the money.
func TestAnUpdateThatCameTooLateIsFollowedByAQuestion(t *testing.T) {
	for _, code := range []string{"50", "54", "55", "95", "96"} {
		w, said := told(t, delivered+"updated refused "+code)
		if w.s.Stage != Confirming || !strings.Contains(said, "AskStatus") {
			t.Errorf("code %s: %s\n%s", code, w.s.Stage, said)
		}
	}
	for _, code := range []string{"11", "49", "13", "97"} { // and never a commit of what was not updated
		w, said := told(t, delivered+"updated refused "+code)
		if w.s.Busy() && w.s.Stage != Confirming || strings.Contains(said, "CommitReservation") {
			t.Errorf("code %s: %s\n%s", code, w.s.Stage, said)
		}
	}
}

// TestACancelThatGlaseHasCarriedOutAlreadyIsBelievedAtItsStatus: it is asked for at once, since the next customer
// waits.
func TestACancelThatGlaseHasCarriedOutAlreadyIsBelievedAtItsStatus(t *testing.T) {
	const cancel = "boot\nscan 50.00 payer=p1\nsent\ncancel\n"
	for _, code := range []string{"55", "95"} {
		if _, said := told(t, cancel+"canceled refused "+code); !strings.Contains(said, "AskStatus RS1") {
			t.Errorf("code %s: %s", code, said)
		}
		if w, _ := told(t, cancel+"canceled refused "+code+"\nstatus CANCELED"); w.s.Stage != Ready {
			t.Errorf("code %s, and CANCELED: %s", code, w.s.Stage)
		}
	}
}

// TestACancelWithoutEffectIsMadeAgain: the invoice can be paid until it is cancelled.
func TestACancelWithoutEffectIsMadeAgain(t *testing.T) {
	for _, status := range []string{"ISSUED", "RESERVED"} {
		w, said := told(t, "boot\nscan 50.00 payer=p1\nsent\ncancel\ncanceled refused 48\ntick\nstatus "+status+
			"\ntick")
		if !strings.Contains(said, "CancelInvoice RS1") {
			t.Errorf("%s: %s\n%s", status, w.s.Stage, said)
		}
	}
}

// TestABusyGlaseHasRefusedNoCommit: what it refuses for good is a loss, and what it is too busy for is asked for again.
func TestABusyGlaseHasRefusedNoCommit(t *testing.T) {
	for code, want := range map[string]bool{"93": false, "96": false, "48": false, "49": true, "11": true} {
		if w, _ := told(t, delivered+"updated\ncommitted refused "+code); (w.s.Sale.Refusal != "") != want ||
			w.s.Stage != Confirming {
			t.Errorf("code %s: refusal %q, %s", code, w.s.Sale.Refusal, w.s.Stage)
		}
	}
	if w, _ := told(t, delivered+"updated\ncommitted unknown"); w.s.Sale.Refusal != "" {
		t.Errorf("no answer: refusal %q", w.s.Sale.Refusal)
	}
}

// TestAPaymentThatProvesNothingRefundsNothing: without an amount nobody knows how much, and without a reference not of
// what.
func TestAPaymentThatProvesNothingRefundsNothing(t *testing.T) {
	for _, paid := range []string{"PAID", "PAID amount=15.00", "PAID ers=E1", "PAID amount=15.00 ers=E1 currency=EUR"} {
		w, said := told(t, paying+"cancel\ncanceled refused 48\ntick\nstatus "+paid)
		if !w.s.Busy() || w.s.Stage == Refunding || !w.s.Sale.Charged.IsZero() || strings.Contains(said, "Refund") {
			t.Errorf("%s: %s with %v\n%s", paid, w.s.Stage, w.s.Sale.Charged, said)
		}
	}
}

// TestANotificationIsOneQuestionMore and no timer that spins: each costs a metered line a call.
func TestANotificationIsOneQuestionMore(t *testing.T) {
	w, said := told(t, "boot\nscan 50.00 payer=p1\nsent\nwait 1s\ntick\nwait 300ms\nnotified\nstatus ISSUED")
	if n := strings.Count(said, "AskStatus"); n != 1 || w.s.Live.CallAt != 0 || w.s.Live.Again {
		t.Errorf("%d questions, and another at %d\n%s", n, w.s.Live.CallAt, said)
	}
	if wake, ok := w.s.Wake(); !ok || wake <= w.now.add(time.Second) {
		t.Errorf("woken at %d, and it is %d", wake, w.now)
	}
}

// TestALostVendIsTakenFromTheStockOnce: a start closes its slot and counts its product as gone, for each item once.
func TestALostVendIsTakenFromTheStockOnce(t *testing.T) {
	w, said := told(t, chosen+"boot id=boot2")
	if strings.Count(said, "stock of A1: ") != 1 || w.s.ClosedSlots()["A1"] != "restarted" {
		t.Errorf("%v\n%s", w.s.ClosedSlots(), said)
	}
	if slices.ContainsFunc(w.s.Sale.Items, func(i Item) bool { return i.Outcome == Pending }) {
		t.Errorf("%+v", w.s.Sale.Items)
	}
}
