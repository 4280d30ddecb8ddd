package page

import (
	"net/http"
	"time"

	"kioskd/internal/setup"
)

// tryPage is where a section's answers are tried. While the machine is at work it shows its pins, anew each second.
func (p *Pages) tryPage(w http.ResponseWriter, r *http.Request) {
	p.turn.Lock()
	defer p.turn.Unlock()
	s, ok := p.section(w, r)
	if !ok {
		return
	}
	var o outcome
	if p.live != nil && p.of == s.Name {
		var err error
		if o.pins, err = p.live.Pins(r.Context()); err != nil {
			o.wrong = err.Error()
		}
	}
	p.showTry(w, s, o)
}

// try does what was asked for. A motor moves by the button that says so alone.
func (p *Pages) try(w http.ResponseWriter, r *http.Request) {
	p.turn.Lock()
	defer p.turn.Unlock()
	s, ok := p.section(w, r)
	if !ok {
		return
	}
	var o outcome
	var err error
	switch do := r.PostFormValue("do"); {
	case s.Name == "glase" && (do == "ask" || do == "register"):
		err = p.tryGlase(r, do == "register", &o)
	case s.Name == "display" && do == "show":
		err = p.tryDisplay(&o)
	case s.Name == "display" && (do == "read" || do == "unread"):
		if p.unhold(); do == "read" {
			http.Redirect(w, r, "/", http.StatusSeeOther)
		} else {
			http.Redirect(w, r, "/part/display", http.StatusSeeOther)
		}
		return
	case s.Slot() > 0 && do == "watch":
		if err = p.atWork(r.Context(), s.Name, func(*setup.Rehearsal) error { return nil }); err == nil {
			http.Redirect(w, r, "/try/"+s.Name, http.StatusSeeOther)
			return
		}
	case s.Slot() > 0 && do == "move":
		err = p.atWork(r.Context(), s.Name, func(live *setup.Rehearsal) error {
			says, ok, err := live.Vend(r.Context(), p.slotID(s))
			state := map[bool]string{true: "ok", false: "fail"}[ok]
			if err == nil {
				o.found = []setup.Finding{{State: state, Says: p.slotID(s) + ": " + says}}
				o.pins, err = live.Pins(r.Context())
			}
			return err
		})
	case s.Slot() > 0 && do == "rest":
		if err = p.rest(); err == nil {
			http.Redirect(w, r, "/try/"+s.Name, http.StatusSeeOther)
			return
		}
	default:
		http.Error(w, "that cannot be done here", http.StatusBadRequest)
		return
	}
	if err != nil {
		o.wrong = err.Error()
	}
	o.once = true
	p.showTry(w, s, o)
}

func (p *Pages) tryGlase(r *http.Request, register bool, o *outcome) error {
	cfg, _ := p.Files.Trial()
	if register {
		id, err := p.Acts.Register(r.Context(), cfg)
		if err != nil {
			return err
		}
		o.found = append(o.found, setup.Finding{State: "ok", Says: "This machine is terminal " + id + " now."})
	}
	o.found = append(o.found, p.Acts.Glase(r.Context(), cfg)...)
	return nil
}

// tryDisplay shows the picture until somebody says whether it can be read.
func (p *Pages) tryDisplay(o *outcome) error {
	p.unhold()
	cfg, _ := p.Files.Trial()
	hold, failed := make(chan struct{}), make(chan error, 1)
	go func() { failed <- p.Acts.Picture(cfg, hold) }()
	p.hold, o.shown = hold, true
	select {
	case err := <-failed: // at once
		p.hold, o.shown = nil, false
		return err
	case <-time.After(pictureWithin):
		return nil
	}
}
