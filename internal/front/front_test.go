package front

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
	"kioskd/hw/display"
	"kioskd/internal/config"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
)

// machine is a front whose kiosk the test plays, at the bubble's own time.
func machine(t *testing.T) (f *Front, steps chan kiosk.Update, end func()) {
	t.Helper()
	begin := time.Now()
	f = New(config.Config{}, func() fsm.Instant { return fsm.Instant(time.Since(begin)) })
	ctx, stop := context.WithCancel(t.Context())
	steps = make(chan kiosk.Update, 8)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Run(ctx, steps)
	}()
	return f, steps, func() { stop(); <-ended }
}

// choosing is a customer who may choose until the instant.
func choosing(until time.Duration) kiosk.Update {
	price := money.Amount{Minor: 1500, Currency: "SEK"}
	s := fsm.State{Shelf: []fsm.Slot{{ID: "A1", Name: "Cola", Price: price}}, Stock: map[string]int{"A1": 1},
		Stage: fsm.Choosing, Deadline: fsm.Instant(until),
		Sale: fsm.Sale{ID: "S1", Flow: fsm.Reservation, Payment: fsm.Payment{Reserved: price}}}
	return kiosk.Update{Seq: 1, State: s}
}

func TestEachFollowerIsFirstToldTheWholeScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, steps, end := machine(t)
		early := f.Follow(t.Context())
		if s := f.Screen(); s.Kind != display.OutOfService || s.Why != "starting" {
			t.Errorf("before the kiosk has said how it is, the screen is %s, %s", s.Kind, s.Why)
		}
		synctest.Wait()
		if len(early) != 0 {
			t.Error("a follower is shown a machine that has not said how it is")
		}
		steps <- choosing(time.Minute)
		synctest.Wait()
		for n := range 100 { // any number of them
			s := <-f.Follow(t.Context())
			if s.Kind != display.Choose || len(s.Prices) != 1 || s.Remaining != time.Minute {
				t.Fatalf("follower %d is first told %+v", n, s)
			}
		}
		if s := <-early; s.Kind != display.Choose {
			t.Errorf("the one who was there first is told %s", s.Kind)
		}
		end()
	})
}

func TestASlowFollowerFindsTheNewestScreenAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, steps, end := machine(t)
		slow, brisk := f.Follow(t.Context()), f.Follow(t.Context())
		for range 20 {
			steps <- choosing(time.Hour)
			<-brisk
		}
		last := kiosk.Update{State: fsm.State{Stage: fsm.OutOfService, Reason: "door"}}
		steps <- last
		synctest.Wait() // they are told one after the other
		if s := <-brisk; s.Why != "door" {
			t.Errorf("the brisk one sees %s, %s", s.Kind, s.Why)
		}
		if s := <-slow; s.Why != "door" {
			t.Errorf("the slow one sees %s, %s", s.Kind, s.Why)
		}
		end()
	})
}

func TestFollowersSeeEachSecondOfACountdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, steps, end := machine(t)
		screens := f.Follow(t.Context())
		steps <- choosing(3 * time.Second)
		for _, want := range []time.Duration{3 * time.Second, 2990 * time.Millisecond, 1990 * time.Millisecond,
			990 * time.Millisecond, 0} {
			if s := <-screens; s.Remaining != want {
				t.Errorf("%v are left, want %v", s.Remaining, want)
			}
		}
		time.Sleep(time.Hour)
		if len(screens) != 0 {
			t.Error("a countdown that is over goes on")
		}
		end()
	})
}

func TestWhatIsTypedIsOnTheScreenWhereAProductCanBeChosen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, steps, end := machine(t)
		steps <- choosing(time.Hour)
		synctest.Wait()
		screens := f.Follow(t.Context())
		<-screens
		f.show("A", "")
		if s := <-screens; s.Typed != "A" {
			t.Errorf("%q is on the screen", s.Typed)
		}
		steps <- kiosk.Update{State: fsm.State{Stage: fsm.OutOfService, Reason: "door"}}
		if s := <-screens; s.Typed != "" {
			t.Errorf("%q is typed on a machine out of service", s.Typed)
		}
		end()
	})
}

func TestTheLastStepIsShownBeforeTheFollowersAreLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(config.Config{}, func() fsm.Instant { return 0 })
		gone, leave := context.WithCancel(t.Context())
		screens, left := f.Follow(t.Context()), f.Follow(gone)
		leave()
		synctest.Wait()
		ctx, stop := context.WithCancel(t.Context())
		stop()
		steps := make(chan kiosk.Update, 1)
		steps <- choosing(time.Hour)
		f.Run(ctx, steps)
		if s, more := <-screens; !more || s.Kind != display.Choose {
			t.Errorf("the last screen is %s", s.Kind)
		}
		for _, ch := range []<-chan display.Screen{screens, left, f.Follow(t.Context())} {
			if s, more := <-ch; more {
				t.Errorf("after the end: %s", s.Kind)
			}
		}
	})
}
