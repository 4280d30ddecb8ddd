package hardware

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	pins "kioskd/hw/gpio"
	"kioskd/hw/gpio/simboard"

	"kioskd/fsm"
	"kioskd/internal/config"
)

// TestThreePressesInTwoSecondsAskForTheCode, and nothing else does: two, slow ones, a contact that bounces.
func TestThreePressesInTwoSecondsAskForTheCode(t *testing.T) {
	for _, c := range []struct {
		name  string
		after []time.Duration // each press, after the one before
		asked int
	}{
		{"two", []time.Duration{0, 300 * time.Millisecond}, 0},
		{"three", []time.Duration{0, 300 * time.Millisecond, 300 * time.Millisecond}, 1},
		{"as slow as may be", []time.Duration{0, time.Second, time.Second}, 1},
		{"too slow", []time.Duration{0, time.Second, 1001 * time.Millisecond}, 0},
		{"four are one", []time.Duration{0, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond}, 1},
		{"a late start", []time.Duration{0, 3 * time.Second, 400 * time.Millisecond, 400 * time.Millisecond}, 1},
		{"six are two", []time.Duration{0, 3e8, 3e8, 3e8, 3e8, 3e8}, 2},
		{"a bounce", []time.Duration{0, 1e6, 1e6, 1e6, 1e6}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				press := 100 * time.Millisecond
				if c.name == "a bounce" {
					press = time.Millisecond / 2
				}
				board, err := simboard.New(simboard.Wiring{Cancel: "GPIO4"}, simboard.Physics{Press: press})
				if err != nil {
					t.Fatal(err)
				}
				cfg := config.Config{GPIO: config.GPIO{Driver: "sim", Service: "GPIO4"}}
				p, err := pins.Open(board, nil, "GPIO4")
				if err != nil {
					t.Fatal(err)
				}
				begin, asked := time.Now(), 0
				all, err := ServiceButton(cfg, p, func() fsm.Instant { return fsm.Instant(time.Since(begin)) },
					func() { asked++ })
				if err != nil || len(all) != 1 {
					t.Fatalf("%d contacts, %v", len(all), err)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- all[0].Follow(ctx) }()
				time.Sleep(time.Second)
				for _, d := range c.after {
					time.Sleep(d)
					if err := board.Press("cancel"); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(5 * time.Second)
				stop()
				<-ended
				if asked != c.asked {
					t.Errorf("asked %d times, want %d", asked, c.asked)
				}
			})
		})
	}
}
