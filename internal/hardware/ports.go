package hardware

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"kioskd/hw/vend/serialport"
)

// Serial opens a serial line. Close unblocks a Read that waits.
type Serial func(device string, baud int) (io.ReadWriteCloser, error)

// Ports opens the machine's serial lines and knows which of its own parts has each, so that two parts on one port do
// not read as another program's doing.
type Ports struct {
	open Serial

	mu     sync.Mutex
	held   map[string]string // the config's section that has it → the port's name there
	failed map[string]error  // why the last try to open a section's port failed
}

// NewPorts opens lines with open.
func NewPorts(open Serial) *Ports {
	return &Ports{open: open, held: map[string]string{}, failed: map[string]error{}}
}

// failure is why a section's port could not be opened when it was tried last; nil: it could.
func (p *Ports) failure(section string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed[section]
}

// Opener opens the port that a section of the config names.
func (p *Ports) Opener(section, device string, baud int) func() (io.ReadWriteCloser, error) {
	return func() (_ io.ReadWriteCloser, err error) {
		l, err := p.open(device, baud)
		p.mu.Lock()
		defer p.mu.Unlock()
		defer func() { p.failed[section] = err }()
		if err == nil {
			p.held[section] = device
			return &heldPort{l, p, section}, nil
		}
		if errors.Is(err, serialport.ErrInUse) {
			for other, held := range p.held {
				if other != section && serialport.Same(held, device) {
					return nil, fmt.Errorf(
						"%s is the port that [%s] of this kiosk has as %s: name in [%s] the port of its own board "+
							"(ls -l /dev/serial/by-id)",
						device, other, held, section)
				}
			}
		}
		return nil, err
	}
}

// heldPort is a port that is let go when it is closed.
type heldPort struct {
	io.ReadWriteCloser
	ports   *Ports
	section string
}

func (h *heldPort) Close() error {
	h.ports.mu.Lock()
	delete(h.ports.held, h.section)
	h.ports.mu.Unlock()
	return h.ReadWriteCloser.Close()
}
