package handheld

import (
	"path/filepath"
	"sync"

	"kioskd/fsm"
	"kioskd/internal/doctor"
)

// checks are what the system says, looked at at most once in checkedFor, and by one at a time.
type checks struct {
	mu    sync.Mutex
	at    fsm.Instant
	found []doctor.Finding
}

// findings are the running kiosk's own worries and those checks of kioskd doctor that read files alone: no pin, no
// port, no Glase, so that they may be made beside a sale.
func (p *Page) findings() []doctor.Finding {
	var all []doctor.Finding
	for _, h := range p.cfg.Parts() {
		f := doctor.Finding{Area: h.Name, State: doctor.OK, Says: h.What}
		if !h.OK {
			f.State, f.Remedy = doctor.Warn, h.Do
		}
		all = append(all, f)
	}
	c := &p.check
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := p.cfg.Now(); c.at == 0 || now.Since(c.at) >= checkedFor {
		const root = doctor.Root("/")
		c.at, c.found = now, nil
		if p.cfg.Machine.GPIO.Driver == "host" {
			c.found = append(c.found, doctor.KeptOutputs(root)...)
			c.found = append(c.found, doctor.Watchdog(root)...)
			c.found = append(c.found, doctor.Power(root)...)
		}
		c.found = append(c.found, doctor.Free(filepath.Dir(p.cfg.Machine.Journal.Path))...)
	}
	return append(all, c.found...)
}
