package simboard

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

var errClosed = errors.New("closed by this process")

// Client is the board of another process. Its pins, Press, Fault and Snapshot behave as the Board's own, with these
// differences: each takes a round trip (at most 1 s, then the connection is given up), and once the connection is lost,
// for good, all of them fail and every waiter returns. All methods may be called from any goroutine.
type Client struct {
	out  lineWriter
	done chan struct{} // closed when the connection is lost

	mu      sync.Mutex
	lost    error // why; nil while connected
	id      uint64
	waiting map[uint64]chan message
	pins    map[string]*farPin
}

// Dial connects to a board that Serve serves at that unix socket. It does not touch the pins; the first use of one
// makes this connection their owner, in place of an earlier one.
func Dial(path string) (*Client, error) {
	conn, err := net.DialTimeout("unix", path, patience)
	if err != nil {
		return nil, fmt.Errorf("simboard: %w", err)
	}
	return NewClient(conn)
}

// NewClient is Dial over a connection that is already there. It closes conn when it fails.
func NewClient(conn net.Conn) (*Client, error) {
	c := &Client{out: newLineWriter(conn), done: make(chan struct{}), waiting: map[uint64]chan message{},
		pins: map[string]*farPin{}}
	go c.listen()
	m, err := c.ask(request{Op: opPins})
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range m.Pins {
		c.pins[name] = &farPin{client: c, name: name, level: gpio.High, armed: disarmed()}
	}
	return c, nil
}

// Pin is the pin of that name. While the connection is lost, Out and In fail, WaitForEdge returns false, and Read,
// which cannot fail, answers what it last read (High, the idle level, before the first time): ask In to be sure.
func (c *Client) Pin(name string) (gpio.PinIO, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.pins[name]
	if !ok {
		return nil, fmt.Errorf("simboard: nothing is wired to a pin %.40q", name)
	}
	return p, nil
}

// Press is Board.Press.
func (c *Client) Press(name string) error {
	_, err := c.ask(request{Op: opPress, Slot: name})
	return err
}

// Fault is Board.Fault.
func (c *Client) Fault(slot, fault string) error {
	_, err := c.ask(request{Op: opFault, Slot: slot, Fault: fault})
	return err
}

// Snapshot is Board.Snapshot.
func (c *Client) Snapshot() (Snapshot, error) {
	m, err := c.ask(request{Op: opSnapshot})
	if err == nil && m.Board == nil {
		err = errors.New("simboard: an answer without a board")
	}
	if err != nil {
		return Snapshot{}, err
	}
	return *m.Board, nil
}

// Close gives the connection up. The outputs keep their levels, unless the board's Physics.Release says otherwise.
func (c *Client) Close() error {
	c.lose(errClosed)
	return nil
}

// lose ends the connection; the first reason stays.
func (c *Client) lose(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != nil {
		return
	}
	c.lost = fmt.Errorf("simboard: the connection to the board is lost: %w", why)
	for _, p := range c.pins {
		p.armed.end()
	}
	close(c.done)
	_ = c.out.conn.Close()
}

// listen hands out the answers and the edges until the connection is lost.
func (c *Client) listen() {
	lines := bufio.NewScanner(c.out.conn)
	lines.Buffer(make([]byte, 0, 1024), lineMax)
	for lines.Scan() {
		m, err := parseMessage(lines.Bytes())
		if err != nil {
			c.lose(err)
			return
		}
		c.take(m)
	}
	if err := lines.Err(); err != nil {
		c.lose(err)
		return
	}
	c.lose(errors.New("the board's process ended, or another one took the board over"))
}

func (c *Client) take(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.ID == 0 {
		if p := c.pins[m.Edge]; p != nil && p.arm == m.Arm {
			p.armed.add()
		}
		return
	}
	if answer, ok := c.waiting[m.ID]; ok {
		delete(c.waiting, m.ID)
		answer <- m // has room for it
	}
}

// ask sends a request and waits for its answer. A missing answer ends the connection: nobody could say any more what
// the board does.
func (c *Client) ask(r request) (message, error) {
	answer := make(chan message, 1)
	c.mu.Lock()
	if c.lost != nil {
		defer c.mu.Unlock()
		return message{}, c.lost
	}
	c.id++
	r.ID = c.id
	c.waiting[r.ID] = answer
	c.mu.Unlock()
	late := time.NewTimer(patience)
	defer late.Stop()
	if err := c.out.send(r); err != nil {
		c.lose(err)
	}
	select {
	case m := <-answer:
		return m, m.err()
	case <-late.C:
		c.lose(fmt.Errorf("no answer within %s", patience))
	case <-c.done:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return message{}, c.lost
}

// farPin is one pin of a board in another process.
type farPin struct {
	client *Client
	name   string

	// Guarded by client.mu.
	level gpio.Level // as last read
	pull  gpio.Pull
	arm   uint64 // counts the calls of In
	armed *armed
}

func (p *farPin) String() string   { return p.name }
func (p *farPin) Name() string     { return p.name }
func (p *farPin) Number() int      { return numberOf(p.name) }
func (p *farPin) Function() string { return "" }

func (p *farPin) In(pull gpio.Pull, edge gpio.Edge) error {
	c := p.client
	c.mu.Lock()
	p.armed.end()
	p.arm++ // before the request, so that the first edge finds its arming
	arm := p.arm
	if p.armed, p.pull = newArmed(), pull; edge == gpio.NoEdge || c.lost != nil {
		p.armed.end()
	}
	c.mu.Unlock()
	_, err := c.ask(request{Op: opIn, Pin: p.name, Pull: pull, Edge: edge, Arm: arm})
	return err
}

func (p *farPin) Read() gpio.Level {
	m, err := p.client.ask(request{Op: opRead, Pin: p.name})
	p.client.mu.Lock()
	defer p.client.mu.Unlock()
	if err == nil {
		p.level = m.Level
	}
	return p.level
}

func (p *farPin) WaitForEdge(timeout time.Duration) bool {
	p.client.mu.Lock()
	a := p.armed
	p.client.mu.Unlock()
	return a.wait(timeout)
}

func (p *farPin) Pull() gpio.Pull {
	p.client.mu.Lock()
	defer p.client.mu.Unlock()
	return p.pull
}

func (p *farPin) DefaultPull() gpio.Pull { return gpio.PullNoChange }

// Out returns when the board has set the level.
func (p *farPin) Out(l gpio.Level) error {
	p.disarm()
	_, err := p.client.ask(request{Op: opOut, Pin: p.name, Level: l})
	return err
}

func (p *farPin) PWM(gpio.Duty, physic.Frequency) error { return errPWM }

func (p *farPin) Halt() error {
	p.disarm()
	_, err := p.client.ask(request{Op: opHalt, Pin: p.name})
	return err
}

func (p *farPin) disarm() {
	p.client.mu.Lock()
	defer p.client.mu.Unlock()
	p.armed.end()
}
