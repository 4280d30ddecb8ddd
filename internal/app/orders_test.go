package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nkeys"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/chain"
	"kioskd/internal/fleet/orders"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/kiosk"
	"kioskd/internal/reason"
)

// hub is who sends commands to a world's kiosk: an authority, a person, a clock.
type hub struct {
	w         *world
	authority nkeys.KeyPair
	person    nkeys.KeyPair
	card      protocol.Person
	began     time.Time
	sent      int
	late      time.Duration // what each takes to the kiosk
	silent    bool          // its clock does not answer
}

func (h *hub) Check(text, signature []byte) error { return h.authority.Verify(text, signature) }

func desk(w *world) *hub {
	h := &hub{w: w, began: time.Now().Add(-time.Minute)}
	for _, k := range []*nkeys.KeyPair{&h.authority, &h.person} {
		var err error
		if *k, err = nkeys.CreateUser(); err != nil {
			w.t.Fatal(err)
		}
	}
	key, err := h.person.PublicKey()
	if err != nil {
		w.t.Fatal(err)
	}
	h.card = protocol.Person{Name: "anna", Role: protocol.Admin, Key: key, Expires: time.Now().Add(24 * time.Hour)}
	return h
}

// order makes a command of its own.
func (h *hub) order(word string, more func(*protocol.Command)) protocol.Command {
	h.sent++
	c := protocol.Command{ID: fmt.Sprintf("C%d", h.sent), Kiosk: "K1", Word: word, Reason: "recall"}
	if more != nil {
		more(&c)
	}
	return c
}

// send gives a command to the kiosk that runs now, asked at this moment, as often as it is called.
func (h *hub) send(c protocol.Command) protocol.Outcome {
	h.w.t.Helper()
	return h.deliver(h.sealed(c))
}

// sealed is a signed command, asked at this moment.
func (h *hub) sealed(c protocol.Command) (protocol.Asked, []byte) {
	h.w.t.Helper()
	asked := protocol.Asked{Gateway: "H1", At: time.Since(h.began), Life: 10 * time.Second}
	c.Asked, c.At = asked.String(), time.Now()
	card, signature, err := protocol.Certify(h.card, h.authority)
	if err != nil {
		h.w.t.Fatal(err)
	}
	data, err := protocol.Sign(c, card, signature, h.person)
	if err != nil {
		h.w.t.Fatal(err)
	}
	return asked, data
}

// deliver brings the machine what was sent.
func (h *hub) deliver(asked protocol.Asked, data []byte) protocol.Outcome {
	time.Sleep(h.late)
	a := h.w.app
	taker := orders.New(orders.Config{ID: "K1", Desk: h, Wall: a.clock.Wall, Synced: a.clock.Synced, Obey: a.Obey,
		Now: func() time.Duration { return time.Duration(a.clock.Now()) }})
	return taker.Do(h.w.t.Context(), asked, data, func(context.Context) (time.Duration, error) {
		if h.silent {
			return 0, errors.New("nobody answers")
		}
		return time.Since(h.began), nil
	})
}

// moved is how often the motors were started.
func (w *world) moved() (pulses int) {
	s, err := w.front.Snapshot()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, slot := range s.Slots {
		if pulses += slot.Pulses; slot.Relay {
			w.t.Errorf("the relay of %s is on", slot.Slot)
		}
	}
	return pulses
}

