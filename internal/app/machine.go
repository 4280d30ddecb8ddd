package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"periph.io/x/conn/v3/gpio"

	"kioskd/fsm"
	pins "kioskd/hw/gpio"
	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend"
	"kioskd/internal/config"
	"kioskd/internal/kiosk"
	"kioskd/internal/planogram"
)

// contactHold is how long a button or a door must stand still to count; a finger stays longer, a bounce does not.
const contactHold = 20 * time.Millisecond

// pinConfig says which pins the config uses, and for a simulated machine what is wired to them.
func pinConfig(cfg config.Config, p Parts) pins.Config {
	g := cfg.GPIO
	pc := pins.Config{Driver: g.Driver, Device: g.Device, Board: Wiring(cfg), Physics: p.Physics, Made: p.Board}
	input := func(name string) {
		if name != "" {
			pc.Inputs = append(pc.Inputs, name)
		}
	}
	for _, s := range cfg.Slots {
		pc.Outputs = append(pc.Outputs, pins.Output{Pin: s.Vend.Relay, MaxOn: s.MaxOn})
		input(s.Vend.Drop)
		input(s.Button)
	}
	for _, name := range []string{g.Door, g.Tilt, g.Cancel, g.Retry} {
		input(name)
	}
	return pc
}

// simulated gives a simulated machine the parts of its front that the config names no pin for: they cost nothing there.
func simulated(cfg config.Config) config.Config {
	if cfg.GPIO.Driver != "sim" {
		return cfg
	}
	for pin, name := range map[*string]string{&cfg.GPIO.Cancel: "SIM-CANCEL", &cfg.GPIO.Retry: "SIM-RETRY", &cfg.GPIO.Door: "SIM-DOOR"} {
		if *pin == "" {
			*pin = name
		}
	}
	return cfg
}

// Wiring is the config's machine as a simulated board is built from it.
func Wiring(cfg config.Config) simboard.Wiring {
	cfg = simulated(cfg)
	w := simboard.Wiring{Door: cfg.GPIO.Door, Cancel: cfg.GPIO.Cancel, Retry: cfg.GPIO.Retry, Tilt: cfg.GPIO.Tilt}
	for _, s := range cfg.Slots {
		w.Slots = append(w.Slots, simboard.Slot{ID: s.ID, Relay: s.Vend.Relay, Drop: s.Vend.Drop, Button: s.Button})
	}
	return w
}

// OutputsOff makes the config's outputs inactive, and says how many they are. The config may have mistakes: each output that it
// names counts, once.
func OutputsOff(cfg config.Config) (int, error) {
	pc := pins.Config{Driver: cfg.GPIO.Driver, Device: cfg.GPIO.Device}
	if pc.Driver == "sim" && pc.Device == "" {
		return len(cfg.Slots), nil // a board in the daemon's own process ends with it
	}
	for _, s := range cfg.Slots {
		o := pins.Output{Pin: s.Vend.Relay, MaxOn: pins.OnMax}
		if o.Pin != "" && !slices.Contains(pc.Outputs, o) {
			pc.Outputs = append(pc.Outputs, o)
		}
	}
	p, err := pins.Open(pc)
	if err != nil {
		return 0, err
	}
	return len(pc.Outputs), p.Close()
}

// motors are the machine's dispensers.
type motors struct {
	relays map[string]*vend.Relay
	pins   *pins.Pins
	log    zerolog.Logger
	halted atomic.Bool

	mu    sync.Mutex
	stops map[string]context.CancelFunc // of the vends that are on
}

