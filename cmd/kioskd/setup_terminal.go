package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kioskd/internal/cli"
	"kioskd/internal/setup"
)

// interview is a setup at a terminal.
type interview struct {
	f    *setup.Files
	acts setup.Acts
	*prompter
	path string
}

// run asks everything that is not answered, tries what can be tried, and writes the config.
func (i interview) run(ctx context.Context) error {
	i.say("This sets the machine up: %s. Enter takes what stands in [brackets], - leaves out, < goes back,\n"+
		"? explains. Ctrl-C ends it; the answers are kept, and the next kioskd setup goes on there.", i.path)
	if i.f.Note != "" {
		i.say("\n%s.", i.f.Note)
	}
	if i.f.Resumed > 0 {
		i.say("\n%d answers of an earlier setup are kept (kioskd setup --anew forgets them).", i.f.Resumed)
	}
	title := ""
	for {
		section, q, more := i.f.Next()
		if !more {
			break
		}
		if section.Title != title {
			title = section.Title
			i.say("\n-- %s", title)
		}
		if err := i.ask(ctx, q); err != nil {
			return err
		}
		if done, ok := i.done(section.Name); ok {
			if err := i.try(ctx, done); err != nil {
				return err
			}
		}
	}
	return i.finish(ctx)
}

// done gives a section whose last question was just answered.
func (i interview) done(name string) (setup.Section, bool) {
	all := i.f.Sections()
	n := slices.IndexFunc(all, func(s setup.Section) bool { return s.Name == name })
	if n < 0 {
		return setup.Section{}, false
	}
	return all[n], all[n].Done
}

// ask asks one question until an answer is taken, or the one before is asked again.
func (i interview) ask(ctx context.Context, q setup.Question) error {
	for _, c := range q.Choices {
		if c.Means != "" {
			i.say("     %-12s %s", c.Word, c.Means)
		}
	}
	words := ""
	if len(q.Choices) > 0 && q.Choices[0].Means == "" {
		for _, c := range q.Choices {
			words += " " + c.Word
		}
		words = " (" + strings.TrimSpace(words) + ")"
	}
	offered := ""
	if q.Default != "" {
		offered = " [" + printable(q.Default) + "]"
	} else if q.Optional {
		offered = " [-]"
	}
	for {
		fmt.Fprintf(i.out, "%s%s%s: ", q.Ask, words, offered)
		text, err := i.read(ctx, q.Form == setup.Secret)
		if err != nil {
			return err
		}
		switch text = strings.TrimSpace(text); {
		case text == "?":
			i.say("     %s\n     In the file it is %s.", firstOf(q.Why, q.Ask+"."), q.Key)
			continue
		case text == "<":
			i.f.Back()
			return nil
		case text == "-" && q.Optional:
			text = ""
		case text == "":
			text = q.Default
		}
		if q.Form == setup.Secret {
			err = i.f.Password(q.Key, text)
		} else {
			err = i.f.Answer(q.Key, text)
		}
		if err == nil {
			return nil
		}
		i.say("  ✗ %s", printable(err.Error()))
		if q.Why != "" {
			i.say("    %s", q.Why)
		}
	}
}

// finish writes the config and looks at it.
func (i interview) finish(ctx context.Context) error {
	w, err := i.f.Finish()
	if err != nil {
		return err
	}
	i.say("")
	i.written(w)
	check := i.acts.Check(i.path)
	i.tell("check", check)
	i.tell("doctor", i.acts.Doctor(ctx, i.path))
	if setup.Failed(check) {
		return cli.ErrSaid
	}
	i.say("\nA test sale: a phone that is none pays a Glase that is none, no money moves. The motor of the slot does.")
	for {
		fmt.Fprint(i.out, "From which slot? Its motor moves; - makes none [-]: ")
		text, err := i.read(ctx, false)
		if err != nil && !errors.Is(err, errNoMore) { // nobody is there to make one
			return err
		}
		if text = strings.TrimSpace(text); text == "" || text == "-" {
			break
		}
		err = i.sell(ctx, text, func(line string) { i.say("  %s", printable(line)) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			i.say("  ✓ The test sale is right.")
			break
		}
		i.say("  ✗ %s", printable(err.Error()))
	}
	if cfg, _ := i.f.Config(); idle(cfg) != nil {
		i.say("\nA kioskd runs with the config as it was. With this one, when there is no sale: sudo systemctl restart kioskd")
		return nil
	}
	if i.path == "/etc/kioskd/kioskd.toml" {
		i.say("\nLet it sell, now and at each start of the machine: sudo systemctl start kioskd\n" +
			"Is it well? kioskd status")
		return nil
	}
	i.say("\nLet it sell: kioskd run --config %s", i.path)
	return nil
}

// sell makes a test sale.
func (i interview) sell(ctx context.Context, slot string, tell func(string)) error {
	return i.rehearsed(ctx, func(r *setup.Rehearsal) error { return r.Sale(ctx, slot, tell) })
}
