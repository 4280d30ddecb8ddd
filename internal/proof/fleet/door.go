package fleet

import (
	"io"
	"net"
	"sync"
)

// door is an address at which another one is reached: what comes in is carried there.
type door struct {
	address string
	listen  net.Listener
	to      string

	mu   sync.Mutex
	open map[net.Conn]bool
}

// openDoor opens one at a free port of an address.
func openDoor(address, to string) (*door, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, err
	}
	d := &door{address: l.Addr().String(), listen: l, to: to, open: map[net.Conn]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go d.carry(c)
		}
	}()
	return d, nil
}

func (d *door) carry(c net.Conn) {
	defer c.Close()
	there, err := net.Dial("tcp", d.to)
	if err != nil {
		return
	}
	defer there.Close()
	d.mu.Lock()
	d.open[c] = true
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.open, c)
		d.mu.Unlock()
	}()
	go func() {
		_, _ = io.Copy(there, c)
		there.Close()
	}()
	_, _ = io.Copy(c, there)
}

// close shuts it, for those who are in it too.
func (d *door) close() {
	d.listen.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.open {
		c.Close()
	}
}
