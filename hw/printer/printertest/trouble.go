package printertest

import "time"

// set changes something about the printer.
func (p *Printer) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// Paper puts a roll with so many lines into it; 0: it has none. What waited is printed with the next command.
func (p *Printer) Paper(lines int) { p.set(func() { p.paper = lines }) }

// Cover opens or closes its cover.
func (p *Printer) Cover(open bool) { p.set(func() { p.cover = open }) }

// Break makes its cutter jam, or mends it.
func (p *Printer) Break(broken bool) { p.set(func() { p.broken = broken }) }

// Deaf makes it take no more bytes, nor questions, or take them again.
func (p *Printer) Deaf(deaf bool) { p.set(func() { p.deaf, p.deafAt = deaf, 0 }) }

// DeafAfter makes it take so many bytes of data from now on, and then nothing more.
func (p *Printer) DeafAfter(bytes int) { p.set(func() { p.deafAt = p.taken + bytes }) }

// Mute makes it say nothing at all, as some printers do.
func (p *Printer) Mute(mute bool) { p.set(func() { p.mute = mute }) }

// NoFinish makes it know nothing of GS r, as some printers do.
func (p *Printer) NoFinish() { p.set(func() { p.noFinish = true }) }

// Slow makes it wait before each byte that it takes.
func (p *Printer) Slow(pause time.Duration) { p.set(func() { p.pause = pause }) }

// UnplugAfter makes it lose its plug once it has taken so many bytes of data from now on.
func (p *Printer) UnplugAfter(bytes int) { p.set(func() { p.pullAt = p.taken + bytes }) }

// Unplug pulls its plug: what it has not carried out is forgotten.
func (p *Printer) Unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plugged, p.pullAt, p.waiting, p.line, p.piece, p.state = false, 0, nil, nil, nil, powerOn()
	for _, c := range p.cables {
		_ = c.Close()
	}
	p.cables = nil
}

// Plug plugs it in again.
func (p *Printer) Plug() { p.set(func() { p.plugged = true }) }
