package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/hw/w1"
	"kioskd/internal/config"
	"kioskd/internal/debug"
)

const (
	measureEvery = 30 * time.Second // a machine full of bottles does not get warm faster, and each look wakes the processor
	measureMax   = 10 * time.Second // a sensor takes one second; the kernel may hang on a broken bus
)

var errBusHangs = errors.New("the sensor takes longer than 10 s: look at its cable")

// thermostat says whether perishable products were kept as they should. It knows no clock and no sensor.
type thermostat struct {
	config.Temperature
	good bool      // they can be sold
	ever bool      // there was a reading
	well time.Time // good: when they were last known to be within their limits
}

// reading is what the sensor says now. They are sold from the first reading within the limits on; no more when none was within them
// for the hold time; and again once one is well within them.
func (s *thermostat) reading(celsius float64, err error, at time.Time) {
	margin := config.Hysteresis
	if s.good || !s.ever {
		margin = 0
	}
	within := err == nil && celsius >= s.Min+margin && celsius <= s.Max-margin
	s.ever = s.ever || err == nil
	switch {
	case within:
		s.good, s.well = true, at
	case s.good && at.Sub(s.well) > s.Hold:
		s.good = false
	}
}

// cold keeps perishable slots closed while their products may not be sold.
type cold struct {
	devices fs.FS
	kiosk   interface {
		Raise(fsm.Fault)
		Clear(string)
	}
	fault fsm.Fault
	log   func(celsius float64, err error, good bool)

	mu      sync.Mutex
	state   thermostat
	celsius float64 // the last reading
	at      time.Time
	err     error // why there is none newer
}

// temperature follows the sensor, when there is one.
func (a *App) temperature(devices fs.FS) []contact {
	t := a.cfg.Temperature
	if t.Sensor == "" {
		return nil
	}
	if devices == nil {
		devices = os.DirFS(w1.Folder)
	}
	c := &cold{devices: devices, kiosk: a.Kiosk, fault: fsm.Fault{Name: fsm.FaultTooWarm}, state: thermostat{Temperature: t}, log: func(celsius float64, err error, good bool) {
		a.log.Warn().Float64("celsius", celsius).AnErr("sensor", err).Bool("sold", good).Msg("perishable products")
	}}
	for _, s := range a.cfg.Slots {
		if s.Perishable {
			c.fault.Slots = append(c.fault.Slots, s.ID)
		}
	}
	a.vitals.cold = c
	return []contact{{"temperature", c.follow}}
}

// follow measures until ctx ends. Until the first reading nothing perishable is sold.
func (c *cold) follow(ctx context.Context) error {
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
				celsius, err := w1.Read(c.devices, c.state.Sensor)
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

func (c *cold) reading(celsius float64, err error) {
	c.mu.Lock()
	was, now := c.state.good, time.Now()
	c.state.reading(celsius, err, now)
	good := c.state.good
	if c.err = err; err == nil {
		c.celsius, c.at = celsius, now
	}
	c.mu.Unlock()
	if good != was {
		c.log(celsius, err, good)
		c.tell(good)
	}
}

// tell opens or closes the slots. A sensor without perishable slots only shows its temperature.
func (c *cold) tell(good bool) {
	switch {
	case len(c.fault.Slots) == 0:
	case good:
		c.kiosk.Clear(c.fault.Name)
	default:
		c.kiosk.Raise(c.fault)
	}
}

// now is the last reading, in °C; false: there was none, or the sensor is silent.
func (c *cold) now() (celsius float64, known bool) {
	if c == nil {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.celsius, c.err == nil && !c.at.IsZero()
}

// part is for the technicians' page.
func (c *cold) part(wall time.Time) debug.Part {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := debug.Part{Name: "Temperature", OK: c.state.good, What: "not measured yet", Do: "look at the cooling: perishable products are sold again once it is well within its limits"}
	if !c.at.IsZero() {
		p.What, p.Since = fmt.Sprintf("%.1f °C", c.celsius), wall.Add(-time.Since(c.at))
	}
	if c.err != nil {
		p.OK, p.What, p.Do = false, c.err.Error(), "look at the sensor, its cable and [temperature] sensor"
	}
	if p.OK {
		p.Do = ""
	}
	return p
}
