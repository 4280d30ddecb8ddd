package vendtest

import (
	"bufio"
	"context"
	"io"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// The motor board's words for how a vend goes, as it tells them in command 04.
const (
	Dispensing = 0x01
	Dispensed  = 0x02
	Jammed     = 0x03
	Unstopped  = 0x04
	NoMotor    = 0x06
	BadSensor  = 0x17 // a word of this board's own: its drop sensor is not well, so that it cannot say
	Ended      = 0xFF

	Truth = -1 // for Say
)

// None of the others is a multiple of the time between two polls, so that what happens on virtual time has an order.
const (
	pollEvery = 200 * time.Millisecond
	repeats   = 5
	bootTime  = 1511 * time.Millisecond // of a board that begins anew
	// for a product that hangs, after the motor's stop; and for the sensor to be free again
	fallTime = 2003 * time.Millisecond
	glance   = 20 * time.Millisecond
)

// Spiral is what a motor board drives.
type Spiral struct {
	Motor gpio.PinOut // High turns it
	Drop  gpio.PinIn  // Low while a product passes
}

// MotorBoard is a serial motor board: it polls, takes commands, and runs its motors whether or not anybody listens.
// Fill the fields, let Run run, and plug a cable in.
type MotorBoard struct {
	Motors map[int]Spiral // by number
	MaxOn  time.Duration  // of every motor
	Terse  bool           // it does not say that a vend begins, only how it ends
	Cable

	state    sync.Mutex
	unread   [][]byte // what it has to tell; the first is told until it is acknowledged
	told     int      // how often that was told
	number   byte     // of its own last packet
	seen     byte     // the number of the last command
	stop     func()   // ends the vend that is on; nil: none is
	anew     time.Time
	word     int // what it will say of the next vend
	commands int
	unacked  int // acknowledgements of vend commands that get lost
}

// NewMotorBoard is a board with these motors.
func NewMotorBoard(motors map[int]Spiral, maxOn time.Duration) *MotorBoard {
	b := &MotorBoard{Motors: motors, MaxOn: maxOn, word: Truth}
	b.Hear = b.listen
	return b
}

// Commands is how many vend commands have arrived, repeated ones too.
func (b *MotorBoard) Commands() int {
	b.state.Lock()
	defer b.state.Unlock()
	return b.commands
}

// LoseAcks has the acknowledgements of the next vend commands get lost.
func (b *MotorBoard) LoseAcks(n int) {
	b.state.Lock()
	defer b.state.Unlock()
	b.unacked = n
}

// Say has the next vend end with this word, or the Truth. Its motor turns nevertheless, unless the word is that it does
// not.
func (b *MotorBoard) Say(word int) {
	b.state.Lock()
	defer b.state.Unlock()
	b.word = word
}

// Reset has the board begin anew, as after a short loss of power: its motors stop, and it knows nothing of before.
func (b *MotorBoard) Reset() {
	b.state.Lock()
	defer b.state.Unlock()
	if b.stop != nil {
		b.stop()
	}
	b.unread, b.told, b.number, b.seen, b.anew = nil, 0, 0, 0, time.Now().Add(bootTime)
}

// Mute has the board say and hear nothing for some time; a vend goes on.
func (b *MotorBoard) Mute(d time.Duration) {
	b.state.Lock()
	defer b.state.Unlock()
	b.anew = time.Now().Add(d)
}

// Run is the board's life until ctx ends.
func (b *MotorBoard) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.tick()
		case <-ctx.Done():
			b.Unplug()
			b.Reset()
			return
		}
	}
}

// tick tells what there is to tell, or polls.
func (b *MotorBoard) tick() {
	b.state.Lock()
	defer b.state.Unlock()
	if time.Now().Before(b.anew) {
		return
	}
	if b.told > repeats {
		b.unread, b.told = b.unread[1:], 0
	}
	if len(b.unread) == 0 {
		b.Cable.Say(motorFrame(0x41))
		return
	}
	b.told++
	b.Cable.Say(b.unread[0])
}

func motorFrame(cmd byte, data ...byte) []byte {
	b := append([]byte{0xFA, 0xFB, cmd, byte(len(data))}, data...)
	var x byte
	for _, c := range b {
		x ^= c
	}
	return append(b, x)
}

