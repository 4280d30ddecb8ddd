package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"kioskd/hw/wire"
	"kioskd/internal/debug/api"
)

// missing is no error for a file that is not there.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// look makes all checks. whole is false when somebody was served meanwhile: what a customer does looks like a fault.
func (t *Tester) look(ctx context.Context) (outcome api.SelfTest, whole bool) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	served := make(chan struct{})
	go func() {
		defer close(served)
		look := time.NewTicker(busyLook)
		defer look.Stop()
		for {
			if !still(t.c.State()) {
				cancel()
			}
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	outcome = api.SelfTest{At: t.c.Wall().UTC(), OK: true}
	for _, check := range []func(context.Context) []api.Check{t.sensors, t.relays, t.parts, t.pages} {
		if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) || !still(t.c.State()) {
			cancel()
			<-served
			return outcome, false
		}
		outcome.Checks = append(outcome.Checks, check(ctx)...)
	}
	whole = still(t.c.State()) && !errors.Is(ctx.Err(), context.Canceled)
	cancel()
	<-served
	for _, c := range outcome.Checks {
		outcome.OK = outcome.OK && c.OK
	}
	return outcome, whole
}

// rests says of what is on while nobody is served only if something is broken. A home switch and a locker's contact may
// stand either way, and the service door has its own reason not to sell.
func rests(r wire.Role) bool {
	switch r {
	case wire.Drop, wire.Button, wire.Cancel, wire.Retry, wire.Tilt, wire.KeypadColumn:
		return true
	}
	return false
}

// levels are the machine's pins with their roles.
func (t *Tester) levels() map[string]api.Pin {
	all := map[string]api.Pin{}
	for _, p := range t.c.Pins() {
		all[p.Name] = p
	}
	return all
}

// sensors looks whether each input is at rest.
func (t *Tester) sensors(context.Context) []api.Check {
	levels, n := t.levels(), 0
	var stuck []string
	for _, w := range t.c.Machine.Wires() {
		f := w.Role.Facts()
		if f.Output {
			continue
		}
		n++
		p, ok := levels[w.Pin]
		switch {
		case !ok:
			stuck = append(stuck, fmt.Sprintf("%s %s (%s) cannot be read", w.Slot, f.Name, w.Pin))
		case rests(w.Role) && p.Active:
			stuck = append(stuck, fmt.Sprintf("%s %s (%s) is %s while nobody is served", w.Slot, f.Name, w.Pin, f.On))
		}
	}
	return one("sensors", n, "sensors and buttons are at rest", stuck,
		"look at them, and at their cables: kioskd sensors")
}

// relays looks whether each output is off by the line's own level, and held by the daemon. It drives none.
func (t *Tester) relays(context.Context) []api.Check {
	levels, n := t.levels(), 0
	var bad []string
	held := map[string]string{}
	if t.c.Lines != nil {
		uses, err := t.c.Lines()
		if err != nil {
			bad = append(bad, "the kernel does not say who holds the lines: "+err.Error())
		}
		for _, u := range uses {
			if held[u.Pin] = u.By; u.Err != nil {
				bad = append(bad, u.Err.Error())
			}
		}
	}
	for _, w := range t.c.Machine.Wires() {
		f := w.Role.Facts()
		if !f.Output || w.Role == wire.KeypadRow { // which is scanned all the time
			continue
		}
		n++
		p, ok := levels[w.Pin]
		by, told := held[w.Pin]
		switch {
		case !ok:
			bad = append(bad, fmt.Sprintf("%s %s (%s) cannot be read", w.Slot, f.Name, w.Pin))
		case p.Active:
			bad = append(bad, fmt.Sprintf("%s %s (%s) is on while nobody is served", w.Slot, f.Name, w.Pin))
		case told && by != "kioskd":
			bad = append(bad, fmt.Sprintf("%s %s (%s) is held by %q and not by kioskd", w.Slot, f.Name, w.Pin, by))
		}
	}
	return one("relays", n, "relays' lines are off, and ours", bad,
		"cut the power of the motors, and look at what else uses the pins: kioskd doctor")
}

// one is a check of several things of a kind; none of a machine that has none of them.
func one(name string, n int, fine string, bad []string, do string) []api.Check {
	switch {
	case len(bad) > 0:
		return []api.Check{{Name: name, Says: strings.TrimSpace(strings.Join(bad, "; ")), Do: do}}
	case n == 0:
		return nil
	}
	return []api.Check{{Name: name, OK: true, Says: fmt.Sprintf("%d %s", n, fine)}}
}

// parts takes what the machine's own parts say: the display, by a picture, boards, which are asked again and
// again, a printer, a thermometer, the computer. What is outside of the cabinet is no matter of a self-test.
func (t *Tester) parts(context.Context) (all []api.Check) {
	outside := []string{"Glase", "UPS", "Clock", "Fleet", Name}
	for _, p := range t.c.Parts() {
		if slices.Contains(outside, p.Name) {
			continue
		}
		if p.Name == "Display" {
			all = append(all, t.display(p))
			continue
		}
		all = append(all, api.Check{Name: strings.ToLower(p.Name), OK: p.OK, Says: p.What, Do: p.Do})
	}
	return all
}

// pages has SQLite look at the journal's pages.
func (t *Tester) pages(ctx context.Context) []api.Check {
	if t.c.Journal == nil {
		return nil
	}
	const name = "journal's pages"
	if err := t.c.Journal(ctx); err != nil {
		return []api.Check{{Name: name, Says: err.Error(),
			Do: "save the record: kioskd export; look at dmesg: does the card fail?"}}
	}
	return []api.Check{{Name: name, OK: true, Says: "each is as SQLite wrote it"}}
}
