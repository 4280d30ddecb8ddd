package vend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/internal/reason"
)

// latch is what a drop sensor says during one vend: the first edge is the product, at once, however short its pulse;
// every edge within the dead time of the one before is the same product. It knows no clock and no pin.
type latch struct {
	dead time.Duration
	seen bool
	more bool // an edge came so late that it is another product
	last time.Time
}

// edge is one edge of the sensor.
func (l *latch) edge(at time.Time) {
	l.more = l.more || l.seen && at.Sub(l.last) >= apart
	l.seen, l.last = true, at
}

// quiet says whether the product is through.
func (l *latch) quiet(at time.Time) bool { return l.seen && at.Sub(l.last) >= l.dead }

// turn is one vend from the motor's start on.
type turn struct {
	*Relay
	settle time.Duration
	drop   latch
	home   home
	on     bool  // the motor is
	sensor error // why the sensor is believed no longer
	relay  error // why the relay is
	lost   error // why the home switch is
}

func (t *turn) vend(ctx context.Context) Result {
	t.drop.dead = deadTime
	if t.Home != nil {
		t.drop.dead = second
	}
	why := t.once(ctx)
	if t.RetryTurn && why == WhyEmpty && t.relay == nil && t.silent() && ctx.Err() == nil {
		why = t.once(ctx)
	}
	return t.result(why)
}

// once is one run of the motor, and the wait for what it pushed out.
func (t *turn) once(ctx context.Context) (why reason.Why) {
	why = t.run(ctx)
	if t.sensor == nil && !t.drop.seen {
		t.await(context.Background(), t.settle) // the motor is off; a stopped program still wants to know
	}
	if t.sensor == nil && t.drop.seen {
		t.release()
	} else if t.sensor == nil {
		t.prove()
	}
	return why
}

// silent reports whether a sensor that works has seen nothing, until now.
func (t *turn) silent() bool {
	if t.sensor == nil && !t.drop.seen && t.Drop.WaitForEdge(0) {
		t.drop.edge(time.Now()) // it fell while the sensor was asked whether it works
		t.release()
	}
	return t.sensor == nil && !t.drop.seen
}

func (t *turn) result(why reason.Why) Result {
	switch {
	case t.sensor != nil && t.relay != nil:
		return Result{Unknown, WhyRelayFault, errors.Join(t.relay, t.sensor)}
	case errors.Is(t.sensor, errStuck):
		return Result{Unknown, WhyStuckSensor, t.sensor}
	case t.sensor != nil:
		return Result{Unknown, WhySensorFault, t.sensor}
	case t.drop.seen && t.relay != nil:
		return Result{Delivered, WhyRelayFault, t.relay}
	case t.drop.seen:
		return Result{Delivered, t.flaw(why), t.lost}
	case t.relay != nil:
		return Result{Unknown, WhyRelayFault, t.relay}
	}
	if t.lost != nil {
		why = WhyHomeFault
	}
	return Result{NotDelivered, why, t.lost}
}

var errStuck = errors.New("stays active")

// run has the motor on until a product falls, its time is up, ctx ends or the sensor fails. The motor is off when it
// returns, by whatever way.
func (t *turn) run(ctx context.Context) (why reason.Why) {
	defer func() { // also for the panic of a driver
		t.on = false
		t.relay = errors.Join(t.relay, t.off())
	}()
	t.begin()
	if err := t.Motor.Out(gpio.High); err != nil {
		t.relay = fmt.Errorf("vend: %s cannot be switched on: %w", t.Motor.Name(), err) // and yet it may be on
		return WhyRelayFault
	}
	t.await(ctx, t.MaxOn)
	if ctx.Err() != nil {
		return WhyStopped
	}
	return t.came()
}

// over reports whether what is waited for has come: a product, or while a spiral with a home switch turns, its home.
func (t *turn) over() bool {
	if t.Home == nil || !t.on {
		return t.drop.seen
	}
	return t.home.reached || t.drop.more || t.drop.seen && !t.home.left
}

// await waits for that until the time is up, ctx ends or the sensor fails.
func (t *turn) await(ctx context.Context, d time.Duration) {
	for end := time.Now().Add(d); !t.over() && t.sensor == nil && ctx.Err() == nil; {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		t.listen(min(left, glance))
		t.look()
	}
}

// listen waits for an edge. A wait that ends early without one means that the line is gone, or that another program has
// set it up for itself. Setting it up again tells which of the two, and the level then tells what was missed.
func (t *turn) listen(d time.Duration) {
	began := time.Now()
	if t.Drop.WaitForEdge(d) {
		t.drop.edge(time.Now())
		return
	}
	if time.Since(began) >= d/2 {
		return
	}
	if t.sensor = t.arm(); t.sensor != nil {
		return
	}
	if t.Drop.Read() == gpio.Low {
		t.drop.edge(time.Now())
	}
	time.Sleep(d) // so that a driver that never waits costs no whole processor
}

// release waits until the product has left the sensor: a sensor that stays active saw something, but nobody knows what,
// and a bouncing one must be quiet before the next vend may begin.
func (t *turn) release() {
	for end := time.Now().Add(t.settle + t.drop.dead); t.sensor == nil; {
		now := time.Now()
		if t.drop.quiet(now) && t.Drop.Read() == gpio.High {
			t.prove()
			return
		}
		if !now.Before(end) {
			t.sensor = fmt.Errorf("vend: drop sensor %s %w", t.Drop.Name(), errStuck)
			return
		}
		t.listen(glance)
	}
}

// prove asks the sensor whether it still works: reading it cannot fail, setting it up can.
func (t *turn) prove() {
	if t.sensor = t.arm(); t.sensor == nil && t.Drop.Read() == gpio.Low {
		t.sensor = fmt.Errorf("vend: drop sensor %s %w", t.Drop.Name(), errStuck)
	}
}
