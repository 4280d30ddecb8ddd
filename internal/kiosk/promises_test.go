package kiosk

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// reserve is a customer who has reserved an amount and stands before the products.
func reserve(t *testing.T, w *world, k *Kiosk, amount money.Amount) {
	t.Helper()
	if ref, code := k.CreatePurchase(t.Context(), "payer", amount); ref != "R1" || code != "" {
		t.Fatalf("createPurchase was answered %q %q", ref, code)
	}
	w.confirm()
	rest(2 * time.Second)
	if s := k.State().Stage; s != fsm.Choosing {
		t.Fatalf("%s, not choosing", s)
	}
}

// TestACustomerMayGoOnForAsLongAsTheCreditBuysSomething: after a product that came out, what is left is still theirs
// to spend.
func TestACustomerMayGoOnForAsLongAsTheCreditBuysSomething(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		reserve(t, w, k, sek(3500))
		for range 2 { // 20.00 is left, and only the water costs less
			k.Choose("A1")
			rest(1500 * time.Millisecond)
		}
		rest(time.Minute)
		if w.paid != sek(3000) || w.taken("A1") != 2 {
			t.Errorf("Glase took %v for %d products, want 30.00 for 2", w.paid, w.taken("A1"))
		}
	})
}

// TestNobodyWaitsBeforeAMachineThatCanSellThemNothing: the only product within the credit has jammed, so the money is
// released at once, and not when the time to choose is over.
func TestNobodyWaitsBeforeAMachineThatCanSellThemNothing(t *testing.T) {
	w := newWorld()
	w.vend = func(context.Context) (fsm.ItemOutcome, reason.Why) { return fsm.NotDelivered, "jam" }
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		reserve(t, w, k, sek(2000))
		k.Choose("A1")
		rest(time.Second)
		if s := k.State(); s.Stage == fsm.Choosing || w.status != fsm.StatusCanceled {
			t.Errorf("%s, and the invoice is %s", s.Stage, w.status)
		}
	})
}

// TestEveryCallerWithTheSameWishIsAnswered: Glase repeats a createPurchase whose answer it has not got yet.
func TestEveryCallerWithTheSameWishIsAnswered(t *testing.T) {
	w := newWorld()
	w.slow = true
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				if ref, code := k.CreatePurchase(ctx, "payer", sek(5000)); ref != "R1" || code != "" {
					t.Errorf("answered %q %q", ref, code)
				}
			})
		}
		callers.Wait()
	})
}

// TestASaleThatAPowerCutInterruptedIsSettledAlthoughTheJournalFails: the customer's money does not wait for a new
// card.
func TestASaleThatAPowerCutInterruptedIsSettledAlthoughTheJournalFails(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		reserve(t, w, k, sek(5000))
		left := k.State()
		next := newWorld()
		next.failAt, next.status = 0, fsm.StatusReserved
		again, stop, ended := next.start(t, left)
		rest(time.Minute)
		if s := again.State(); s.Busy() || s.Stage != fsm.OutOfService || next.status != fsm.StatusCanceled {
			t.Errorf("%s (%s), and the invoice is %s", s.Stage, s.Reason, next.status)
		}
		stop()
		<-ended
	})
}

// TestWhatADispenserStillKnowsDecidesAfterAPowerCut: a sensor that latched is asked, and the product that it saw is
// charged.
func TestWhatADispenserStillKnowsDecidesAfterAPowerCut(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		reserve(t, w, k, sek(5000))
		k.Choose("A1")
		synctest.Wait()
		left := k.State()
		item := left.Sale.Items[0]
		if item.VAT != 12 || item.Price != sek(1500) {
			t.Errorf("the customer's receipt would say %+v", item)
		}
		next := newWorld()
		next.status = fsm.StatusReserved
		next.evidence = func(_ context.Context, s fsm.State) []fsm.Evidence {
			if len(s.Sale.Items) != 1 || s.Sale.Items[0].ID != item.ID {
				t.Errorf("asked about %+v", s.Sale.Items)
			}
			return []fsm.Evidence{{Item: item.ID, Outcome: fsm.Delivered}}
		}
		again, stop, ended := next.start(t, left)
		rest(time.Minute)
		if s := again.State().Sale; s.State != fsm.Charged || next.paid != sek(1500) {
			t.Errorf("it ended %s (%s), Glase took %v", s.State, s.Note, next.paid)
		}
		stop()
		<-ended
	})
}