// TestNoCommandMovesAMotor: each of them, in each of many states of a machine, and all that they begin.
func TestNoCommandMovesAMotor(t *testing.T) {
	refused := glasetest.Code(49)
	for state, reach := range map[string]func(w *world){
		"new":      func(*world) {},
		"awaiting": func(w *world) { w.scan() },
		"choosing": func(w *world) { w.confirm(w.scan()) },
		"charged":  func(w *world) { w.bought("reservation") },
		"jammed": func(w *world) {
			w.fault("A1", "jam")
			w.bought("reservation")
		},
		"in doubt": func(w *world) {
			rules := glasetest.Faults{Rules: []glasetest.Fault{
				{Operation: "updateInvoice", Fault: "result_code", Code: &refused, Count: 1}}}
			if err := w.glase.SetFaults(rules); err != nil {
				w.t.Fatal(err)
			}
			w.confirm(w.scan())
			w.press("A1")
			w.settled()
		},
		"out by order": func(w *world) { w.app.Kiosk.Raise(fsm.Fault{Name: reason.Operator}) },
		"door open":    func(w *world) { w.app.Kiosk.Raise(fsm.Fault{Name: reason.Door, Hard: true}) },
	} {
		t.Run(state, func(t *testing.T) {
			play(t, "reservation", func(w *world) {
				reach(w)
				h, sale := desk(w), w.app.Kiosk.State().Sale.ID
				if sale == "" {
					sale = "S1"
				}
				before, began := w.moved(), false
				all := []protocol.Command{h.order(protocol.OutOfService, nil), h.order(protocol.Back, nil)}
				for _, decision := range []string{"charge", "release", "refund"} {
					for _, byHand := range []bool{false, true} {
						all = append(all, h.order(protocol.Resolve, func(c *protocol.Command) {
							c.Sale, c.Decision, c.ByHand = sale, decision, byHand
						}))
					}
				}
				for _, amount := range []string{"5.00", "", "99.00", "0.00"} {
					all = append(all, h.order(protocol.Refund, func(c *protocol.Command) {
						c.Sale, c.Amount = sale,
							amount
					}))
				}
				for _, c := range all {
					began = h.send(c).Done || began
					synctest.Wait()
					if s := w.app.Kiosk.State(); s.Serving() || s.Stage == fsm.Vending || w.moved() != before {
						t.Errorf("%s: the motors were started %d times, it is %s", c.Word, w.moved()-before, s.Stage)
					}
					time.Sleep(5 * time.Second)
					if w.moved() != before {
						t.Errorf("%s: the motors were started %d times", c.Word, w.moved()-before)
					}
				}
				if !began {
					t.Error("none of them was done: this proves nothing")
				}
				w.app.Kiosk.Clear(reason.Door)
				time.Sleep(time.Minute)
				if w.moved() != before {
					t.Errorf("the motors were started %d times later", w.moved()-before)
				}
			})
		})
	}
}

// TestAMachineThatTheDeskTookOutStaysOut, whatever happens to it, and says who took it out, until the desk puts it
// back.
func TestAMachineThatTheDeskTookOutStaysOut(t *testing.T) {
	play(t, "reservation", func(w *world) {
		h := desk(w)
		if o := h.send(h.order(protocol.OutOfService, nil)); !o.Done {
			t.Fatalf("%+v", o)
		}
		out := func(when string) {
			synctest.Wait()
			s := w.app.Kiosk.State()
			if s.Reason != reason.Operator || len(s.Faults) != 1 || s.Faults[0].Note != "anna: recall" {
				t.Errorf("%s it is %s (%s): %+v", when, s.Stage, s.Reason, s.Faults)
			}
			if lines := strings.Join(w.app.words().Lines, " ") + w.app.words().Title; !strings.Contains(lines,
				"operator") {
				t.Errorf("%s the screen says %q", when, lines)
			}
			if s := w.recorded(); s.Reason != reason.Operator {
				t.Errorf("%s the record has %s (%s)", when, s.Stage, s.Reason)
			}
		}
		out("then")
		w.end()
		w.start()
		time.Sleep(time.Second)
		out("after a restart")
		w.app.Kiosk.Raise(fsm.Fault{Name: reason.Door, Hard: true})
		w.app.Kiosk.Clear(reason.Door)
		w.app.Kiosk.Serviced("a technician")
		out("after a technician")
		if o := h.send(h.order(protocol.Back, nil)); !o.Done || w.app.Kiosk.State().Stage != fsm.Ready {
			t.Errorf("%+v, it is %s", o, w.app.Kiosk.State().Stage)
		}
	})
}

