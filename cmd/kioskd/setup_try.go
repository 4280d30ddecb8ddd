package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kioskd/internal/setup"
)

// try tries what a section's answers are about.
func (i interview) try(ctx context.Context, s setup.Section) error {
	switch {
	case s.Name == "glase":
		return i.tryGlase(ctx)
	case s.Name == "display":
		return i.tryDisplay(ctx)
	case s.Slot() > 0:
		return i.trySlot(ctx, s)
	}
	return nil
}

func (i interview) tryGlase(ctx context.Context) error {
	cfg, _ := i.f.Trial() // what is not answered yet has nothing to do with it
	if cfg.Glase.TerminalID == "" && cfg.Glase.ResellerPasswordFile != "" {
		ok, err := i.yes(ctx, true, "Make a terminal for this machine at Glase now?")
		if err != nil {
			return err
		}
		if ok {
			id, err := i.acts.Register(ctx, cfg)
			if err != nil {
				i.say("  ✗ %s", printable(err.Error()))
				return i.reopen(ctx, "glase", true)
			}
			i.say("  ✓ This machine is terminal %s now.", printable(id))
		}
	}
	i.say("Asking Glase …")
	found := i.acts.Glase(ctx, cfg)
	for _, f := range found {
		mark := map[string]string{"ok": "✓", "fail": "✗"}[f.State]
		i.say("  %s %s", firstOf(mark, "!"), printable(f.Says))
		if f.Remedy != "" {
			i.say("    → %s", printable(f.Remedy))
		}
	}
	if setup.Failed(found) {
		return i.reopen(ctx, "glase", true)
	}
	return nil
}

// reopen asks whether a section's answers shall be given again.
func (i interview) reopen(ctx context.Context, section string, otherwise bool) error {
	again, err := i.yes(ctx, otherwise, "Answer this part again?")
	if err == nil && again {
		return i.f.Reopen(section)
	}
	return err
}

// pictureWithin is how long a display has to fail before it is said to show something.
const pictureWithin = time.Second

func (i interview) tryDisplay(ctx context.Context) error {
	cfg, _ := i.f.Trial()
	if cfg.Display.Driver == "none" || cfg.Display.Driver == "terminal" && cfg.Display.Device == "" {
		return nil
	}
	hold, shown := make(chan struct{}), make(chan error, 1)
	go func() { shown <- i.acts.Picture(cfg, hold) }()
	read, err := false, error(nil)
	select {
	case failed := <-shown: // at once
		shown <- failed
	case <-time.After(pictureWithin):
		read, err = i.yes(ctx, true, "The display shows what customers will see. Can it be read?")
	}
	close(hold)
	if err != nil {
		return err
	}
	if err := <-shown; err != nil {
		i.say("  ✗ %s", printable(err.Error()))
		read = false
	}
	if !read {
		return i.reopen(ctx, "display", true)
	}
	return nil
}

// trySlot lets the person see a slot's sensor and move its motor, as often as it takes.
func (i interview) trySlot(ctx context.Context, s setup.Section) error {
	prefix := fmt.Sprint("slot.", s.Slot(), ".")
	id := ""
	for _, q := range s.Questions {
		if q.Key == prefix+"id" {
			id = i.f.Value(q)
		}
	}
	for {
		fmt.Fprintf(i.out, "Try slot %s now? sensors: show its pins; move: its motor runs for one product; no: go on; "+
			"again: other answers [no]: ", id)
		text, err := i.read(ctx, false)
		if err != nil {
			return err
		}
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "", "no", "n":
			return nil
		case "again":
			return i.f.Reopen(s.Name)
		case "move":
			err = i.rehearsed(ctx, func(r *setup.Rehearsal) error { return i.move(ctx, r, id) })
		case "sensors":
			err = i.rehearsed(ctx, func(r *setup.Rehearsal) error { return i.watch(ctx, r, id) })
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			i.say("  ✗ %s", printable(err.Error()))
		}
	}
}

// rehearsed starts the machine as it is answered so far, for as long as do takes.
func (i interview) rehearsed(ctx context.Context, do func(*setup.Rehearsal) error) (err error) {
	r, err := i.f.Rehearse(ctx, i.acts)
	if err != nil {
		return err
	}
	defer func() {
		if ended := r.Close(); err == nil {
			err = ended
		}
	}()
	return do(r)
}

// move runs a slot's motor once, and shows each pin of the slot that moves meanwhile.
func (i interview) move(ctx context.Context, r *setup.Rehearsal, id string) error {
	watching, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = i.follow(watching, r, id, false) // what stops it is said by the vend
	}()
	says, ok, err := r.Vend(ctx, id)
	stop()
	<-ended
	if err != nil {
		return err
	}
	mark := "✗"
	if ok {
		mark = "✓"
	}
	i.say("  %s %s: %s", mark, id, printable(says))
	return nil
}

// watch shows a slot's pins, live, until Enter.
func (i interview) watch(ctx context.Context, r *setup.Rehearsal, id string) error {
	i.say("Hold something before the sensor, press the button, open the door. Enter ends it.")
	watching, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- i.follow(watching, r, id, true) }()
	_, err := i.read(ctx, false)
	stop()
	<-ended
	return err
}

// follow shows each pin that moves, until ctx ends: also another slot's, for a wire may be on the wrong pin. With all
// it begins with how the slot's own are.
func (i interview) follow(ctx context.Context, r *setup.Rehearsal, id string, all bool) error {
	before := map[string]setup.Pin{}
	for first := true; ; first = false {
		pins, err := r.Pins(ctx)
		if err != nil {
			return err
		}
		for _, p := range pins {
			was := before[p.Name]
			before[p.Name] = p
			moved := p.Level != was.Level || p.Changed.Sub(was.Changed) > lookEvery
			if first && all && strings.HasPrefix(p.Role, id+" ") || !first && moved {
				i.say("     %-8s %-20s %s", p.Name, p.Role, p.Means)
			}
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
