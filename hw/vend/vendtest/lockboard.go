package vendtest

import (
	"io"
	"sync"
	"time"
)

// Locker is what a lock board has at one of its locks.
type Locker struct {
	Unlock func()      // frees the door for a moment
	Open   func() bool // says whether the door is open
}

// LockBoard is a lock board for sixteen lockers. It answers, and says nothing by itself. Plug a cable in.
type LockBoard struct {
	Address int
	OpenBit int // of a door that is open
	Bytes   int // of its status
	Lockers map[int]Locker
	Cable

	state   sync.Mutex
	anew    time.Time
	unlocks int
}

// NewLockBoard is a board with these lockers, by the numbers that are printed on it, 1 to 16.
func NewLockBoard(lockers map[int]Locker) *LockBoard {
	b := &LockBoard{Lockers: lockers, OpenBit: 1, Bytes: 4}
	b.Hear = b.listen
	return b
}

// Unlocks is how many unlock commands have arrived.
func (b *LockBoard) Unlocks() int {
	b.state.Lock()
	defer b.state.Unlock()
	return b.unlocks
}

// Mute has the board say and hear nothing for some time.
func (b *LockBoard) Mute(d time.Duration) {
	b.state.Lock()
	defer b.state.Unlock()
	b.anew = time.Now().Add(d)
}

// listen reads command by command. After noise it waits for the next 02.
func (b *LockBoard) listen(line io.Reader) {
	one := make([]byte, 1)
	var cmd []byte
	for {
		if _, err := io.ReadFull(line, one); err != nil {
			return
		}
		if cmd = append(cmd, one[0]); cmd[0] != 0x02 {
			cmd = nil
			continue
		}
		if len(cmd) < 5 {
			continue
		}
		if cmd[3] == 0x03 && byte(cmd[0]+cmd[1]+cmd[2]+cmd[3]) == cmd[4] && !b.Meets(Deaf) {
			b.take(int(cmd[1]>>4), int(cmd[1]&0x0F), cmd[2])
		}
		cmd = nil
	}
}

func (b *LockBoard) take(address, lock int, cmd byte) {
	b.state.Lock()
	defer b.state.Unlock()
	if time.Now().Before(b.anew) || address != b.Address {
		return
	}
	switch cmd {
	case 0x31:
		b.unlocks++
		if l, there := b.Lockers[lock+1]; there {
			l.Unlock()
		}
	case 0x30:
		answer := append([]byte{0x02, byte(address << 4), 0x35}, make([]byte, b.Bytes)...)
		for n := range 16 {
			open := false
			if l, there := b.Lockers[n+1]; there {
				open = l.Open()
			}
			if open == (b.OpenBit == 1) {
				answer[3+n/8] |= 1 << (n % 8)
			}
		}
		answer = append(answer, 0x03)
		var sum byte
		for _, c := range answer {
			sum += c
		}
		b.Cable.Say(append(answer, sum))
	}
}
