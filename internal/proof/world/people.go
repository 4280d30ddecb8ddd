package world

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/money"
	"kioskd/ups"
)

// visit is somebody at the machine, or several, and everything that goes wrong meanwhile.
func (w *world) visit(name string) {
	w.troubleInTheMachine(name)
	w.troubleAtTheBoard(name)
	w.troubleAtTheLocks(name)
	w.troubleOnTheBus(name)
	w.troubleAtGlase(name)
	w.troubleAround(name)
	w.strangers(name)
	for n, chance := range []int{100, 33} {
		own := fmt.Sprintf("%s/customer %d", name, n+1)
		if r, comes := w.maybe(chance, own); comes {
			w.people.Go(func() {
				if n > 0 {
					time.Sleep(seconds(r, 20))
				}
				customer{w, r, own, w.phone(own)}.visit()
			})
		}
	}
	if r, yes := w.maybe(25, name+"/idle hands"); yes {
		w.people.Go(func() { w.idle(name+"/idle hands", r) })
	}
	if r, yes := w.maybe(17, name+"/door"); yes {
		w.people.Go(func() {
			time.Sleep(seconds(r, 40))
			w.door(seconds(r, 30))
		})
	}
	if r, yes := w.maybe(40, name+"/verdict"); yes {
		w.people.Go(func() {
			time.Sleep(seconds(r, 60))
			w.decide(r)
		})
	}
	w.office(name)
	for n := range 6 {
		if !w.o.Tests {
			break
		}
		if r, yes := w.maybe(60, fmt.Sprintf("%s/test %d", name, n+1)); yes {
			w.people.Go(func() {
				time.Sleep(seconds(r, 60))
				w.test(r)
			})
		}
	}
	if l := w.running(); l != nil && w.restless {
		if r, yes := w.maybe(40, name+"/doom"); yes {
			l.gate.doom(r)
		}
	}
	if r, yes := w.maybe(33, name+"/end"); yes && w.restless {
		w.people.Go(func() {
			time.Sleep(seconds(r, 40))
			w.end([]ending{killed, unplugged, told}[r.IntN(3)])
		})
	}
	w.people.Wait()
	w.frontStays()
	time.Sleep(seconds(w.numbers(name+"/pause"), 45))
	w.passerBy()
}

func (w *world) phone(owner string) string {
	return fmt.Sprintf("4670000%04d", w.numbers(owner+"/phone").IntN(10000))
}

// idle presses buttons for no reason.
func (w *world) idle(name string, r *rand.Rand) {
	for n := range 1 + r.IntN(6) {
		time.Sleep(seconds(r, 12))
		w.press(fmt.Sprintf("%s/press %d", name, n+1), []string{"A1", "A2", "cancel", "retry"}[r.IntN(4)])
	}
}

// door is a technician's short visit, who repairs what can be seen.
func (w *world) door(long time.Duration) {
	w.push("door")
	w.referee.serviced()
	time.Sleep(long)
	w.push("door")
	time.Sleep(time.Second) // until the kiosk has seen it
	w.referee.serviced()
}

// end ends the run of the kiosk that is on.
func (w *world) end(how ending) {
	if l := w.running(); l != nil {
		l.gate.end(how)
	}
}

// press is a press that may be left out.
func (w *world) press(name, button string) {
	if w.happens(name) {
		w.push(button)
	}
}

func (w *world) push(button string) {
	w.diary.note("somebody presses %s", button)
	if w.machine != nil && slices.Contains(slots, button) {
		w.machine.pressed(button)
		return
	}
	if err := w.board.Press(button); err != nil {
		w.diary.note("the button says: %v", err)
	}
}

// customer is one person with a phone.
type customer struct {
	world *world
	r     *rand.Rand
	name  string
	phone string
}

func (c customer) note(format string, args ...any) {
	c.world.diary.note(c.name+" "+format, args...)
}

func (c customer) press(what string, button string) { c.world.press(c.name+"/"+what, button) }

func (c customer) chance(percent int) bool { return c.r.IntN(100) < percent }

// wait is how long a person takes: a moment, or much longer.
func (c customer) wait(usual int) {
	if c.chance(10) {
		usual *= 10
	}
	time.Sleep(seconds(c.r, usual))
}

func (c customer) visit() {
	c.wait(3)
	var ref string
	if c.world.o.Flow == string(fsm.Reservation) {
		ref = c.reserve()
	} else {
		ref = c.chooseFirst()
	}
	if ref == "" {
		return
	}
	short := c.world.cfg.Glase.ReservationTimeout < 5*time.Minute
	slow := c.chance(10) || short && c.chance(50) // which is what a short reservation is about
	if c.wait(6); slow {                          // the PIN comes at the last moment
		pin := c.world.cfg.Payment.PINTimeout
		time.Sleep(pin*2/3 + seconds(c.r, int(pin/time.Second)/3))
	}
	if _, yes := c.world.maybe(20, c.name+"/thinks better of it"); yes && c.world.o.Flow != string(fsm.Reservation) {
		c.world.push("cancel")
		time.Sleep(seconds(c.r, 1))
		if ref = c.chooseFirst(); ref == "" {
			return
		}
	}
	c.pay(ref)
	if c.world.o.Flow == string(fsm.Reservation) {
		c.take(slow)
		return
	}
	for n := range c.r.IntN(3) { // waits for it, and does something meanwhile
		c.wait(25)
		c.press(fmt.Sprintf("press %d", n+1), []string{"A1", "A2", "cancel", "retry", "retry"}[c.r.IntN(5)])
	}
}

