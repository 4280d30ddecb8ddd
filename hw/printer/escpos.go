package printer

import (
	"context"
	"io"
	"time"
)

// The commands, as Epson's "ESC/POS Command Reference" has them.
const (
	initialize = "\x1b@"        // ESC @: as after power-on
	noChinese  = "\x1c."        // FS .: printers for the Chinese market read letters beyond ASCII as halves of others
	american   = "\x1bR\x00"    // ESC R 0: brackets are brackets, and not the letters that other countries have there
	codePage   = "\x1bt"        // ESC t n
	feed       = "\x1bd\x05"    // ESC d 5: from the head to behind the cutter
	cut        = "\x1dV\x01"    // GS V 1: but for a bit in the middle; a printer without a cutter passes over it
	askPrinted = "\x1dr\x01"    // GS r 1: answered once all that came before it is printed
	askOffline = "\x10\x04\x02" // DLE EOT 2: answered at once, and by a printer that is off-line too
	askPaper   = "\x10\x04\x04" // DLE EOT 4: likewise
)

// commands are what prints the lines, in pieces that a slow line takes in a second each.
func (p *Printer) commands(lines []string) (all [][]byte) {
	all = append(all, []byte(initialize+noChinese+american+codePage+string([]byte{p.page.number})))
	for _, l := range lines {
		b := p.page.encode(l)
		for len(b) > pieceMax {
			all, b = append(all, b[:pieceMax]), b[pieceMax:]
		}
		all = append(all, append(b, '\n'))
	}
	return append(all, []byte(feed+cut))
}

const pieceMax = 80 // bytes, at 1200 baud two thirds of a second

// status is the answer to a DLE EOT.
type status byte

// isStatus and isPrinted tell the answers apart: of a status bits 1 and 4 are on, 0 and 7 off; of GS r's bits 4 and 7
// are off. What is neither, as XON and XOFF, is none.
func isStatus(b byte) bool { return b&0x93 == 0x12 }

func isPrinted(b byte) bool { return b&0x90 == 0 }

// offline is what an answer to DLE EOT 2 says, by the causes that it names; nil: nothing.
func (s status) offline() error {
	switch {
	case s&0x20 != 0: // stopped at the paper's end; also with the cover open, where the sensor sees none
		if s&0x04 != 0 {
			return ErrCover
		}
		return ErrPaperOut
	case s&0x04 != 0:
		return ErrCover
	case s&0x40 != 0:
		return ErrFault
	}
	return nil
}

// paper is what an answer to DLE EOT 4 says: bits 5 and 6 are the sensor at the paper's end. That it is near its end,
// bits 2 and 3, keeps nothing from being printed.
func (s status) paper() error {
	if s&0x60 != 0 {
		return ErrPaperOut
	}
	return nil
}

// talk is what is said over an open device.
type talk struct {
	ctx     context.Context
	device  io.ReadWriter
	states  chan byte     // answers to DLE EOT
	printed chan struct{} // GS r was answered
	mute    bool          // it does not say how it is
}

// listen sorts what the printer says, until the device is closed. A device that cannot be read says nothing.
func (t *talk) listen() {
	b := make([]byte, 16)
	for {
		n, err := t.device.Read(b)
		for _, c := range b[:n] {
			switch {
			case isStatus(c):
				select {
				case t.states <- c:
				default: // nobody asked so much
				}
			case isPrinted(c):
				select {
				case t.printed <- struct{}{}:
				default:
				}
			}
		}
		if err != nil {
			return
		}
	}
}

func (t *talk) write(b []byte) error {
	_, err := t.device.Write(b)
	return err
}

// ask gives a status; false: the printer does not say.
func (t *talk) ask(question string) (status, bool, error) {
	for len(t.states) > 0 {
		<-t.states // of an earlier question, too late
	}
	if err := t.write([]byte(question)); err != nil {
		return 0, false, err
	}
	late := time.NewTimer(statusWithin)
	defer late.Stop()
	select {
	case b := <-t.states:
		return status(b), true, nil
	case <-late.C:
		return 0, false, nil
	case <-t.ctx.Done():
		return 0, false, t.ctx.Err()
	}
}

// well says what stands against printing; nil: nothing, or the printer does not say.
func (t *talk) well() error {
	cause, says, err := t.ask(askOffline)
	if err != nil || !says {
		t.mute = !says
		return err
	}
	if err := cause.offline(); err != nil {
		return err
	}
	paper, says, err := t.ask(askPaper)
	if err != nil || !says {
		return err
	}
	return paper.paper()
}

// finish waits until all is printed. A printer that stays well and does not say so has taken all, which must do.
func (t *talk) finish() error {
	if t.mute {
		select {
		case <-time.After(lingerFor):
		case <-t.ctx.Done():
		}
		return nil
	}
	if err := t.write([]byte(askPrinted)); err != nil {
		return err
	}
	for began := time.Now(); time.Since(began) < finishWithin; {
		soon := time.NewTimer(statusWithin)
		select {
		case <-t.printed:
			soon.Stop()
			return nil
		case <-t.ctx.Done():
			soon.Stop()
			return t.ctx.Err()
		case <-soon.C:
		}
		if err := t.well(); err != nil {
			return err
		}
		if t.mute {
			return ErrStuck // it spoke before
		}
	}
	return nil
}
