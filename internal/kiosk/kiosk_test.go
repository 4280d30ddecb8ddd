package kiosk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/money"
	"kioskd/internal/reason"
)

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// world is a whole surrounding of one kiosk: a Glase of one invoice, a dispenser, a journal and a screen, with one
// diary.
type world struct {
	mu      sync.Mutex
	diary   []string
	status  fsm.PayStatus
	total   money.Amount // of the invoice as Glase has it
	paid    money.Amount
	records []Record
	failAt  int // the record from which on the journal refuses; -1 never
	vend    func(ctx context.Context) (fsm.ItemOutcome, reason.Why)
	healed  bool             // the journal takes records whatever failAt says
	appends int              // records that were tried
	refuses func(n int) bool // whether the journal refuses the record that is tried as the n-th, from 1
	flood   func()           // what happens while a record is written
	slow    bool             // a record takes its time
	gone    bool             // Glase does nothing and its answers are lost
	inStep  []fsm.State      // what one was told who sells in step with the loop

	atMachine bool // A1 is chosen at a machine of its own
	ids       int

	alive      func()
	aliveEvery time.Duration
	evidence   func(ctx context.Context, left fsm.State) []fsm.Evidence
	log        zerolog.Logger
}

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.diary = append(w.diary, fmt.Sprintf(format, args...))
}

func (w *world) Append(_ context.Context, r Record) error {
	if w.slow {
		time.Sleep(time.Millisecond) // what does not wait for the record is in the diary before it
	}
	w.note("record %s", fsm.Name(r.Event))
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.flood != nil {
		w.flood()
	}
	w.appends++
	full := w.failAt >= 0 && len(w.records) >= w.failAt && !w.healed
	if full || w.refuses != nil && w.refuses(w.appends) {
		return errors.New("the disk is full")
	}
	w.records = append(w.records, r)
	return nil
}

// Call is a Glase that does at once what it is asked for.
func (w *world) Call(_ context.Context, c fsm.Call) fsm.Answered {
	w.note("%s", c.Operation)
	w.mu.Lock()
	defer w.mu.Unlock()
	a := c.To(fsm.Result{Kind: fsm.Done})
	switch c.Operation {
	case fsm.SendInvoice:
		w.status, w.total = fsm.StatusIssued, c.Total
		a.Reference = "R1"
	case fsm.AskStatus:
		a.Status, a.Version = w.status, 1
		if w.status == fsm.StatusPaid {
			a.Amount, a.ErsReference = w.paid, "E1"
		}
	case fsm.UpdateInvoice:
		w.total = c.Total
	case fsm.CommitReservation:
		w.status, w.paid = fsm.StatusPaid, c.Total
	case fsm.CancelInvoice:
		if w.gone {
			return c.To(fsm.Result{Kind: fsm.ResultUnknown})
		}
		w.status = fsm.StatusCanceled
	default:
		panic("no such call in these stories")
	}
	return a
}

func (w *world) Vend(ctx context.Context, item fsm.Item) (fsm.ItemOutcome, reason.Why) {
	w.note("motor %s on", item.Slot)
	return w.vend(ctx)
}

func (w *world) Pulse(ctx context.Context, v fsm.Service) reason.Why {
	w.note("relay %s on for %v", v.Slot, v.On)
	select {
	case <-time.After(v.On):
		return ""
	case <-ctx.Done():
		return "stopped"
	}
}

func (w *world) Halt() error { w.note("outputs off"); return nil }

func (w *world) told(s fsm.State) { w.mu.Lock(); w.inStep = append(w.inStep, s); w.mu.Unlock() }

func (w *world) said(prefix string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.IndexFunc(w.diary, func(s string) bool { return strings.HasPrefix(s, prefix) })
}

func newWorld() *world {
	w := &world{failAt: -1}
	w.vend = func(ctx context.Context) (fsm.ItemOutcome, reason.Why) {
		select {
		case <-time.After(time.Second):
			return fsm.Delivered, ""
		case <-ctx.Done():
			return fsm.NotDelivered, "stopped"
		}
	}
	return w
}

