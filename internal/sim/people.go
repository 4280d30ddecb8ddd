package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/money"
	"kioskd/ups"
)

// visit is somebody at the machine, or several, and everything that goes wrong meanwhile.
func (w *world) visit(r *rand.Rand, n int) {
	w.troubleInTheMachine(r)
	w.troubleAtGlase(r)
	w.troubleAround(r)
	crowd := 1
	if r.IntN(3) == 0 {
		crowd = 2
	}
	for c := range crowd {
		own := rand.New(rand.NewPCG(r.Uint64(), 4))
		w.people.Go(func() {
			if c > 0 {
				time.Sleep(seconds(own, 20))
			}
			customer{w, own, fmt.Sprintf("customer %d.%d", n+1, c+1), fmt.Sprintf("4670000%02d%02d", n, c)}.visit()
		})
	}
	if r.IntN(4) == 0 {
		own := rand.New(rand.NewPCG(r.Uint64(), 5))
		w.people.Go(func() { w.idle(own) })
	}
	if r.IntN(6) == 0 {
		own := rand.New(rand.NewPCG(r.Uint64(), 6))
		w.people.Go(func() {
			time.Sleep(seconds(own, 40))
			w.door(seconds(own, 30))
		})
	}
	if w.restless && r.IntN(3) == 0 {
		own := rand.New(rand.NewPCG(r.Uint64(), 7))
		w.people.Go(func() {
			time.Sleep(seconds(own, 40))
			w.end(own.IntN(3))
		})
	}
	w.people.Wait()
	time.Sleep(seconds(r, 45))
}

// idle presses buttons for no reason.
func (w *world) idle(r *rand.Rand) {
	for range 1 + r.IntN(6) {
		time.Sleep(seconds(r, 12))
		w.press([]string{"A1", "A2", "cancel", "retry"}[r.IntN(4)])
	}
}

// door is a technician's short visit, who repairs what can be seen.
func (w *world) door(long time.Duration) {
	w.press("door")
	time.Sleep(long)
	w.press("door")
}

// end is SIGKILL, the plug, or SIGTERM.
func (w *world) end(how int) {
	l := w.running()
	if l == nil {
		return
	}
	if how == 2 {
		w.diary.note("the kiosk is told to end")
		w.harm.ended(false)
		l.stop()
		return
	}
	w.mu.Lock()
	l.power = how == 1
	w.mu.Unlock()
	l.gate.kill()
}

func (w *world) press(button string) {
	w.diary.note("somebody presses %s", button)
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
	c.wait(6)
	c.pay(ref)
	if c.world.o.Flow == string(fsm.Reservation) {
		c.take()
		return
	}
	for range c.r.IntN(3) { // waits for it, and does something meanwhile
		c.wait(25)
		c.world.press([]string{"A1", "A2", "cancel", "retry", "retry"}[c.r.IntN(5)])
	}
}

// reserve scans the machine's QR, with a nervous finger perhaps.
func (c customer) reserve() string {
	offer := money.Amount{Minor: int64(1000 + c.r.IntN(12000)), Currency: "SEK"}
	for range 1 + c.r.IntN(2) {
		i, err := c.world.glase.Scan(context.Background(), glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"), Amount: offer, MSISDN: c.phone})
		if err == nil {
			c.note("has a reservation to confirm")
			return i.Reference
		}
		c.note("scans: %v", err)
		c.wait(5)
	}
	return ""
}

// chooseFirst presses a product and scans what is to be paid.
func (c customer) chooseFirst() string {
	if c.chance(90) {
		slot := slots[c.r.IntN(len(slots))]
		c.note("chooses %s", slot)
		c.world.press(slot)
	}
	for range 1 + c.r.IntN(4) {
		c.wait(3)
		qr := "HTTP://SEQR.SE/Q" + sticker
		if c.world.o.Flow != string(fsm.Sticker) {
			qr = c.world.shows().QR
		}
		if qr == "" {
			continue
		}
		i, err := c.world.glase.Scan(context.Background(), glasetest.Scan{QR: qr, MSISDN: c.phone})
		if err == nil {
			return i.Reference
		}
		c.note("scans: %v", err)
	}
	return ""
}

// pay decides at the phone.
func (c customer) pay(ref string) {
	switch n := c.r.IntN(100); {
	case n < 8:
		_, err := c.world.glase.CancelOnPhone(ref)
		c.note("cancels on the phone: %v", err)
	case n < 16:
		c.note("walks away")
		return
	case n < 24:
		c.note("presses cancel at the same time")
		c.world.press("cancel")
		if c.chance(50) {
			time.Sleep(time.Duration(c.r.IntN(400)) * time.Millisecond)
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

// take chooses within the reservation.
func (c customer) take() {
	for range c.r.IntN(4) {
		c.wait(6)
		slot := slots[c.r.IntN(len(slots))]
		c.note("chooses %s", slot)
		c.world.press(slot)
		if c.chance(20) {
			time.Sleep(seconds(c.r, 1))
			c.world.press(slots[c.r.IntN(len(slots))])
		}
	}
	if c.chance(40) {
		c.wait(8)
		c.world.press("cancel")
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
	qr := ups.StaticQR("public_test_shop", "123456")
	if w.o.Flow != string(fsm.Reservation) {
		w.press("A2")
		time.Sleep(2 * time.Second)
		if qr = w.shows().QR; w.o.Flow == string(fsm.Sticker) {
			qr = "HTTP://SEQR.SE/Q" + sticker
		}
	}
	i, err := w.glase.Scan(context.Background(), glasetest.Scan{QR: qr, Amount: money.Amount{Minor: 2250, Currency: "SEK"}})
	if err == nil {
		_, err = w.glase.Confirm(i.Reference, "1234")
	}
	if err != nil {
		s := w.shows()
		w.referee.violated("after all troubles the machine does not sell: %v; it shows %v %s", err, s.Kind, s.Why)
		return
	}
	time.Sleep(3 * time.Second)
	if w.o.Flow == string(fsm.Reservation) {
		w.press("A2")
	}
	w.settle()
	sales := w.store.sales()
	if last := sales[len(sales)-1]; len(sales) != before+1 || last.State != string(fsm.Charged) || w.dropped()["A2"] != sold+1 {
		w.referee.violated("after all troubles an honest sale ends as: %s", brief(last))
	}
}