// TestATechnicianPutsAMachineBackThatTheDeskTookOut, by name and for a reason, for the desk may be gone for good; the
// record that the desk is sent says so.
func TestATechnicianPutsAMachineBackThatTheDeskTookOut(t *testing.T) {
	play(t, "reservation", func(w *world) {
		h := desk(w)
		if err := w.app.Kiosk.Back(w.t.Context(), "berit", "done"); !errors.Is(err, kiosk.ErrSame) {
			t.Errorf("a machine that is in service: %v", err)
		}
		h.send(h.order(protocol.OutOfService, nil))
		if err := w.app.Kiosk.Back(w.t.Context(), "berit", ""); err == nil {
			t.Error("without a reason")
		}
		if s := w.app.Kiosk.State(); s.Reason != reason.Operator {
			t.Fatalf("it is %s (%s)", s.Stage, s.Reason)
		}
		if err := w.app.Kiosk.Back(w.t.Context(), "berit", "the juice is replaced"); err != nil {
			t.Fatal(err)
		}
		w.end()
		w.start()
		time.Sleep(time.Second)
		synctest.Wait()
		if s := w.app.Kiosk.State(); s.Stage != fsm.Ready {
			t.Errorf("after a restart it is %s (%s)", s.Stage, s.Reason)
		}
		copies, err := w.app.journal.Copies(w.t.Context(), 0, 500)
		if err != nil {
			t.Fatal(err)
		}
		told := slices.ContainsFunc(copies, func(e chain.Entry) bool {
			event, err := fsm.DecodeEvent(e.Event, e.Body)
			c, ok := event.(fsm.Commanded)
			return err == nil && ok && c.Command.AtMachine && c.Command.Order == fsm.Back && c.Command.By == "berit" &&
				c.Command.Reason == "the juice is replaced"
		})
		if !told {
			t.Error("the desk is not sent who put it back, and why")
		}
	})
}

// TestARepeatedCommandActsOnce and is answered as the first time, whose answer may have been lost, and by a daemon that
// has begun anew since.
func TestARepeatedCommandActsOnce(t *testing.T) {
	play(t, "reservation", func(w *world) {
		sale, h := w.bought("reservation"), desk(w)
		refund := h.order(protocol.Refund, func(c *protocol.Command) { c.Sale, c.Amount = sale.ID, "5.00" })
		nothing := h.order(protocol.Back, nil)
		first, refused := h.send(refund), h.send(nothing)
		time.Sleep(5 * time.Second)
		w.settled()
		if h.send(h.order(protocol.OutOfService, nil)); w.app.Kiosk.State().Reason != reason.Operator {
			t.Error("it is not out of service")
		}
		for _, when := range []string{"at once", "after a restart"} {
			again, still := h.send(refund), h.send(nothing)
			if !first.Done || again.Done != first.Done || again.Refusal != first.Refusal || refused.Done ||
				refused.Refusal != string(fsm.NothingToDo) || still.Refusal != refused.Refusal {
				t.Errorf("%s: %+v and then %+v; %+v and then %+v", when, first, again, refused, still)
			}
			time.Sleep(5 * time.Second)
			w.settled()
			w.money(sale.Reference, 1000)
			if when == "at once" {
				w.end()
				w.start()
				time.Sleep(time.Second)
			}
		}
		if w.app.Kiosk.State().Reason != reason.Operator {
			t.Error("a repeat that had nothing to do has done it now")
		}
	})
}

