package app

import (
	"context"
	"io/fs"
	"os"
	"time"

	"kioskd/hw/display"
	"kioskd/hw/w1"
	"kioskd/internal/cold"
	"kioskd/internal/debug"
	"kioskd/internal/hardware"
	"kioskd/internal/health"
)

// parts says how each of the machine's parts is, for a technician.
func (a *App) parts() []debug.Part {
	state := a.Kiosk.State()
	var customers func(time.Time) debug.Part
	if a.UPS != nil {
		customers = func(scanned time.Time) debug.Part { return a.door.Part(a.cfg.UPS, state, scanned) }
	}
	all := a.vitals.Parts(state, a.journal != nil, customers)
	if a.cold != nil {
		all = append(all, a.cold.Part())
	}
	all = append(all, a.boards.Parts()...)
	if a.seller != nil {
		all = append(all, a.seller.Part())
	}
	all = append(all, a.desk.Parts()...)
	all = append(all, a.tester.Parts()...)
	all = append(all, a.fleet.Parts(context.Background())...)
	return append(all, a.certs.Parts(a.clock.Wall())...)
}

// levels says how each pin of the config is now.
func (a *App) levels() []debug.Pin { return health.Pins(a.cfg, a.pins.Readings(), a.clock.Wall()) }

// words are what the customer reads now.
func (a *App) words() debug.Screen {
	shown := a.front.Screen()
	c := display.Text(shown)
	s := debug.Screen{Title: c.Title, Lines: []string{}, List: []debug.Entry{}, QR: shown.QR, Page: shown.Page}
	for _, line := range append(c.Lines, c.Notice, c.Time, c.Hint, c.Support, c.Test) {
		if line != "" {
			s.Lines = append(s.Lines, line)
		}
	}
	for _, e := range c.List {
		s.List = append(s.List, debug.Entry{Slot: e.Key, Name: e.Name, Price: e.Price})
	}
	return s
}

// celsius is what perishable products stand in; false: nobody measures it.
func (a *App) celsius() (float64, bool) {
	if a.cold == nil {
		return 0, false
	}
	return a.cold.Celsius()
}

// temperature makes the guard of perishable products, when there is a sensor.
func (a *App) temperature(devices fs.FS) []hardware.Contact {
	t := a.cfg.Temperature
	if t.Sensor == "" {
		return nil
	}
	if devices == nil {
		devices = os.DirFS(w1.Folder)
	}
	c := cold.Config{Devices: devices, Temperature: t, Now: a.clock.Now, Wall: a.clock.Wall,
		Raise: a.Kiosk.Raise, Clear: a.Kiosk.Clear, Log: a.log}
	for _, s := range a.cfg.Slots {
		if s.Perishable {
			c.Slots = append(c.Slots, s.ID)
		}
	}
	a.cold = cold.New(c)
	return []hardware.Contact{{Name: "temperature", Follow: a.cold.Run}}
}