// TestEveryRecordHasItsInstant: a journal from the field is replayed by them.
func TestEveryRecordHasItsInstant(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		sell(t, w, k)
		synctest.Wait()
		if _, err := k.TestVend(t.Context(), "A1", "anna"); err != nil {
			t.Fatal(err)
		}
		rest(2 * time.Second)
	})
	var last int64
	for n, r := range w.records {
		at := reflect.ValueOf(r.Event).FieldByName("At").Int()
		if at < last || at <= 0 || r.Wall.IsZero() {
			t.Errorf("record %d, %s, is of %d, and the one before of %d", n, fsm.Name(r.Event), at, last)
		}
		last = at
	}
}

// TestNothingIsLeftOfWhatHasEnded: a machine runs for years.
func TestNothingIsLeftOfWhatHasEnded(t *testing.T) {
	w := newWorld()
	vend := w.vend
	var motors []context.Context
	w.vend = func(ctx context.Context) (fsm.ItemOutcome, reason.Why) {
		motors = append(motors, ctx)
		return vend(ctx)
	}
	synctest.Test(t, func(t *testing.T) {
		k, stop, ended := w.start(t, fsm.State{})
		sell(t, w, k)
		synctest.Wait()
		if _, err := k.TestVend(t.Context(), "A1", "anna"); err != nil {
			t.Fatal(err)
		}
		rest(2 * time.Second)
		if len(motors) != 2 {
			t.Fatalf("%d motors turned, want 2", len(motors))
		}
		for _, ctx := range motors {
			if ctx.Err() == nil {
				t.Error("the context of a vend that has ended lives on")
			}
		}
		stop()
		<-ended
		if len(k.vends) != 0 || len(k.waiting) != 0 {
			t.Errorf("%d vends and %d requests are kept for ever", len(k.vends), len(k.waiting))
		}
	})
}

// TestWhoGivesUpLearnsThatNothingIsKnown: an answer of nil would say that it is done.
func TestWhoGivesUpLearnsThatNothingIsKnown(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		sale := fsm.Sale{ID: "S9", State: fsm.InDoubt, Ended: true}
		verdict := fsm.Verdict{Decision: fsm.Release, By: "anna", Reason: "the customer called"}
		free := make(chan struct{})
		w.mu.Lock()
		w.flood = func() { <-free } // the loop is busy, so that nobody is answered
		w.mu.Unlock()
		k.Raise(fsm.Fault{Name: "tilt"})
		synctest.Wait()
		if _, err := k.TestVend(gone, "A1", "anna"); !errors.Is(err, context.Canceled) {
			t.Errorf("a test vend: %v", err)
		}
		if err := k.Resolve(gone, sale, verdict); !errors.Is(err, context.Canceled) {
			t.Errorf("a verdict: %v", err)
		}
		w.flood = nil
		close(free)
		rest(10 * time.Second)
		k.Clear("tilt")
		rest(10 * time.Second)
		k.CreatePurchase(t.Context(), "payer", sek(5000))
		if err := k.Resolve(t.Context(), sale, verdict); !errors.Is(err, ErrBusy) {
			t.Errorf("a verdict while another sale is on: %v", err)
		}
	})
}

// TestATechnicianWhoCountsNothingIsToldTheTrueCause: an empty slot is a count like any other.
func TestATechnicianWhoCountsNothingIsToldTheTrueCause(t *testing.T) {
	w := newWorld()
	w.failAt = 1
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		for range 2 {
			was, left, err := k.CountStock(t.Context(), "A1", "anna", 0, false)
			if !errors.Is(err, ErrNoAct) || was != 0 || left != 0 {
				t.Errorf("%d, %d, %v", was, left, err)
			}
		}
	})
	w = newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		was, left, err := k.CountStock(t.Context(), "Z9", "anna", 0, false)
		if !errors.Is(err, ErrNoSlot) || was != 0 || left != 0 {
			t.Errorf("%d, %d, %v", was, left, err)
		}
		for _, n := range []int{0, fsm.StockMax} {
			if _, left, err := k.CountStock(t.Context(), "A1", "anna", n, false); err != nil || left != n {
				t.Errorf("%d products: %d, %v", n, left, err)
			}
		}
	})
}

