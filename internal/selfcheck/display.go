package selfcheck

import (
	"errors"
	"sync"
	"time"

	"kioskd/hw/display"
	"kioskd/internal/debug/api"
)

// Driver shows screens, as the drivers of package display do.
type Driver interface {
	Show(display.Screen) error
	Close() error
}

// Redrawn is a display that a self-test can have draw its picture again: one that has lost its cable since it drew last
// says so then, and not to the next customer.
type Redrawn struct {
	Driver
	drawing sync.Mutex // held while the driver draws
	last    *display.Screen
}

// Show draws a picture.
func (r *Redrawn) Show(s display.Screen) error {
	r.drawing.Lock()
	defer r.drawing.Unlock()
	r.last = &s
	return r.Driver.Show(s)
}

// again draws the last picture again, if there was one.
func (r *Redrawn) again() error {
	r.drawing.Lock()
	defer r.drawing.Unlock()
	if r.last == nil {
		return nil
	}
	return r.Driver.Show(*r.last)
}

// drawMax is longer than any display takes for a picture, and for the one before it; electronic paper takes seconds.
const drawMax = 20 * time.Second

var errDraws = errors.New("a picture takes longer than 20 s")

// redraw has the display draw again; "": it does, or cannot be asked to. One that hangs is not asked a second time.
func (t *Tester) redraw() (failed string) {
	r, ok := t.c.Screen.(*Redrawn)
	if !ok {
		return ""
	}
	if t.drawn == nil {
		t.drawn = make(chan error, 1)
		go func(answer chan<- error) { answer <- r.again() }(t.drawn)
	}
	late := time.NewTimer(drawMax)
	defer late.Stop()
	err := errDraws
	select {
	case err = <-t.drawn:
		t.drawn = nil
	case <-late.C:
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// display looks whether the display draws.
func (t *Tester) display(p api.Part) api.Check {
	c := api.Check{Name: "display", OK: p.OK, Says: p.What, Do: p.Do}
	if failed := t.redraw(); failed != "" {
		c.OK, c.Says, c.Do = false, failed, "look at the display's cable and at [display]"
	}
	return c
}