// reserve scans the machine's QR, with a nervous finger perhaps, which scans it again before there is an answer, or
// while the phone asks for the PIN.
func (c customer) reserve() string {
	offer := money.Amount{Minor: int64(1000 + c.r.IntN(12000)), Currency: "SEK"}
	scan := func() string {
		i, err := c.world.glase.Scan(context.Background(),
			glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"), Amount: offer, MSISDN: c.phone})
		if err != nil {
			c.note("scans: %v", err)
			return ""
		}
		c.note("has a reservation to confirm")
		return i.Reference
	}
	if r, again := c.world.maybe(20, c.name+"/scans again"); again {
		c.world.people.Go(func() {
			time.Sleep(time.Duration(r.Int64N(int64(8 * time.Second))))
			c.note("scans again")
			scan()
		})
	}
	for range 1 + c.r.IntN(2) {
		if ref := scan(); ref != "" {
			return ref
		}
		c.wait(5)
	}
	return ""
}

// chooseFirst presses a product, or chooses it on the page, and scans what is to be paid.
func (c customer) chooseFirst() string {
	onPage := ""
	if c.world.o.Flow == string(fsm.Web) {
		if onPage = c.choosesOnPage(); onPage == "" {
			return ""
		}
	} else if c.chance(90) {
		slot := slots[c.r.IntN(len(slots))]
		c.note("chooses %s", slot)
		c.press("choice", slot)
	}
	for range 1 + c.r.IntN(4) {
		c.wait(3)
		qr := "HTTP://SEQR.SE/Q" + sticker
		if c.world.o.Flow != string(fsm.Sticker) {
			qr = c.world.shows().QR
		}
		if onPage != "" {
			qr = onPage
		}
		if qr == "" {
			continue
		}
		i, err := c.world.glase.Scan(context.Background(), glasetest.Scan{QR: qr, MSISDN: c.phone})
		if err == nil {
			c.world.scanned(i.Reference)
			return i.Reference
		}
		c.note("scans: %v", err)
	}
	return ""
}

// pay decides at the phone.
func (c customer) pay(ref string) {
	switch n := c.r.IntN(100); {
	case n < 8 && c.world.happens(c.name+"/says no on the phone"):
		_, err := c.world.glase.CancelOnPhone(ref)
		c.note("cancels on the phone: %v", err)
	case n >= 8 && n < 16 && c.world.happens(c.name+"/walks away"):
		c.note("walks away")
		return
	case n >= 16 && n < 24:
		c.press("cancel with the PIN", "cancel")
		if c.chance(50) {
			time.Sleep(time.Duration(c.r.Int64N(int64(400 * time.Millisecond))))
		}
	}
	for range 1 + c.r.IntN(3) {
		_, err := c.world.glase.Confirm(ref, "1234")
		c.note("gives the PIN: %v", err)
		if err == nil || c.chance(40) {
			return
		}
		c.wait(4)
	}
}

// take chooses within the reservation. Somebody may let it go meanwhile, just before a choice for which the kiosk must
// ask again.
func (c customer) take(slow bool) {
	if r, yes := c.world.maybe(6, c.name+"/meddler"); yes {
		in, late := seconds(r, 12), 11*time.Second+seconds(r, 6)
		c.world.people.Go(func() { c.world.foreignCancel(in) })
		time.Sleep(late)
		c.press("late choice", slots[r.IntN(len(slots))])
	}
	times := c.r.IntN(4)
	if slow {
		times = 8
	}
	for n := range times {
		if c.wait(6); slow {
			time.Sleep(12 * time.Second)
		}
		c.press(fmt.Sprintf("product %d", n+1), slots[c.r.IntN(len(slots))])
		if c.chance(20) {
			time.Sleep(seconds(c.r, 1))
			c.press(fmt.Sprintf("product %d again", n+1), slots[c.r.IntN(len(slots))])
		}
	}
	if c.chance(40) {
		c.wait(8)
		c.press("that is all", "cancel")
	}
}

// service is the technician after all troubles: closed slots are looked at, and open again.
func (w *world) service() {
	w.diary.note("a technician looks at the machine")
	w.door(5 * time.Second)
	time.Sleep(10 * time.Second)
}

// honest is the last customer, who does everything right in a world where everything works. That must sell something.
func (w *world) honest() {
	before, sold := len(w.store.sales()), w.dropped()["A2"]
	w.loseAnAnswer()
	qr := ups.StaticQR("public_test_shop", "123456")
	if w.o.Flow != string(fsm.Reservation) {
		w.ordersHonestly("A2")
		time.Sleep(2 * time.Second)
		if qr = w.shows().QR; w.o.Flow == string(fsm.Sticker) {
			qr = "HTTP://SEQR.SE/Q" + sticker
		}
	}
	i, err := w.glase.Scan(context.Background(),
		glasetest.Scan{QR: qr, Amount: money.Amount{Minor: 2250, Currency: "SEK"}})
	if err == nil {
		time.Sleep(7 * time.Second)
		_, err = w.glase.Confirm(i.Reference, "1234")
	}
	if err != nil {
		s := w.shows()
		w.referee.violated("after all troubles the machine does not sell: %v; it shows %v %s", err, s.Kind, s.Why)
		return
	}
	time.Sleep(3 * time.Second)
	if w.o.Flow == string(fsm.Reservation) {
		w.loseAnAnswer() // the first one after the commit
		w.push("A2")
	}
	w.settle()
	sales := w.store.sales()
	if last := sales[len(sales)-1]; len(sales) != before+1 || last.State != string(fsm.Charged) ||
		w.dropped()["A2"] != sold+1 {
		w.referee.violated("after all troubles an honest sale ends as: %s", brief(last))
	}
}