// dispensers makes a dispenser for each slot, and the products that they hold.
func dispensers(cfg config.Config, p *pins.Pins, log zerolog.Logger) (*motors, []planogram.Product, error) {
	d := &motors{relays: map[string]*vend.Relay{}, pins: p, log: log, stops: map[string]context.CancelFunc{}}
	var products []planogram.Product
	for _, s := range cfg.Slots {
		motor, err := p.Output(s.Vend.Relay)
		if err != nil {
			return nil, nil, err
		}
		drop, err := p.Input(s.Vend.Drop)
		if err != nil {
			return nil, nil, err
		}
		r := &vend.Relay{Motor: motor, Drop: drop, MaxOn: s.MaxOn}
		if err := r.Check(); err != nil {
			return nil, nil, err
		}
		d.relays[s.ID] = r
		products = append(products, planogram.Product{Slot: s.ID, Name: s.Name, Price: s.Price, VAT: s.VAT, EAN: s.EAN, MaxVend: s.MaxOn + 2*vend.SettleDefault})
	}
	return d, products, nil
}

// Vend implements kiosk.Dispenser.
func (d *motors) Vend(ctx context.Context, item fsm.Item) (fsm.ItemOutcome, string) {
	r := d.relays[item.Slot]
	if r == nil {
		return fsm.NotDelivered, "no_such_slot"
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	d.mu.Lock()
	d.stops[item.ID] = stop
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.stops, item.ID)
		d.mu.Unlock()
	}()
	if d.halted.Load() {
		return fsm.NotDelivered, vend.WhyStopped
	}
	got := r.Vend(ctx)
	if got.Err != nil {
		d.log.Error().Err(got.Err).Str("slot", item.Slot).Msg("vend")
	}
	return fsm.ItemOutcome(got.Outcome), got.Why
}

// Halt implements kiosk.Dispenser: motors off, now and until the next start.
func (d *motors) Halt() error {
	d.halted.Store(true)
	d.mu.Lock()
	for _, stop := range d.stops {
		stop()
	}
	d.mu.Unlock()
	return d.pins.AllOff()
}

// contact is a button or a switch, and what follows from it.
type contact struct {
	name   string
	follow func(ctx context.Context) error
}

// wire connects buttons and switches to the kiosk.
func wire(cfg config.Config, p *pins.Pins, k *kiosk.Kiosk) ([]contact, error) {
	var all []contact
	button := func(name, pin string, press func() bool) error {
		if pin == "" {
			return nil
		}
		in, err := p.Input(pin)
		if err != nil {
			return err
		}
		all = append(all, contact{name, func(ctx context.Context) error {
			return pins.Presses(ctx, in, contactHold, func(e pins.Press) {
				if e == pins.Pressed {
					press()
				}
			})
		}})
		return nil
	}
	// A switch whose line is at its bad level stands against selling.
	guard := func(fault fsm.Fault, pin string, bad gpio.Level) error {
		if pin == "" {
			return nil
		}
		in, err := p.Input(pin)
		if err != nil {
			return err
		}
		all = append(all, contact{fault.Name, func(ctx context.Context) error {
			return pins.Watch(ctx, in, contactHold, func(l gpio.Level) {
				if l == bad {
					k.Raise(fault)
				} else {
					k.Clear(fault.Name)
				}
			})
		}})
		return nil
	}
	var errs []error
	for _, s := range cfg.Slots {
		errs = append(errs, button(s.ID, s.Button, func() bool { return k.Choose(s.ID) }))
	}
	errs = append(errs, button("cancel", cfg.GPIO.Cancel, k.Cancel), button("retry", cfg.GPIO.Retry, k.Retry),
		guard(fsm.Fault{Name: fsm.FaultDoor, Hard: true}, cfg.GPIO.Door, gpio.High), // a cut wire reads as an open door
		guard(fsm.Fault{Name: "tilt"}, cfg.GPIO.Tilt, gpio.Low))
	return all, errors.Join(errs...)
}

// follow watches all contacts until ctx ends. One that cannot be watched any more takes the machine out of service.
func (a *App) follow(ctx context.Context) {
	var wg sync.WaitGroup
	for _, c := range a.contacts {
		wg.Go(func() {
			if err := c.follow(ctx); err != nil && ctx.Err() == nil {
				a.log.Error().Err(err).Str("contact", c.name).Msg("cannot be watched")
				a.Kiosk.Raise(fsm.Fault{Name: "hardware", Hard: true})
			}
		})
	}
	wg.Wait()
}