// listen reads frames one after the other; what is none is passed over byte by byte.
func (b *MotorBoard) listen(line io.Reader) {
	r := bufio.NewReader(line)
	for {
		first, err := r.ReadByte()
		if err != nil {
			return
		}
		if first != 0xFA {
			continue
		}
		head, err := r.Peek(3)
		if err != nil {
			return
		}
		if head[0] != 0xFB {
			continue
		}
		rest, err := r.Peek(3 + int(head[2]) + 1)
		if err != nil {
			return
		}
		end := len(rest) - 1
		if x := motorFrame(rest[1], rest[3:end]...); x[len(x)-1] != rest[end] {
			continue
		}
		cmd, data := rest[1], append([]byte(nil), rest[3:end]...)
		_, _ = r.Discard(len(rest)) // they are there
		if !b.Meets(Deaf) {
			b.take(cmd, data)
		}
	}
}

// take takes a frame.
func (b *MotorBoard) take(cmd byte, data []byte) {
	b.state.Lock()
	defer b.state.Unlock()
	if time.Now().Before(b.anew) {
		return
	}
	if cmd == 0x42 {
		if b.told > 0 {
			b.unread, b.told = b.unread[1:], 0
		}
		return
	}
	if cmd == 0x06 {
		b.commands++
	}
	if cmd == 0x06 && b.unacked > 0 {
		b.unacked--
	} else {
		b.Cable.Say(motorFrame(0x42))
	}
	if len(data) < 3 || data[0] == b.seen {
		return
	}
	b.seen = data[0]
	n := int(data[len(data)-2])<<8 | int(data[len(data)-1])
	spiral, there := b.Motors[n]
	switch {
	case cmd == 0x01 && !there:
		b.tell(0x02, 0x03, n)
	case cmd == 0x01 && spiral.Drop.Read() == gpio.Low: // its sensor is not well
		b.tell(0x02, 0x04, n)
	case cmd == 0x01:
		b.tell(0x02, 0x01, n)
	case cmd == 0x06 && !there:
		b.tell(0x04, NoMotor, n)
	case cmd == 0x06 && b.stop != nil:
		b.tell(0x04, Ended, n)
	case cmd == 0x06:
		if !b.Terse {
			b.tell(0x04, Dispensing, n)
		}
		ctx, stop := context.WithCancel(context.Background())
		b.stop = func() {
			stop()
			_ = spiral.Drop.Halt() // whoever waits for a product does so no more
		}
		go b.vend(ctx, n, spiral, b.word)
		b.word = Truth
	}
}

// tell is called with the state locked.
func (b *MotorBoard) tell(cmd, word byte, motor int) {
	if b.number++; b.number == 0 {
		b.number = 1
	}
	b.unread = append(b.unread, motorFrame(cmd, b.number, word, byte(motor>>8), byte(motor)))
}

// vend is one turn, and what the board says of it.
func (b *MotorBoard) vend(ctx context.Context, n int, s Spiral, say int) {
	word := Ended
	if say != NoMotor && say != Ended {
		word = b.turn(ctx, s)
	}
	if say != Truth {
		word = say
	}
	b.state.Lock()
	defer b.state.Unlock()
	if ctx.Err() == nil { // else it does not know that it was
		b.tell(0x04, byte(word), n)
	}
	b.stop()
	b.stop = nil
}

// turn turns a spiral until a product falls, and answers how that went.
func (b *MotorBoard) turn(ctx context.Context, s Spiral) (word int) {
	if err := s.Drop.In(gpio.PullUp, gpio.FallingEdge); err != nil || ctx.Err() != nil || s.Drop.Read() == gpio.Low {
		return Ended
	}
	if err := s.Motor.Out(gpio.High); err != nil {
		return NoMotor
	}
	fell := s.Drop.WaitForEdge(b.MaxOn)
	_ = s.Motor.Out(gpio.Low) // a simulated one does
	fell = fell || s.Drop.WaitForEdge(fallTime)
	for range fallTime / glance {
		if ctx.Err() != nil || s.Drop.Read() == gpio.High {
			break
		}
		time.Sleep(glance)
	}
	switch {
	case s.Drop.Read() == gpio.Low:
		return BadSensor
	case fell:
		return Dispensed
	}
	return Jammed
}