// TestTheLogTellsAnOperatorWhatBecameOfASale, and of a technician's acts, by words that can be searched for.
func TestTheLogTellsAnOperatorWhatBecameOfASale(t *testing.T) {
	var log bytes.Buffer
	w := newWorld()
	w.log = zerolog.New(&log)
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		sell(t, w, k)
		synctest.Wait()
		if _, _, err := k.CountStock(t.Context(), "A1", "anna", 7, false); err != nil {
			t.Fatal(err)
		}
		if _, err := k.PulseRelay(t.Context(), "A2", time.Second, "anna"); err != nil {
			t.Fatal(err)
		}
		rest(2 * time.Second)
		w.mu.Lock()
		w.gone = true
		w.mu.Unlock()
		k.CreatePurchase(t.Context(), "payer", sek(5000))
		k.Cancel()
		rest(2 * time.Second)
		w.mu.Lock()
		w.gone = false
		w.mu.Unlock()
		rest(time.Minute)
	})
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for what, words := range map[string][]string{
		"the choice": {`"level":"info"`, `"phase":"dispensing","step":"vending"`, `"sale":"S1"`,
			`"message":"ProductChosen"`},
		"the outcome": {`"sale":"S1"`, `"outcome":"delivered"`, `"outcome_why":""`, `"message":"VendEnded"`},
		"a poll":      {`"level":"debug"`, `"status":"ISSUED"`, `"message":"StatusAnswered"`},
		"the end": {`"level":"info"`, `"sale":"S1"`, `"state":"charged"`, `"charged":"15.00 SEK"`,
			`"refunded":`},
		"the count": {`"act":"stock"`, `"slot":"A1"`, `"by":"anna"`, `"was":1,"left":7`,
			`"message":"StockCounted"`},
		"the relay's": {`"act":"relay"`, `"slot":"A2"`, `"by":"anna"`, `"taken":true`,
			`"message":"ServiceBegan"`},
		"the relay's end":   {`"slot":"A2"`, `"outcome":`, `"message":"ServiceEnded"`},
		"out of service":    {`"reason":"stopping"`, `"message":"FaultRaised"`},
		"what Glase said":   {`"glase":`, `"message":"InvoiceCanceled"`},
		"an idle machine's": {`"step":"ready","message":"Booted"`},
	} {
		found := false
		for _, line := range lines {
			all := true
			for _, w := range words {
				all = all && strings.Contains(line, w)
			}
			found = found || all
		}
		if !found {
			t.Errorf("%s is in no line, with %q, of\n%s", what, words, log.String())
		}
	}
	for _, line := range lines {
		if strings.Contains(line, "outputs could not be made inactive") {
			t.Errorf("they could: %s", line)
		}
		if strings.Contains(line, `"act":"relay"`) && strings.Contains(line, `"was"`) {
			t.Errorf("nothing was counted: %s", line)
		}
	}
}

// TestAMachineThatStartedWithAFullDiskSellsOnceThereIsRoom: nobody needs to come and start it again.
func TestAMachineThatStartedWithAFullDiskSellsOnceThereIsRoom(t *testing.T) {
	w := newWorld()
	w.failAt = 0
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		if _, code := k.CreatePurchase(t.Context(), "payer", sek(5000)); code != fsm.DeviceUnavailable {
			t.Errorf("with a full disk createPurchase was answered %q", code)
		}
		w.mu.Lock()
		w.healed = true
		w.mu.Unlock()
		rest(2 * journalEvery)
		sell(t, w, k)
		synctest.Wait()
		if s := k.State(); s.Stage != fsm.Ready || w.paid != sek(1500) {
			t.Errorf("%s (%s), Glase took %v", s.Stage, s.Reason, w.paid)
		}
	})
}
