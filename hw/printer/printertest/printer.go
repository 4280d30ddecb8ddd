// Package printertest is a receipt printer that is simulated, as strict as the strictest one: what is no command of
// ESC/POS that it knows, is wider than its paper, or would print other letters on a printer that was sold elsewhere,
// is refused and remembered.
//
// It shares no code with the driver: a mistake in the protocol must not be made twice alike. Its letters are written
// down by themselves too, those that its tests print and no others.
package printertest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// bufferMax is how many bytes wait while the printer is off-line: Epson's have 4 KiB, small ones less.
const bufferMax = 4096

// Printer is the simulated printer. Its methods may be called at any time.
type Printer struct {
	columns int

	mu       sync.Mutex
	cables   []net.Conn // that are plugged in
	plugged  bool
	paper    int // lines that are left of the roll
	cover    bool
	broken   bool
	deaf     bool
	mute     bool
	noFinish bool          // GS r is not known
	pause    time.Duration // before each byte
	deafAt   int           // after so many bytes of data it takes no more; 0: it does
	pullAt   int           // after so many its plug is pulled
	taken    int           // bytes of data since it was switched on

	waiting []byte // that were received and not carried out
	state   letters
	line    []rune
	piece   []string
	pieces  [][]string
	refused []string
	opened  int
}

// letters are how bytes are read.
type letters struct {
	page    byte
	chinese bool // letters beyond ASCII are halves of others
	country byte
}

// powerOn is a printer that was sold in Sweden and made for China, as far as its switches go.
func powerOn() letters { return letters{page: 0, chinese: true, country: 5} }

// New makes a printer with a whole roll of paper of so many columns.
func New(columns int) *Printer {
	return &Printer{columns: columns, plugged: true, paper: 10_000, state: powerOn()}
}

// Open is plugging a cable into it, as the driver opens a device; while it is unplugged there is none.
func (p *Printer) Open() (io.ReadWriteCloser, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.plugged {
		return nil, &os.PathError{Op: "open", Path: "/dev/usb/lp0", Err: syscall.ENOENT}
	}
	near, far := net.Pipe()
	p.cables = append(p.cables, far)
	p.opened++
	c := &cable{Conn: near, printer: p, pulled: make(chan struct{})}
	go func() {
		_ = p.serve(far, c.pulled) // ends with the cable
		_ = far.Close()
	}()
	return c, nil
}

// cable is the computer's end, with the kernel's words for what happens to it.
type cable struct {
	net.Conn
	printer *Printer
	once    sync.Once
	pulled  chan struct{} // closed when the computer lets it go
}

func (c *cable) Close() error {
	c.once.Do(func() { close(c.pulled) })
	return c.Conn.Close()
}

func (c *cable) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.said(err)
}

func (c *cable) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.said(err)
}

func (c *cable) said(err error) error {
	if err == nil {
		return nil
	}
	c.printer.mu.Lock()
	defer c.printer.mu.Unlock()
	if !c.printer.plugged {
		return &os.PathError{Op: "write", Path: "/dev/usb/lp0", Err: syscall.ENODEV}
	}
	return err
}

// Serve is being the printer at the other end of a cable, until that ends.
func (p *Printer) Serve(line io.ReadWriter) error { return p.serve(line, nil) }

func (p *Printer) serve(line io.ReadWriter, pulled <-chan struct{}) error {
	b := make([]byte, 1)
	var command []byte // a real-time command that has begun
	for {
		if err := p.ready(pulled); err != nil {
			return err
		}
		n, err := line.Read(b)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		command = append(command, b[0])
		if !strings.HasPrefix("\x10\x04", string(command[:min(2, len(command))])) { // it is data
			if err := p.take(command); err != nil {
				return err
			}
			command = nil
		} else if len(command) == 3 {
			if answer, ok := p.now(command[2]); ok {
				if _, err := line.Write([]byte{answer}); err != nil {
					return err
				}
			}
			command = nil
		}
		for _, answer := range p.work() {
			if _, err := line.Write([]byte{answer}); err != nil {
				return err
			}
		}
	}
}

var errPulled = errors.New("the plug is pulled")

// ready waits while the printer takes no bytes.
func (p *Printer) ready(pulled <-chan struct{}) error {
	for {
		select {
		case <-pulled:
			return errPulled
		default:
		}
		p.mu.Lock()
		full := p.deaf || p.deafAt > 0 && p.taken >= p.deafAt || len(p.waiting) > bufferMax
		gone, pause := !p.plugged, p.pause
		p.mu.Unlock()
		if gone {
			return errPulled
		}
		if full {
			pause = 50 * time.Millisecond
		}
		select {
		case <-time.After(pause):
		case <-pulled:
			return errPulled
		}
		if !full {
			return nil
		}
	}
}

// take receives data.
func (p *Printer) take(data []byte) error {
	p.mu.Lock()
	p.waiting = append(p.waiting, data...)
	p.taken += len(data)
	pull := p.pullAt > 0 && p.taken >= p.pullAt
	p.mu.Unlock()
	if pull {
		p.Unplug()
		return errPulled
	}
	return nil
}

// now answers a real-time status; false: it says nothing.
func (p *Printer) now(n byte) (byte, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mute {
		return 0, false
	}
	s := byte(0x12)
	switch n {
	case 1:
		if p.offline() {
			s |= 0x08
		}
	case 2:
		if p.cover {
			s |= 0x04
		}
		if p.paper <= 0 {
			s |= 0x20
		}
		if p.broken {
			s |= 0x40
		}
	case 3:
		if p.broken {
			s |= 0x08
		}
	case 4:
		if p.paper < 100 {
			s |= 0x0c
		}
		if p.paper <= 0 {
			s |= 0x60
		}
	default:
		p.refuse("DLE EOT %d", n)
		return 0, false
	}
	return s, true
}

