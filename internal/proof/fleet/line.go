package fleet

import (
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	frameMax   = 2048 // bytes of a frame; the interfaces' MTU is 1500
	onLineMost = 4096 // frames that are on their way in one direction; further ones are dropped, as routers do
)

// line is a cable between two network interfaces, of which this program is the copper: it carries each frame, late and
// with losses as it is told, or not at all. tc's netem would do the same, where the kernel has it.
type line struct {
	ends [2]*os.File

	mu    sync.Mutex
	state LineState
}

// LineState is how good a line is. The zero LineState is a line without faults.
type LineState struct {
	Cut   bool
	Delay time.Duration // each way
	Loss  float64       // each way, of 1
}

// newLine makes the two interfaces and the cable between them.
func newLine(here, there string) (*line, error) {
	l := &line{}
	for i, name := range []string{here, there} {
		end, err := tap(name)
		if err != nil {
			l.close()
			return nil, err
		}
		l.ends[i] = end
	}
	for i := range l.ends {
		go l.carry(l.ends[i], l.ends[1-i])
	}
	return l, nil
}

// tap makes a network interface whose frames are read and written here. It lasts until it is closed.
func tap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("open /dev/net/tun", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("make the network interface "+name, err)
	}
	return os.NewFile(uintptr(fd), name), nil // which the runtime polls
}

func (l *line) close() {
	for _, end := range l.ends {
		if end != nil {
			end.Close()
		}
	}
}

func (l *line) set(s LineState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
}

func (l *line) get() LineState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// frame is one that is on its way.
type frame struct {
	at   time.Time // when it arrives
	data []byte
}

// carry carries frames one way until an end is closed.
func (l *line) carry(from, to *os.File) {
	late := make(chan frame, onLineMost)
	defer close(late)
	go func() {
		for f := range late {
			time.Sleep(time.Until(f.at))
			_, _ = to.Write(f.data) // an interface that is down takes none
		}
	}()
	buffer := make([]byte, frameMax)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		s := l.get()
		switch {
		case s.Cut || s.Loss > 0 && rand.Float64() < s.Loss:
		case s.Delay == 0:
			_, _ = to.Write(buffer[:n])
		default:
			select {
			case late <- frame{time.Now().Add(s.Delay), append([]byte(nil), buffer[:n]...)}:
			default:
			}
		}
	}
}
