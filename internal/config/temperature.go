package config

import (
	"fmt"
	"regexp"
	"time"
)

// Temperature is what perishable products need. Without a sensor there is none.
type Temperature struct {
	Sensor   string        // a DS18B20's id, as the kernel's folder is called: "28-0316a2795caf"; or ""
	Max, Min float64       // °C that perishable products may have
	Hold     time.Duration // how long they may be warmer or colder, or the sensor silent, before they are sold no more
}

const (
	coldest, warmest = -55.0, 85.0 // °C: what the sensor measures
	holdMin, holdMax = time.Minute, 24 * time.Hour
	holdDefault      = 15 * time.Minute // longer than a technician fills the machine with its door open
)

// isSensor is the name of a temperature sensor on the kernel's 1-Wire bus, by the families that its driver knows.
var isSensor = regexp.MustCompile(`^(10|22|28|3b|42)-[0-9a-f]{12}$`)

func (t *table) temperature(p *Temperature, slots []Slot) {
	t.text("sensor", &p.Sensor, func(s string) string {
		if !isSensor.MatchString(s) {
			return fmt.Sprintf(
				"%s is no temperature sensor: write the name of its folder in /sys/bus/w1/devices, like "+
					"\"28-0316a2795caf\"", quote(s))
		}
		return ""
	})
	t.degrees("max", &p.Max)
	t.degrees("min", &p.Min)
	t.duration("hold", &p.Hold, holdMin, holdMax)
	if len(t.values) > 0 {
		t.need("sensor", `"28-0316a2795caf"`, "the sensor's id, the name of its folder in /sys/bus/w1/devices")
		t.need("max", "8", "the warmest in °C that perishable products may have")
		if t.has("max") && p.Min+2*Hysteresis > p.Max {
			t.fail("max", "%g is not above min, %g, by at least %g: raise the one or lower the other", p.Max, p.Min,
				2*Hysteresis)
		}
		return
	}
	for _, s := range slots {
		if s.Perishable {
			t.need("sensor", `"28-0316a2795caf"`, "slot "+s.ID+" is perishable")
			return
		}
	}
}

// Hysteresis is how far within its limits, in °C, a temperature must be to be good again.
const Hysteresis = 0.5

// degrees reads a temperature in °C.
func (t *table) degrees(key string, to *float64) {
	v, ok := t.get(key)
	if !ok {
		return
	}
	var degrees float64
	switch n := v.(type) {
	case int64:
		degrees = float64(n)
	case float64:
		degrees = n
	default:
		t.fail(key, "is %s: write %s = 8, °C without quotes", kind(v), key)
		return
	}
	if !(degrees >= coldest && degrees <= warmest) { // also what is no number
		t.fail(key, "%g is out of range: write %g to %g", degrees, coldest, warmest)
		return
	}
	*to = degrees
}
