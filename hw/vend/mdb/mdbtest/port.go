package mdbtest

import (
	"bytes"
	"io"
	"strings"
)

// port is one line to a program.
type port struct {
	line  io.ReadWriteCloser
	out   chan string
	ended chan struct{}
}

// attach makes this the line that the machine speaks over. Called with the machine locked.
func (m *Machine) attach(line io.ReadWriteCloser) *port {
	m.detach()
	p := &port{line, make(chan string, linesMax), make(chan struct{})}
	m.port = p
	go func() { // a line that nobody reads holds up nobody
		for text := range p.out {
			if _, err := io.WriteString(p.line, text); err != nil {
				break
			}
		}
		for range p.out { // lost
		}
	}()
	go func() {
		defer close(p.ended)
		m.read(p)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.port == p {
			m.detach()
		}
	}()
	return p
}

func (m *Machine) detach() {
	if m.port != nil {
		close(m.port.out)
		_ = m.port.line.Close() // whatever it says, it is over
		m.port = nil
	}
}

// read takes commands, which end in LF.
func (m *Machine) read(p *port) {
	var part []byte
	buf := make([]byte, 64)
	for {
		n, err := p.line.Read(buf)
		part = append(part, buf[:n]...)
		for {
			line, rest, whole := bytes.Cut(part, []byte("\n"))
			if !whole {
				break
			}
			part = rest
			m.command(strings.TrimSuffix(string(line), "\r"))
		}
		if len(part) > commandMax {
			m.complain("a command without an end")
			part = nil
		}
		if err != nil {
			return
		}
	}
}

// say writes a line, with the noise that is on it. Called with the machine locked.
func (m *Machine) say(line string) {
	end := m.End
	if end == "" {
		end = "\r\n"
	}
	text := line + end
	if len(m.noise) > 0 {
		n := m.noise[0]
		m.noise = m.noise[1:]
		switch n {
		case Lose:
			text = ""
		case Garble:
			text = line[:len(line)/2] + "\xf7" + line[len(line)/2+1:] + end
		case Halve:
			text = line[:len(line)/2]
		case Double:
			text += text
		case Rubbish:
			text = "\x00\xff~~,,\x07" + text
		}
		line += " (" + string(n) + ")"
	}
	if m.Log != nil {
		m.Log("< " + line)
	}
	if m.port == nil || text == "" {
		return
	}
	select {
	case m.port.out <- text:
	default:
	}
}
