package simboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// The protocol: one JSON object per line, both ways. The client asks with a request and the board answers each with one
// message of the same id; in between it sends a message per edge. A line that is too long or not understood ends the
// connection.

const (
	lineMax  = 64 << 10        // bytes: a snapshot of 128 slots has 12 KiB, a request 200 bytes
	patience = 1 * time.Second // for an answer, and for the other end to take a line: the peer is on the same machine
)

const (
	opPins     = "pins" // answered with the names of the pins
	opOut      = "out"
	opIn       = "in"
	opRead     = "read"
	opHalt     = "halt"
	opPress    = "press"
	opFault    = "fault"
	opSnapshot = "snapshot"
)

type request struct {
	ID    uint64     `json:"id"`
	Op    string     `json:"op"`
	Pin   string     `json:"pin,omitempty"`
	Level gpio.Level `json:"level,omitempty"` // out
	Pull  gpio.Pull  `json:"pull,omitempty"`  // in
	Edge  gpio.Edge  `json:"edge,omitempty"`  // in
	// in: comes back with each edge, so that a late one of an earlier In is known
	Arm   uint64 `json:"arm,omitempty"`
	Slot  string `json:"slot,omitempty"`  // press, fault
	Fault string `json:"fault,omitempty"` // fault
}

type message struct {
	ID    uint64     `json:"id,omitempty"` // 0: an edge
	Error string     `json:"error,omitempty"`
	Kind  string     `json:"kind,omitempty"` // of the error, see kinds
	Level gpio.Level `json:"level,omitempty"`
	Pins  []string   `json:"pins,omitempty"`
	Board *Snapshot  `json:"board,omitempty"`
	Edge  string     `json:"edge,omitempty"` // the pin
	Arm   uint64     `json:"arm,omitempty"`
}

// kindOf and errorOf carry the errors that callers tell apart over the line.
func kindOf(err error) string {
	switch {
	case errors.Is(err, ErrNoSuchSlot):
		return "slot"
	case errors.Is(err, ErrNoSuchFault):
		return "fault"
	case errors.Is(err, ErrTooMany):
		return "many"
	}
	return ""
}

// remote is an error that the board's process worded.
type remote struct {
	text string
	kind error // nil, or the sentinel that it stands for
}

func (r remote) Error() string { return r.text }
func (r remote) Unwrap() error { return r.kind }

func (m message) err() error {
	if m.Error == "" {
		return nil
	}
	switch m.Kind {
	case "slot":
		return remote{m.Error, ErrNoSuchSlot}
	case "fault":
		return remote{m.Error, ErrNoSuchFault}
	case "many":
		return remote{m.Error, ErrTooMany}
	}
	return remote{m.Error, nil}
}

func parseRequest(line []byte) (request, error) {
	var r request
	if err := strict(bytes.NewReader(line), &r); err != nil {
		return request{}, fmt.Errorf("simboard: request: %w", err)
	}
	switch r.Op {
	case opPins, opOut, opIn, opRead, opHalt, opPress, opFault, opSnapshot:
	default:
		return request{}, fmt.Errorf("simboard: request: unknown op %.40q", r.Op)
	}
	if r.ID == 0 {
		return request{}, errors.New("simboard: request: no id")
	}
	return r, nil
}

func parseMessage(line []byte) (message, error) {
	var m message
	if err := strict(bytes.NewReader(line), &m); err != nil {
		return message{}, fmt.Errorf("simboard: answer: %w", err)
	}
	if (m.ID == 0) != (m.Edge != "") {
		return message{}, errors.New("simboard: answer: neither an answer nor an edge")
	}
	return m, nil
}

// strict decodes one JSON value without unknown fields and with nothing behind it.
func strict(r io.Reader, into any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}

// lineWriter writes whole lines from any goroutine. Its turn is a channel and not a mutex, so that whoever waits for it
// waits visibly for testing/synctest.
type lineWriter struct {
	conn net.Conn
	turn chan struct{}
}

func newLineWriter(conn net.Conn) lineWriter {
	return lineWriter{conn: conn, turn: make(chan struct{}, 1)}
}

// send gives up, and breaks the connection, when the peer does not take the line within patience.
func (w lineWriter) send(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if err := w.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := w.conn.Write(append(line, '\n')); err != nil {
		_ = w.conn.Close() // half a line may be out: nothing behind it could be understood
		return err
	}
	return nil
}
