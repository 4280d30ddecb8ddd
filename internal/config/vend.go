package config

import "time"

// spiral reads what a spiral with a home switch has besides.
func (t *table) spiral(v *Vend) {
	t.pin("home", &v.Home)
	t.flag("retry_turn", &v.RetryTurn)
	if v.RetryTurn {
		t.need("home", `"GPIO4"`, "retry_turn = true needs the switch that says that there was a whole turn")
	}
}

const (
	closeMin     = time.Second
	closeMax     = 5 * time.Minute
	closeDefault = 30 * time.Second
	pulseMin     = 50 * time.Millisecond // no bolt is faster
	pulseMax     = 5 * time.Second       // what needs longer is no pulse
)

// locker reads what a locker has besides its relay.
func (t *table) locker(s *Slot) {
	v := &s.Vend
	t.pin("opened", &v.Opened)
	t.duration("pulse", &v.Pulse, pulseMin, pulseMax)
	if v.Pulse >= s.MaxOn && v.Pulse > 0 && s.MaxOn > 0 {
		t.fail("pulse", "%q is not less than the slot's max_on, %q, which is how long the customer has to open the door: lower the one or raise the other",
			short(v.Pulse), short(s.MaxOn))
	}
	if v.Driver == "lock" {
		v.Close = closeDefault
	}
	t.duration("close", &v.Close, closeMin, closeMax)
}

// leaveOut reports keys that the table's driver does not have.
func (t *table) leaveOut(keys ...string) {
	driver, _ := t.values["driver"].(string)
	for _, key := range keys {
		if t.has(key) {
			t.fail(key, "is not for driver %s: leave it out", quote(driver))
		}
	}
}