func (p *Printer) offline() bool { return p.cover || p.broken || p.paper <= 0 }

// work carries out what was received, and gives what it answers.
func (p *Printer) work() (answers []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.waiting) > 0 && !p.offline() {
		used, answer := p.command(p.waiting)
		if used == 0 {
			return answers // it goes on
		}
		p.waiting = p.waiting[used:]
		answers = append(answers, answer...)
	}
	return answers
}

// command carries out the first command of what was received; 0: it is not whole yet.
func (p *Printer) command(b []byte) (used int, answer []byte) {
	if b[0] == 0x1b || b[0] == 0x1d || b[0] == 0x1c {
		if len(b) < 2 {
			return 0, nil
		}
		switch two := string(b[:2]); two {
		case "\x1b@":
			p.state, p.line = powerOn(), nil
			return 2, nil
		case "\x1c.":
			p.state.chinese = false
			return 2, nil
		case "\x1bt", "\x1bR", "\x1bd", "\x1dV", "\x1dr":
			if len(b) < 3 {
				return 0, nil
			}
			return 3, p.with(two, b[2])
		}
		p.refuse("% x is no command", b[:2])
		return 2, nil
	}
	if b[0] == '\n' {
		p.feed()
		return 1, nil
	}
	p.letter(b[0])
	return 1, nil
}

// with carries out a command with a number.
func (p *Printer) with(command string, n byte) (answer []byte) {
	switch command {
	case "\x1bt":
		if _, known := alphabets()[n]; !known {
			p.refuse("ESC t %d", n)
		}
		p.state.page = n
	case "\x1bR":
		p.state.country = n
	case "\x1bd":
		for range n {
			p.feed()
		}
	case "\x1dV":
		if n > 1 && n != 48 && n != 49 {
			p.refuse("GS V %d", n)
		}
		for len(p.piece) > 0 && p.piece[len(p.piece)-1] == "" { // white paper
			p.piece = p.piece[:len(p.piece)-1]
		}
		p.pieces, p.piece = append(p.pieces, p.piece), nil
	case "\x1dr":
		if n != 1 && n != 49 {
			p.refuse("GS r %d", n)
		} else if !p.mute && !p.noFinish {
			return []byte{0}
		}
	}
	return nil
}

// feed ends a line.
func (p *Printer) feed() {
	if n := len(p.line); n > p.columns {
		p.refuse("a line of %d on %d columns: %s", n, p.columns, string(p.line))
	}
	p.piece, p.line = append(p.piece, string(p.line)), nil
	p.paper--
}

// letter prints a byte.
func (p *Printer) letter(b byte) {
	switch {
	case b < ' ' || b == 0x7f:
		p.refuse("the byte %#x is no letter", b)
	case b < 0x80:
		r := rune(b)
		if p.state.country == 5 { // Sweden
			r = []rune(strings.NewReplacer("[", "Ä", "\\", "Ö", "]", "Å", "{", "ä", "|", "ö", "}", "å").
				Replace(string(r)))[0]
		}
		p.line = append(p.line, r)
	case p.state.chinese:
		p.refuse("%#x is half of a Chinese letter", b)
		p.line = append(p.line, '龍')
	default:
		r, known := alphabets()[p.state.page][b]
		if !known {
			p.refuse("%#x is no letter of page %d", b, p.state.page)
			r = '\ufffd'
		}
		p.line = append(p.line, r)
	}
}

func (p *Printer) refuse(format string, args ...any) {
	p.refused = append(p.refused, fmt.Sprintf(format, args...))
}

// alphabets are the letters of each code page that is known, by what Epson numbers them.
func alphabets() map[byte]map[byte]rune {
	dos := map[byte]rune{0x86: 'å', 0x84: 'ä', 0x94: 'ö', 0x8f: 'Å', 0x8e: 'Ä', 0x99: 'Ö', 0x82: 'é', 0x81: 'ü',
		0x9a: 'Ü', 0xe1: 'ß', 0x91: 'æ', 0x92: 'Æ'}
	with := func(more map[byte]rune) map[byte]rune {
		all := map[byte]rune{}
		for b, r := range dos {
			all[b] = r
		}
		for b, r := range more {
			all[b] = r
		}
		return all
	}
	return map[byte]map[byte]rune{
		0:  with(nil),
		2:  with(map[byte]rune{0x9b: 'ø', 0x9d: 'Ø'}),
		5:  with(map[byte]rune{0x9b: 'ø', 0x9d: 'Ø'}),
		19: with(map[byte]rune{0x9b: 'ø', 0x9d: 'Ø', 0xd5: '€'}),
		16: {0xe5: 'å', 0xe4: 'ä', 0xf6: 'ö', 0xc5: 'Å', 0xc4: 'Ä', 0xd6: 'Ö', 0xe9: 'é', 0xfc: 'ü', 0xdc: 'Ü',
			0xdf: 'ß', 0xe6: 'æ', 0xc6: 'Æ', 0xf8: 'ø', 0xd8: 'Ø', 0x80: '€'},
	}
}

// Pieces are the pieces of paper that were cut off, oldest first, as lines of letters.
func (p *Printer) Pieces() [][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.pieces)
}

// Refused is what it was told and would not have printed, or not as it was meant.
func (p *Printer) Refused() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.refused)
}

// Opened is how many times a cable was plugged in.
func (p *Printer) Opened() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}
