package vend

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
)

// pipes is a listener whose connections live in memory, so that they run on virtual time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, errors.New("closed")
}
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return nil }

// onWire runs a test with a machine that is driven over a connection.
func onWire(t *testing.T, fault string, test func(t *testing.T, m machine, wire net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(simboard.Wiring{Slots: []simboard.Slot{{ID: "A1", Relay: "GPIO17", Drop: "GPIO27"}}},
			simboard.Physics{})
		if err != nil {
			t.Fatal(err)
		}
		if err := board.Fault("A1", fault); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		line := make(pipes)
		go func() { _ = simboard.Serve(ctx, line, board) }()
		near, far := net.Pipe()
		line <- far
		client, err := simboard.NewClient(near)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = client.Close() }()
		test(t, machine{t: t, front: board, relay: drive(t, client.Pin)}, near)
	})
}

func TestABoardInAnotherProcessDeliversAlike(t *testing.T) {
	for _, fault := range []string{simboard.FaultNone, simboard.FaultBounce, simboard.FaultLateDrop} {
		onWire(t, fault, func(t *testing.T, m machine, _ net.Conn) {
			m.expect(m.relay.Vend(t.Context()), Delivered, "", 1, 1)
		})
	}
	onWire(t, simboard.FaultJam, func(t *testing.T, m machine, _ net.Conn) {
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyJam, 1, 0)
	})
}

func TestABoardThatIsLostInMidTurnLeavesTheItemUnknown(t *testing.T) {
	onWire(t, simboard.FaultNone, func(t *testing.T, m machine, wire net.Conn) {
		time.AfterFunc(300*time.Millisecond, func() { _ = wire.Close() })
		began := time.Now()
		r := m.relay.Vend(t.Context())
		if r.Outcome != Unknown || r.Why != WhyRelayFault || r.Err == nil {
			t.Errorf("the vend ended %+v, want unknown, since neither the motor nor the sensor answers", r)
		}
		if took := time.Since(began); took > 310*time.Millisecond {
			t.Errorf("the vend took %s to find out", took)
		}
		if !m.slot().Relay {
			t.Error("the board let its output go: this test then says nothing about a lost one")
		}
		if r := m.relay.Vend(t.Context()); r.Outcome != NotDelivered || r.Why != WhySensorFault {
			t.Errorf("the next vend ended %+v, want no start and %q", r, WhySensorFault)
		}
	})
}

// failing is a sensor that can be set up a few times, and then no more.
type failing struct {
	periph.PinIn
	after int
}

func (f *failing) In(pull periph.Pull, edge periph.Edge) error {
	if f.after--; f.after < 0 {
		return errors.New("unplugged")
	}
	return f.PinIn.In(pull, edge)
}

func TestASensorThatFailsDuringTheTurnLeavesTheItemUnknown(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultJam, func(t *testing.T, m machine) {
		m.relay.Drop = &failing{PinIn: m.relay.Drop, after: 1}
		m.expect(m.relay.Vend(t.Context()), Unknown, WhySensorFault, 1, 0)
	})
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		m.relay.Drop = &failing{PinIn: m.relay.Drop}
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhySensorFault, 0, 0)
	})
}
