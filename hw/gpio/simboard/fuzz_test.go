package simboard

import (
	"encoding/json"
	"net"
	"testing"

	"periph.io/x/conn/v3/gpio"
)

func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"op":"pins"}`, `{"id":2,"op":"out","pin":"GPIO17","level":true}`,
		`{"id":3,"op":"in","pin":"GPIO27","pull":3,"edge":2,"arm":1}`,
		`{"id":4,"op":"read","pin":"GPIO7"}`, `{"id":5,"op":"halt","pin":"GPIO17"}`,
		`{"id":6,"op":"press","slot":"A1"}`,
		`{"id":7,"op":"fault","slot":"A1","fault":"jam"}`, `{"id":8,"op":"snapshot"}`,
		`{"id":9,"op":"in","pin":"GPIO17","edge":-1}`,
		`{"id":1,"op":"out","pin":"` + "\u2028" + `"}`, `{}`, `null`, `[]`, ``, `{"id":18446744073709551616}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseRequest(line)
		if err != nil {
			return
		}
		b := newBench(t)
		s := &server{board: b.Board, sessions: map[*session]bool{}}
		near, end := net.Pipe()
		ses := s.open(end)
		answer, err := json.Marshal(s.answer(ses, r))
		if err != nil || len(answer) >= lineMax {
			t.Fatalf("the answer has %d bytes, %v", len(answer), err)
		}
		if m, err := parseMessage(answer); err != nil || m.ID != r.ID {
			t.Errorf("the client does not understand %s: %v", answer, err)
		}
		if b.relay() && (r.Op != opOut || r.Pin != "GPIO17" || r.Level != gpio.High) {
			t.Errorf("%+v moved the motor", r)
		}
		s.leave(ses)
		_, _ = near.Close(), end.Close()
		ses.watchers.Wait() // nothing waits on after the session
	})
}

func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"pins":["GPIO17"]}`, `{"id":2}`, `{"id":3,"level":true}`, `{"edge":"GPIO27","arm":1}`,
		`{"edge":"GPIO99"}`,
		`{"id":4,"error":"no such slot","kind":"slot"}`,
		`{"id":5,"board":{"slots":[{"slot":"A1","relay":true,"pulses":1,"dropped":1}],"door":"open"}}`,
		`{}`, `{"id":1,"edge":"GPIO27"}`, `null`, ``, `{"id":-1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := parseMessage(line)
		if err != nil {
			return
		}
		answer := make(chan message, 1)
		c := &Client{waiting: map[uint64]chan message{1: answer}}
		p := &farPin{client: c, name: "GPIO27", arm: 1, armed: newArmed()}
		c.pins = map[string]*farPin{p.name: p}
		for range 2 * edgesMax { // repeated without end it must fill no memory and block nobody
			c.take(m)
		}
		if got := p.armed.taken(); got != (m.Edge == "GPIO27" && m.Arm == 1) {
			t.Errorf("%+v made an edge: %v", m, got)
		}
		if got := len(answer) == 1; got != (m.ID == 1) {
			t.Errorf("%+v was taken for the answer: %v", m, got)
		}
		if (m.err() == nil) != (m.Error == "") {
			t.Errorf("%+v is the error %v", m, m.err())
		}
	})
}
