package app

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend"
	"kioskd/hw/vend/board"
	"kioskd/hw/vend/lockboard"
	"kioskd/hw/vend/vendtest"
)

// behindBoards has the world's slots behind serial boards: A1 is a spiral of a motor board, A2 a locker of a lock
// board, whose customer opens the door after a second and closes it two seconds later.
func behindBoards(t *testing.T, flow string,
	story func(w *world, motors *vendtest.MotorBoard, spirals *simboard.Board, cable *atomic.Bool)) {
	play(t, flow, func(w *world) {
		w.end()
		w.cfg.Slots[0].Driver, w.cfg.Slots[0].Vend = "board", board.Config{Motor: 12}
		w.cfg.Slots[1].Driver, w.cfg.Slots[1].Vend = "lock", lockboard.Config{Lock: 3}
		w.cfg.Slots[1].MaxOn = 5 * time.Second
		motorBoard, lockBoard := board.Default(), lockboard.Default()
		motorBoard.Device, lockBoard.Device = "motors", "locks"
		w.cfg.Boards = map[string]vend.Board{"board": motorBoard, "lock_board": lockBoard}
		spirals, err := simboard.New(simboard.Wiring{Slots: []simboard.Slot{{ID: "A1", Relay: "MOTOR", Drop: "DROP"}}},
			simboard.Physics{})
		if err != nil {
			t.Fatal(err)
		}
		motor, _ := spirals.Pin("MOTOR")
		drop, _ := spirals.Pin("DROP")
		motors := vendtest.NewMotorBoard(map[int]vendtest.Spiral{12: {Motor: motor, Drop: drop}}, 2*time.Second)
		var open, cable atomic.Bool
		cable.Store(true)
		locks := vendtest.NewLockBoard(map[int]vendtest.Locker{3: {Open: open.Load, Unlock: func() {
			time.AfterFunc(time.Second, func() { open.Store(true) })
			time.AfterFunc(3*time.Second, func() { open.Store(false) })
		}}})
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			motors.Run(ctx)
		}()
		w.serial = func(device string, baud int) (io.ReadWriteCloser, error) {
			near, far := net.Pipe()
			switch {
			case !cable.Load():
				return nil, errors.New("no cable")
			case device == "motors" && baud == 57600:
				motors.Plug(far)
			case device == "locks" && baud == 19200:
				locks.Plug(far)
			default:
				t.Errorf("%s was opened at %d baud", device, baud)
			}
			return near, nil
		}
		w.start()
		time.Sleep(3 * time.Second)
		story(w, motors, spirals, &cable)
		w.end()
		cancel()
		locks.Unplug()
		<-ended
		w.end = func() {}
	})
}

func TestProductsBehindSerialBoardsAreSold(t *testing.T) {
	for _, flow := range []string{"reservation", "sticker", "invoice"} {
		t.Run(flow, func(t *testing.T) {
			behindBoards(t, flow, func(w *world, _ *vendtest.MotorBoard, spirals *simboard.Board, _ *atomic.Bool) {
				ref := w.buy()
				paid := int64(1500)
				if flow == "reservation" {
					time.Sleep(5 * time.Second)
					w.press("A2")
					paid += 2250
				}
				if sale := w.settled(); sale.Charged != sek(paid) {
					t.Errorf("ended %s, charged %v, want %v\n%s", sale.State, sale.Charged, sek(paid), w.log.String())
				}
				w.money(ref, paid)
				if s, _ := spirals.Snapshot(); s.Slots[0].Pulses != 1 || s.Slots[0].Dropped != 1 {
					t.Errorf("the spiral did %+v", s.Slots[0])
				}
			})
		})
	}
}

func TestABoardThatIsLostInMidVendCostsTheCustomerNothing(t *testing.T) {
	behindBoards(t, "reservation", func(w *world, motors *vendtest.MotorBoard, _ *simboard.Board, cable *atomic.Bool) {
		ref := w.scan()
		w.confirm(ref)
		w.press("A1")
		cable.Store(false)
		motors.Unplug()
		time.Sleep(15 * time.Second)
		sale := w.settled()
		if sale.State != fsm.Released || len(sale.Items) != 1 || sale.Items[0].Outcome != fsm.Unknown ||
			sale.Items[0].Why != "no_board" {
			t.Errorf("the sale ended %+v", sale)
		}
		w.money(ref, 0)
		time.Sleep(time.Minute)
		if s := w.app.Kiosk.State(); s.Stage != fsm.OutOfService || s.Reason != "board" ||
			s.ClosedSlots()["A1"] != "no_board" {
			t.Errorf("without its board the machine is %s %s, closed %v", s.Stage, s.Reason, s.ClosedSlots())
		}
		cable.Store(true)
		time.Sleep(10 * time.Second)
		if s := w.app.Kiosk.State(); s.Stage != fsm.Ready {
			t.Errorf("with its board again the machine is %s %s", s.Stage, s.Reason)
		}
	})
}

func TestAMachineWhoseBoardWasNeverThereSellsNothing(t *testing.T) {
	behindBoards(t, "reservation", func(w *world, _ *vendtest.MotorBoard, _ *simboard.Board, cable *atomic.Bool) {
		w.end()
		cable.Store(false)
		w.start()
		time.Sleep(time.Minute)
		if s := w.app.Kiosk.State(); s.Stage != fsm.OutOfService {
			t.Errorf("the machine is %s %s", s.Stage, s.Reason)
		}
	})
}

// TestATechnicianSeesTheSerialBoards: that one is not there, since when, why, and what to do.
func TestATechnicianSeesTheSerialBoards(t *testing.T) {
	behindBoards(t, "reservation", func(w *world, motors *vendtest.MotorBoard, _ *simboard.Board, cable *atomic.Bool) {
		for _, name := range []string{"Motor board", "Lock board"} {
			if p := w.part(name); !p.OK || p.What != "answers" || p.Do != "" || p.Since.IsZero() {
				t.Errorf("a board that is there: %+v", p)
			}
		}
		cable.Store(false)
		motors.Unplug()
		lost := time.Now()
		time.Sleep(20 * time.Second)
		if p := w.part("Motor board"); p.OK || p.What != "no cable" || !strings.Contains(p.Do, "[board]") ||
			p.Since.Before(lost) || p.Since.After(lost.Add(5*time.Second)) {
			t.Errorf("a board that is gone: %+v", p)
		}
		if p := w.part("Lock board"); !p.OK {
			t.Errorf("the other one: %+v", p)
		}
		cable.Store(true)
		time.Sleep(10 * time.Second)
		if p := w.part("Motor board"); !p.OK {
			t.Errorf("a board that is back: %+v", p)
		}
	})
}
