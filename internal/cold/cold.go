// Package cold keeps perishable products from being sold while they are not kept as they should.
//
// A sensor is read twice a minute. What it says, and for how long it has said so, decides whether the slots that hold
// perishable products are open. A silent sensor is as bad as a warm one.
package cold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/hw/w1"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/reason"
)

const (
	// a machine full of bottles does not get warm faster, and each look wakes the processor
	measureEvery = 30 * time.Second
	measureMax   = 10 * time.Second // a sensor takes one second; the kernel may hang on a broken bus
)

var errBusHangs = errors.New("the sensor takes longer than 10 s: look at its cable")

// thermostat says whether perishable products were kept as they should. It knows no clock and no sensor.
type thermostat struct {
	config.Temperature
	good bool        // they can be sold
	ever bool        // there was a reading
	well fsm.Instant // good: when they were last known to be within their limits
}

// reading is what the sensor says now. They are sold from the first reading within the limits on; no more when none was
// within them for the hold time; and again once one is well within them.
func (s *thermostat) reading(celsius float64, err error, at fsm.Instant) {
	margin := config.Hysteresis
	if s.good || !s.ever {
		margin = 0
	}
	within := err == nil && celsius >= s.Min+margin && celsius <= s.Max-margin
	s.ever = s.ever || err == nil
	switch {
	case within:
		s.good, s.well = true, at
	case s.good && at.Since(s.well) > s.Hold:
		s.good = false
	}
}

// Config is what a Guard is made of. All of it is required but Slots.
type Config struct {
	Devices     fs.FS // the kernel's 1-Wire sensors, as in w1.Folder
	Temperature config.Temperature
	Slots       []string               // that hold perishable products; none: the sensor only shows its temperature
	Now         func() fsm.Instant     // a clock that nobody sets
	Wall        func() time.Time       // for people
	Raise       func(fsm.Fault)        // closes the slots
	Clear       func(fault reason.Why) // opens them
	Log         zerolog.Logger
}

// Guard keeps perishable slots closed while their products may not be sold.
type Guard struct {
	cfg   Config
	fault fsm.Fault

	mu      sync.Mutex
	state   thermostat
	celsius float64 // the last reading
	at      fsm.Instant
	ever    bool  // there was one
	err     error // why there is none newer
}

// New makes a guard; Run lets it work.
func New(c Config) *Guard {
	fault := fsm.Fault{Name: reason.TooWarm, Slots: c.Slots}
	return &Guard{cfg: c, fault: fault, state: thermostat{Temperature: c.Temperature}}
}

// Run measures until ctx ends, whose error it gives. Until the first reading nothing perishable is sold. Run may be
// called once.
func (c *Guard) Run(ctx context.Context) error {
	c.tell(false)
	type result struct {
		celsius float64
		err     error
	}
	var measuring chan result // nil: none is under way; one that hangs is not followed by another
	next := time.NewTicker(measureEvery)
	defer next.Stop()
	for {
		if measuring == nil {
			measuring = make(chan result, 1)
			go func(answer chan<- result) {
				celsius, err := w1.Read(c.cfg.Devices, c.state.Sensor)
				answer <- result{celsius, err}
			}(measuring)
		}
		late := time.NewTimer(measureMax)
		select {
		case r := <-measuring:
			measuring = nil
			c.reading(r.celsius, r.err)
		case <-late.C:
			c.reading(0, errBusHangs)
		case <-ctx.Done():
		}
		late.Stop()
		select {
		case <-next.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Guard) reading(celsius float64, err error) {
	c.mu.Lock()
	was, now := c.state.good, c.cfg.Now()
	c.state.reading(celsius, err, now)
	good := c.state.good
	if c.err = err; err == nil {
		c.celsius, c.at, c.ever = celsius, now, true
	}
	c.mu.Unlock()
	if good != was {
		c.cfg.Log.Warn().Float64("celsius", celsius).AnErr("sensor", err).Bool("sold", good).Msg("perishable products")
		c.tell(good)
	}
}

// tell opens or closes the slots. A sensor without perishable slots only shows its temperature.
func (c *Guard) tell(good bool) {
	switch {
	case len(c.fault.Slots) == 0:
	case good:
		c.cfg.Clear(c.fault.Name)
	default:
		c.cfg.Raise(c.fault)
	}
}

// Celsius is the last reading, in °C; false: there was none, or the sensor is silent.
func (c *Guard) Celsius() (celsius float64, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.celsius, c.err == nil && c.ever
}

// Part is how the products are kept, for a technician.
func (c *Guard) Part() debug.Part {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := debug.Part{Name: "Temperature", OK: c.state.good, What: "not measured yet",
		Do: "look at the cooling: perishable products are sold again once it is well within its limits"}
	if c.ever {
		p.What, p.Since = fmt.Sprintf("%.1f °C", c.celsius), c.cfg.Wall().Add(-c.cfg.Now().Since(c.at))
	}
	if c.err != nil {
		p.OK, p.What, p.Do = false, c.err.Error(), "look at the sensor, its cable and [temperature] sensor"
	}
	if p.OK {
		p.Do = ""
	}
	return p
}
