package app

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/fleet/authority"
	"kioskd/internal/fleet/orders"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/reason"
)

// hubBeside is an operator's office beside a kiosk, with a database of its own.
func hubBeside(o *world, at *atWork) {
	s, err := store.Open("sqlite://" + filepath.Join(o.t.TempDir(), "hub.db"))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { s.Close() })
	if _, _, err := s.Migrate(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	at.store = s
}

// atWork is what an office works with.
type atWork struct {
	store *store.Store
}

// TestWhatIsWantedIsInTheDatabase and on the servers again when they have lost it.
func TestWhatIsWantedIsInTheDatabase(t *testing.T) {
	atDesk(t, func(o *branch) {
		var at atWork
		hubBeside(o.world, &at)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := office.Publisher{Store: at.store, NATS: o.nc, Now: time.Now, Log: zerolog.New(&o.log)}
		done := make(chan struct{})
		go func() { p.Run(ctx); close(done) }()
		amount := "17.00"
		plan := protocol.Plan{By: "anna", Slots: map[string]protocol.Product{"A1": {Price: &amount}}}
		if _, err := at.store.AddPlan(ctx, store.Scope{Kind: store.OfKiosk, Key: "K1"}, plan, time.Now()); err != nil {
			t.Fatal(err)
		}
		o.await("A1 costs 17.00", func() bool { return o.costs("A1") == "17.00" })
		js, err := jetstream.New(o.nc)
		if err != nil {
			t.Fatal(err)
		}
		if err := js.DeleteKeyValue(ctx, protocol.Wanted); err != nil {
			t.Fatal(err)
		}
		o.await("the bucket is there again", func() bool {
			kv, err := js.KeyValue(ctx, protocol.Wanted)
			if err != nil {
				return false
			}
			_, err = kv.Get(ctx, "k.K1")
			return err == nil
		})
		amount = "18.00"
		if _, err := at.store.AddPlan(ctx, store.Scope{Kind: store.OfAll}, plan, time.Now()); err != nil {
			t.Fatal(err)
		}
		o.await("it knows of both", func() bool { return o.costs("A1") == "17.00" && len(o.desk.State().Holds) > 30 })
		cancel()
		<-done
	})
}

// TestAnOfficesCommandIsCarriedOutOnce by the machine that it is for, from a person who may give it.
func TestAnOfficesCommandIsCarriedOutOnce(t *testing.T) {
	atDesk(t, func(o *branch) {
		var at atWork
		hubBeside(o.world, &at)
		desk, err := authority.Make()
		if err != nil {
			t.Fatal(err)
		}
		public, err := desk.Public()
		if err != nil {
			t.Fatal(err)
		}
		obey := func() func() {
			a := o.app
			d := orders.New(orders.Config{ID: "K1", Desk: public, Wall: a.clock.Wall, Synced: a.clock.Synced,
				Obey: a.Obey,
				Now:  func() time.Duration { return time.Duration(a.clock.Now()) }, Log: a.log})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if err := d.Serve(ctx, o.line); err != nil {
					t.Error(err)
				}
			}()
			return func() { cancel(); <-ended }
		}
		end := obey()
		of := &office.Office{Store: at.store, NATS: o.nc, Authority: desk, Name: "H1", Now: time.Now}
		if err := of.Serve(t.Context()); err != nil {
			t.Fatal(err)
		}
		anna := people.Person{Name: "anna", Role: people.Operate, By: people.File}
		out := protocol.Command{Kiosk: "K1", Word: protocol.OutOfService, Reason: "recall"}
		o.await("it listens", func() bool {
			got, err := of.Send(t.Context(), anna, []byte("secret"), out)
			out.ID = got.ID
			return err == nil && got.Done
		})
		if s := o.app.Kiosk.State(); s.Reason != reason.Operator {
			t.Errorf("it is %s (%s)", s.Stage, s.Reason)
		}
		back := protocol.Command{Kiosk: "K1", Word: protocol.Back, Reason: "over"}
		bert := people.Person{Name: "bert", Role: people.Look, By: people.File}
		if _, err := of.Send(t.Context(), bert, []byte("x"), back); !errors.Is(err, protocol.ErrRole) {
			t.Errorf("who may only look: %v", err)
		}
		stranger, err := authority.Make()
		if err != nil {
			t.Fatal(err)
		}
		forged := *of
		forged.Authority = stranger
		if got, err := forged.Send(t.Context(), anna, []byte("secret"), back); err != nil || got.Done ||
			got.Refusal != orders.Forged {
			t.Errorf("another authority: %+v, %v", got, err)
		}
		if got, err := of.Send(t.Context(), anna, []byte("secret"), back); err != nil || !got.Done {
			t.Errorf("%+v, %v", got, err)
		}
		end()
		o.stop()
		o.begin()
		end = obey()
		defer end()
		o.await("it answers the repeat", func() bool {
			got, err := of.Send(t.Context(), anna, []byte("secret"), out)
			return err == nil && got.Done
		})
		if s := o.app.Kiosk.State(); s.Stage != fsm.Ready {
			t.Errorf("a repeat acted again: it is %s (%s)", s.Stage, s.Reason)
		}
		all, err := at.store.Orders(t.Context(), "K1", 10)
		if err != nil || len(all) < 3 || !all[len(all)-1].Ended {
			t.Errorf("on record are %+v, %v", all, err)
		}
	})
}