// start runs a kiosk in a synctest bubble, from a recorded state.
func (w *world) start(t *testing.T, s fsm.State) (*Kiosk, context.CancelFunc, chan error) {
	shelf := []fsm.Slot{
		{ID: "A1", Name: "Water", Price: sek(1500), VAT: 12, MaxVend: 5 * time.Second, AtMachine: w.atMachine},
		{ID: "A2", Name: "Cake", Price: sek(2250), MaxVend: 5 * time.Second},
	}
	begin := time.Now().Add(-time.Hour)
	k, err := New(Config{
		Rules: fsm.Rules{Flow: fsm.Reservation, PinTimeout: time.Minute, ChooseTimeout: 5 * time.Second,
			ReservationTimeout: 10 * time.Minute},
		Shelf: shelf, First: map[string]int{"A1": 2, "A2": 1}, State: s, Journal: w, Payments: w, Dispenser: w,
		InStep: w.told,
		NewSale: func() fsm.NewSale {
			w.ids++
			return fsm.NewSale{ID: fmt.Sprint("S", w.ids), ClientInvoiceID: fmt.Sprint("I", w.ids),
				Secret: fmt.Sprint("secret", w.ids)}
		},
		NewItem: func() string { w.ids++; return fmt.Sprint("i", w.ids) },
		Now:     func() fsm.Instant { return fsm.Instant(time.Since(begin)) }, Boot: "boot", Wall: time.Now, Log: w.log,
		Alive: w.alive, AliveEvery: w.aliveEvery, Evidence: w.evidence,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	synctest.Wait()
	return k, stop, ended
}

func (w *world) confirm() { w.mu.Lock(); w.status = fsm.StatusReserved; w.mu.Unlock() }

// sell plays a sale up to its end, the customer pressing A1.
func sell(t *testing.T, w *world, k *Kiosk) {
	if ref, code := k.CreatePurchase(t.Context(), "payer", sek(5000)); ref != "R1" || code != "" {
		time.Sleep(time.Minute) // out of service, or a failing journal
		return
	}
	w.confirm()
	time.Sleep(2 * time.Second)
	k.Choose("A1")
	time.Sleep(time.Minute)
}

func TestAStepIsOnTheDiskBeforeItsEffects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.slow = true
		k, stop, ended := w.start(t, fsm.State{})
		sell(t, w, k)
		for effect, event := range map[string]string{
			"sendInvoice": "record PurchaseRequested", "motor A1 on": "record ProductChosen",
			"updateInvoice": "record Ticked", "commitReservation": "record InvoiceUpdated",
		} {
			if a, b := w.said(effect), w.said(event); a < 0 || b < 0 || a < b {
				t.Errorf("%q stands at %d and %q at %d of %q", effect, a, event, b, w.diary)
			}
		}
		if s := k.State().Sale; s.State != fsm.Charged || s.Charged != sek(1500) {
			t.Errorf("the sale ended %s with %v charged", s.State, s.Charged)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestWhenTheJournalFailsNothingNewMovesAndWhatCameOutIsCharged lets the journal fail at each record of a sale in turn.
func TestWhenTheJournalFailsNothingNewMovesAndWhatCameOutIsCharged(t *testing.T) {
	for n := 0; n <= 9; n++ {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.failAt = n
			k, stop, ended := w.start(t, fsm.State{})
			sell(t, w, k)
			failed, motor := w.said("record"), w.said("motor")
			s := k.State()
			if s.Busy() || s.Stage != fsm.OutOfService || s.Reason != reason.Journal {
				t.Fatalf("journal failing at record %d: %s (%s), open sale %v", n, s.Stage, s.Reason, s.Busy())
			}
			if motor >= 0 && w.paid != sek(1500) {
				t.Errorf("journal failing at record %d: a product came out and %v was charged; %q", n, w.paid, w.diary)
			}
			if motor < 0 && (!w.paid.IsZero() || w.status == fsm.StatusReserved) {
				t.Errorf("journal failing at record %d: nothing came out, %v was charged, the invoice is %s; %q", n,
					w.paid, w.status, w.diary)
			}
			if motor >= 0 && len(w.records) < 5 {
				t.Errorf("journal failing at record %d, first at %d: the motor moved without a record; %q", n, failed,
					w.diary)
			}
			if ref, code := k.CreatePurchase(t.Context(), "p", sek(5000)); ref != "" || code != fsm.DeviceUnavailable {
				t.Errorf("journal failing at record %d: a new sale was answered %q %q", n, ref, code)
			}
			stop()
			<-ended
		})
	}
}

// TestAnEndOfTheDaemonLosesNoMoney ends the daemon at each tenth of a second of a sale, starts it again, and looks at
// the money.
func TestAnEndOfTheDaemonLosesNoMoney(t *testing.T) {
	for tenth := range 90 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			k, stop, ended := w.start(t, fsm.State{})
			go func() {
				k.CreatePurchase(t.Context(), "payer", sek(5000))
				w.confirm()
				time.Sleep(2 * time.Second)
				k.Choose("A1")
			}()
			time.Sleep(time.Duration(tenth)*100*time.Millisecond + time.Millisecond)
			began := time.Now()
			stop()
			<-ended
			if took := time.Since(began); took > settleMax {
				t.Fatalf("the daemon took %v to end", took)
			}
			if off, motor := w.said("outputs off"), w.said("motor"); off < 0 || motor > off {
				t.Fatalf("outputs off at %d, the motor at %d: %q", off, motor, w.diary)
			}
			state := w.records[len(w.records)-1].After
			k2, stop, ended := w.start(t, state)
			time.Sleep(time.Minute)
			sale := k2.State().Sale
			if k2.State().Busy() || sale.Charged.Minor != sale.Basket().Minor || !w.paid.IsZero() != !sale.Basket().
				IsZero() {
				t.Errorf("ended after %d tenths: %+v, Glase took %v", tenth, sale, w.paid)
			}
			if w.status == fsm.StatusReserved {
				t.Errorf("ended after %d tenths: the reservation is left hanging", tenth)
			}
			stop()
			<-ended
		})
	}
}