// TestACommandActsOnceHoweverItIsCut: the daemon dies at some moment after it was sent, and the desk sends it again.
func TestACommandActsOnceHoweverItIsCut(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 30 * time.Millisecond, time.Second, 3 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			play(t, "reservation", func(w *world) {
				sale, h := w.bought("reservation"), desk(w)
				refund := h.order(protocol.Refund, func(c *protocol.Command) { c.Sale, c.Amount = sale.ID, "5.00" })
				asked, data := h.sealed(refund)
				go h.deliver(asked, data) // nobody hears the answer
				time.Sleep(after)
				w.end()
				w.start()
				time.Sleep(5 * time.Second)
				h.send(refund)
				time.Sleep(5 * time.Second)
				if s := w.settled(); s.State == fsm.InDoubt {
					return // it says so: an interrupted refund of a part is a person's to decide
				}
				w.money(sale.Reference, 1000)
			})
		})
	}
}

// TestARestartIsOnRecordBeforeTheDaemonEnds, so that it ends once.
func TestARestartIsOnRecordBeforeTheDaemonEnds(t *testing.T) {
	play(t, "reservation", func(w *world) {
		h := desk(w)
		ref := w.scan()
		early, restart := h.order(protocol.Restart, nil), h.order(protocol.Restart, nil)
		if o := h.send(early); o.Done || o.Refusal != string(fsm.SaleIsOn) {
			t.Errorf("during a sale: %+v", o)
		}
		w.confirm(ref)
		w.press("A1")
		w.settled()
		if o := h.send(restart); !o.Done {
			t.Fatalf("%+v", o)
		}
		if s := w.recorded(); len(s.Commands) != 2 || s.Commands[1].ID != restart.ID ||
			w.app.Kiosk.State().Stage != fsm.Ready {
			t.Errorf("the record has %+v, and it is %s", s.Commands, w.app.Kiosk.State().Stage)
		}
		time.Sleep(5 * time.Second)
		if s := w.app.Kiosk.State(); s.Reason != reason.Stopping {
			t.Fatalf("it has not ended: %s", s.Stage)
		}
		w.ends = orders.ErrRestart
		w.end()
		w.ends = nil
		w.start()
		if o := h.send(restart); !o.Done {
			t.Errorf("then: %+v", o)
		}
		time.Sleep(5 * time.Second)
		if s := w.app.Kiosk.State(); s.Stage != fsm.Ready {
			t.Errorf("it is %s (%s): a repeat ends it again", s.Stage, s.Reason)
		}
		w.money(ref, 1500)
	})
}

// TestWhatIsNotForThisMachineNowDoesNothing: the words are another machine's, too old, or nobody's.
func TestWhatIsNotForThisMachineNowDoesNothing(t *testing.T) {
	play(t, "reservation", func(w *world) {
		for want, spoil := range map[string]func(h *hub, c *protocol.Command){
			orders.Other:   func(_ *hub, c *protocol.Command) { c.Kiosk = "K2" },
			orders.Expired: func(h *hub, _ *protocol.Command) { h.late = 11 * time.Second },
			orders.NoRole:  func(h *hub, _ *protocol.Command) { h.card.Role = protocol.Look },
			orders.Forged:  func(h *hub, _ *protocol.Command) { h.person, _ = nkeys.CreateUser() },
		} {
			h := desk(w)
			c := h.order(protocol.OutOfService, nil)
			spoil(h, &c)
			if o := h.send(c); o.Done || o.Refusal != want {
				t.Errorf("%+v, want %s", o, want)
			}
		}
		h := desk(w)
		h.silent = true
		if o := h.send(h.order(protocol.OutOfService, nil)); o.Done || o.Refusal != orders.Expired {
			t.Errorf("from a hub whose clock is not to be had: %+v", o)
		}
		h.silent, h.late = false, 9*time.Second
		if s := w.app.Kiosk.State(); s.Stage != fsm.Ready || len(s.Commands) > 0 {
			t.Errorf("it is %s, and the record has %+v", s.Stage, s.Commands)
		}
		if o := h.send(h.order(protocol.OutOfService, nil)); !o.Done {
			t.Errorf("a slow line: %+v", o)
		}
	})
}