func TestAJournalThatHealsUnderAFloodOfButtonsSellsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.failAt = 1
		k, stop, ended := w.start(t, fsm.State{})
		k.CreatePurchase(t.Context(), "payer", sek(5000)) // is refused: it cannot be recorded
		w.mu.Lock()
		w.healed = true
		w.flood = func() {
			for k.Cancel() { // as long as there is room for one more
			}
		}
		w.mu.Unlock()
		for range 120 { // the buttons go on, more often than the journal is tried
			k.Cancel()
			time.Sleep(time.Second)
		}
		if s := k.State(); s.Stage != fsm.Ready {
			t.Errorf("%s (%s) two minutes after the disk has room again", s.Stage, s.Reason)
		}
		stop()
		<-ended
	})
}

func TestAVendThatHangsDoesNotKeepTheDaemonFromEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		free := make(chan struct{})
		w.vend = func(context.Context) (fsm.ItemOutcome, reason.Why) { <-free; return fsm.Unknown, "relay_fault" }
		k, stop, ended := w.start(t, fsm.State{})
		k.CreatePurchase(t.Context(), "payer", sek(5000))
		w.confirm()
		time.Sleep(2 * time.Second)
		k.Choose("A1")
		time.Sleep(time.Second)
		began := time.Now()
		stop()
		<-ended
		if took := time.Since(began); took > settleMax+finishMax {
			t.Errorf("the daemon took %v to end", took)
		}
		close(free)
	})
}

func TestTheDaemonEndsEvenWhenGlaseDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k, stop, ended := w.start(t, fsm.State{})
		k.CreatePurchase(t.Context(), "payer", sek(5000))
		w.mu.Lock()
		w.gone = true
		w.mu.Unlock()
		began := time.Now()
		stop()
		<-ended
		if took := time.Since(began); took != settleMax {
			t.Errorf("the daemon took %v to end, want %v", took, settleMax)
		}
		if !k.State().Busy() {
			t.Error("the sale was ended without Glase's word")
		}
	})
}

func TestACustomerIsAnsweredEvenWhenTheCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k, stop, ended := w.start(t, fsm.State{})
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 10 {
			if ref, code := k.CreatePurchase(gone, "p", sek(5000)); ref != "" && code != "" || ref == "" && code == "" {
				t.Errorf("answered %q %q", ref, code)
			}
		}
		synctest.Wait()
		if n := len(k.waiting); n != 0 {
			t.Errorf("%d requests wait for ever", n)
		}
		stop()
		<-ended
		if _, code := k.CreatePurchase(t.Context(), "p", sek(5000)); code != fsm.DeviceUnavailable {
			t.Errorf("a kiosk that has ended answers %q", code)
		}
	})
}

func TestOnlyTheOpenSalesSecretNotifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k, stop, ended := w.start(t, fsm.State{})
		if k.Notify("") || k.Notify("secret1") {
			t.Error("an idle kiosk took a notification")
		}
		k.CreatePurchase(t.Context(), "p", sek(5000))
		w.confirm()
		if k.Notify("guess") {
			t.Error("a guessed notification was taken")
		}
		time.Sleep(300 * time.Millisecond) // a hint asks no sooner than 200 ms after the last question
		if !k.Notify(k.State().Sale.Secret) {
			t.Error("the sale's own notification was not taken")
		}
		synctest.Wait()
		if s := k.State().Stage; s != fsm.Choosing {
			t.Errorf("%s right after the notification, not choosing", s)
		}
		stop()
		<-ended
	})
}

func TestASlowFollowerHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k, stop, ended := w.start(t, fsm.State{})
		ctx, unfollow := context.WithCancel(t.Context())
		updates := k.Follow(ctx)
		for range 3 * lagMax {
			k.Cancel()
			synctest.Wait()
		}
		if n := len(updates); n != lagMax {
			t.Errorf("the follower has %d steps, want %d", n, lagMax)
		}
		var last Update
		for range lagMax {
			last = <-updates
		}
		if first := <-k.Follow(ctx); last.Seq != 3*lagMax+1 || first.Seq != last.Seq {
			t.Errorf("the newest step is %d, and a slow follower's last one %d", first.Seq, last.Seq)
		}
		unfollow()
		synctest.Wait()
		if n := len(k.followers); n != 0 {
			t.Errorf("%d followers that are gone are told still", n)
		}
		stop()
		<-ended
	})
}

func TestAFollowerIsFirstToldTheWholeState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k, stop, ended := w.start(t, fsm.State{})
		updates := k.Follow(t.Context())
		first := <-updates
		if first.Event != nil || first.Seq != 1 || first.State.Stage != fsm.Ready || len(first.State.Offers()) == 0 ||
			first.Wall.IsZero() {
			t.Errorf("a follower is first told %+v", first)
		}
		k.Cancel()
		if u := <-updates; u.Seq != 2 || fsm.Name(u.Event) != "CancelPressed" {
			t.Errorf("and then %+v", u)
		}
		stop()
		<-ended
	})
}

// TestWhoSellsInStepMissesNoStep: what a follower may lose, a machine of its own is told, in the same order.
func TestWhoSellsInStepMissesNoStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k, stop, ended := w.start(t, fsm.State{})
		updates := k.Follow(t.Context())
		if len(w.inStep) != 1 || w.inStep[0].Stage != fsm.Ready {
			t.Errorf("the boot's step: %+v", w.inStep)
		}
		<-updates
		sell(t, w, k)
		synctest.Wait()
		for n := 1; len(updates) > 0; n++ {
			if u := <-updates; n >= len(w.inStep) || w.inStep[n].Stage != u.State.Stage {
				t.Fatalf("step %d leads to %s; %d were told", u.Seq, u.State.Stage, len(w.inStep))
			}
		}
		if len(w.inStep) < 8 {
			t.Errorf("a sale is %d steps", len(w.inStep))
		}
		stop()
		<-ended
	})
}

func TestAnIdleKioskSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k, stop, ended := w.start(t, fsm.State{})
		updates := k.Follow(t.Context())
		<-updates
		time.Sleep(24 * time.Hour)
		if n := len(updates); n != 0 {
			t.Errorf("%d steps in an idle day", n)
		}
		if n := len(w.records); n != 1 {
			t.Errorf("%d records, want the boot's", n)
		}
		stop()
		<-ended
	})
}

func TestAWedgedLoopShowsNoSignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var signs atomic.Int32
		w.alive, w.aliveEvery = func() { signs.Add(1) }, 3*time.Second
		k, stop, ended := w.start(t, fsm.State{})
		if n := signs.Load(); n != 1 {
			t.Errorf("%d signs of life after the boot's step, want 1", n)
		}
		time.Sleep(time.Minute - time.Second) // at no sign's own moment
		if n := signs.Load(); n != 20 {
			t.Errorf("%d signs of life within a minute, want 20", n)
		}
		free := make(chan struct{})
		w.flood = func() { <-free } // the journal hangs while it writes
		k.Raise(fsm.Fault{Name: "tilt"})
		synctest.Wait()
		before := signs.Load()
		time.Sleep(time.Minute)
		if n := signs.Load(); n != before {
			t.Errorf("%d signs of life from a loop that hangs", n-before)
		}
		close(free)
		time.Sleep(time.Minute)
		if n := signs.Load(); n < before+20 {
			t.Errorf("%d signs of life in the minute after, want 20", n-before)
		}
		stop()
		<-ended
	})
}

// TestAMachinesOwnPriceIsWhatItsChoiceCosts: it is held against the credit, and the caller learns whether it is taken.
func TestAMachinesOwnPriceIsWhatItsChoiceCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.atMachine = true
		k, stop, ended := w.start(t, fsm.State{})
		if why := k.ChooseAt(t.Context(), "A1", sek(1500)); why != fsm.NotChoosing {
			t.Errorf("without a sale: %q", why)
		}
		if ref, code := k.CreatePurchase(t.Context(), "payer", sek(2000)); ref != "R1" || code != "" {
			t.Fatal(ref, code)
		}
		w.confirm()
		time.Sleep(2 * time.Second)
		if why := k.ChooseAt(t.Context(), "A1", sek(2001)); why != "too_expensive" || len(k.State().Sale.Items) != 0 {
			t.Errorf("more than the credit: %q, %+v", why, k.State().Sale.Items)
		}
		for slot, price := range map[string]money.Amount{"A9": sek(2000), "A2": sek(2000),
			"A1": {Minor: 2000, Currency: "EUR"}} {
			if why := k.ChooseAt(t.Context(), slot, price); why != fsm.NoSuchSlot {
				t.Errorf("%s for %v: %q", slot, price, why)
			}
		}
		k.Choose("A1")
		if synctest.Wait(); len(k.State().Sale.Items) != 0 {
			t.Errorf("our button chose at the machine: %+v", k.State().Sale.Items)
		}
		why := k.ChooseAt(t.Context(), "A1", sek(2000)) // the shelf says 15.00
		if items := k.State().Sale.Items; why != "" || len(items) != 1 || items[0].Price != sek(2000) ||
			!items[0].Started {
			t.Errorf("%q, %+v", why, items)
		}
		if why := k.ChooseAt(t.Context(), "A1", sek(2000)); why != fsm.NotChoosing {
			t.Errorf("during a vend: %q", why)
		}
		time.Sleep(time.Minute)
		if s := k.State().Sale; s.State != fsm.Charged || s.Charged != sek(2000) {
			t.Errorf("%+v", s)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestALookRefusesWhatTheLoopWouldAndNothingElse: and costs it no step.
func TestALookRefusesWhatTheLoopWouldAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k, stop, ended := w.start(t, fsm.State{})
		defer func() { stop(); <-ended }()
		look := func(payer string, minor int64, want fsm.Refusal) {
			t.Helper()
			happened := func() int { w.mu.Lock(); defer w.mu.Unlock(); return len(w.diary) }
			before := happened()
			if got := k.Refusal(payer, sek(minor)); got != want {
				t.Errorf("%s at %s with %d: %q, want %q", payer, k.State().Stage, minor, got, want)
			}
			if synctest.Wait(); happened() != before {
				t.Error("a look did something")
			}
		}
		look("payer", 1499, fsm.InsufficientFunds)
		look("payer", 1500, "")
		look("payer", 0, fsm.SystemError)
		if ref, code := k.CreatePurchase(t.Context(), "payer", sek(5000)); ref != "R1" {
			t.Fatal(ref, code)
		}
		look("payer", 5000, "") // who repeats gets the same reference
		look("payer", 4000, fsm.DeviceInUse)
		look("other", 5000, fsm.DeviceInUse)
		time.Sleep(2 * time.Minute)
		look("other", 5000, "")
		k.Raise(fsm.Fault{Name: reason.Door, Hard: true})
		synctest.Wait()
		look("other", 5000, fsm.DeviceUnavailable)
	})
}
