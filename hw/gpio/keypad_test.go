package gpio

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
	"kioskd/hw/wire"
)

var phone = simboard.Keypad{
	Rows: []string{"GPIO5", "GPIO6", "GPIO13", "GPIO19"}, Columns: []string{"GPIO12", "GPIO16", "GPIO20", "GPIO21"},
	Keys: []string{"123A", "456B", "789C", "*0#D"},
}

// keys is a keypad with a finger before it.
type keys struct {
	t     *testing.T
	board *simboard.Board
	pad   *Keypad
	pins  map[string]*counted

	mu   sync.Mutex
	told string
}

// counted is a pin that counts what is asked of it.
type counted struct {
	periph.PinIO
	mu   sync.Mutex
	uses int
	fail error
}

func (c *counted) use() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uses++
	return c.fail
}

func (c *counted) Out(l periph.Level) error {
	if err := c.use(); err != nil {
		return err
	}
	return c.PinIO.Out(l)
}

func (c *counted) Read() periph.Level {
	_ = c.use()
	return c.PinIO.Read()
}

// typing runs a test with a keypad that is followed.
func typing(t *testing.T, physics simboard.Physics, before, test func(k *keys)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(simboard.Wiring{Keypad: phone}, physics)
		if err != nil {
			t.Fatal(err)
		}
		k := &keys{t: t, board: board, pins: map[string]*counted{},
			pad: &Keypad{Keys: phone.Keys, Hold: 20 * time.Millisecond}}
		pin := func(name string) periph.PinIO {
			p, err := board.Pin(name)
			if err != nil {
				t.Fatal(err)
			}
			k.pins[name] = &counted{PinIO: p}
			return k.pins[name]
		}
		for _, name := range phone.Rows {
			limited, err := Limit(pin(name), wire.RowMax)
			if err != nil {
				t.Fatal(err)
			}
			k.pad.Rows = append(k.pad.Rows, limited)
		}
		for _, name := range phone.Columns {
			k.pad.Columns = append(k.pad.Columns, pin(name))
		}
		before(k)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- k.pad.Follow(ctx, func(key rune) {
				k.mu.Lock()
				defer k.mu.Unlock()
				k.told += string(key)
			})
		}()
		time.Sleep(time.Second)
		test(k)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the end: %v", err)
		}
	})
}

func nothing(*keys) {}

// press presses keys at once.
func (k *keys) press(which string) {
	k.t.Helper()
	for _, key := range which {
		if err := k.board.Press("key " + string(key)); err != nil {
			k.t.Fatal(err)
		}
	}
}

// expect takes what was told since the last time.
func (k *keys) expect(want string) {
	k.t.Helper()
	time.Sleep(time.Second)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.told != want {
		k.t.Errorf("the keypad told %q, want %q", k.told, want)
	}
	k.told = ""
}

func TestEachKeyIsToldOnce(t *testing.T) {
	typing(t, simboard.Physics{}, nothing, func(k *keys) {
		for _, key := range strings.Join(phone.Keys, "") {
			k.press(string(key))
			k.expect(string(key))
		}
		k.press("5")
		k.press("5") // the finger comes back for it
		k.expect("55")
	})
}

func TestAKeyThatIsHeldIsOneKeyAndCostsNothing(t *testing.T) {
	typing(t, simboard.Physics{Press: time.Hour}, nothing, func(k *keys) {
		k.press("9")
		k.expect("9")
		uses := k.uses()
		time.Sleep(time.Minute)
		synctest.Wait()
		if more := k.uses() - uses; more != 0 {
			t.Errorf("while a key was held the pins were used %d times in a minute", more)
		}
		time.Sleep(time.Hour)
		k.expect("")
		uses = k.uses()
		time.Sleep(time.Hour)
		synctest.Wait()
		if more := k.uses() - uses; more != 0 {
			t.Errorf("while nothing moved the pins were used %d times in an hour", more)
		}
	})
}

func (k *keys) uses() (n int) {
	for _, p := range k.pins {
		p.mu.Lock()
		n += p.uses
		p.mu.Unlock()
	}
	return n
}

func TestTwoKeysAtOnceAreNoKey(t *testing.T) {
	for _, both := range []string{"12", "14", "15", "1D", "159"} { // a row, a column, neither; more than two
		typing(t, simboard.Physics{}, nothing, func(k *keys) {
			k.press(both)
			k.expect("")
			k.press("7")
			k.expect("7")
		})
	}
}

func TestThreeKeysFeignNoFourth(t *testing.T) {
	typing(t, simboard.Physics{}, nothing, func(k *keys) {
		k.press("124") // 5 has current, too
		k.expect("")
	})
	typing(t, simboard.Physics{Press: 3 * time.Second}, nothing, func(k *keys) {
		k.press("1")
		k.expect("1")
		k.press("24") // while it is held
		k.expect("")
	})
}

func TestAKeyThatIsDownAtTheStartIsNoPress(t *testing.T) {
	typing(t, simboard.Physics{Press: 10 * time.Second}, func(k *keys) {
		k.press("3")
		time.Sleep(time.Second)
	}, func(k *keys) {
		k.press("8")
		k.expect("")
		time.Sleep(20 * time.Second)
		k.press("8")
		k.expect("8")
	})
}

func TestATouchTooShortForAFingerIsNoKey(t *testing.T) {
	typing(t, simboard.Physics{Press: 5 * time.Millisecond}, nothing, func(k *keys) {
		k.press("6")
		k.expect("")
	})
}

func TestAKeypadThatFailsSaysSo(t *testing.T) {
	broken := errors.New("broken")
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(simboard.Wiring{
			Keypad: simboard.Keypad{Rows: []string{"R"}, Columns: []string{"C"}, Keys: []string{"1"}}},
			simboard.Physics{})
		if err != nil {
			t.Fatal(err)
		}
		pin := func(name string) *counted {
			p, err := board.Pin(name)
			if err != nil {
				t.Fatal(err)
			}
			return &counted{PinIO: p}
		}
		row := pin("R")
		pad := &Keypad{Rows: []periph.PinOut{row}, Columns: []periph.PinIn{pin("C")}, Keys: []string{"1"},
			Hold: 20 * time.Millisecond}
		ended := make(chan error, 1)
		go func() { ended <- pad.Follow(t.Context(), func(key rune) { t.Errorf("a row that fails told %q", key) }) }()
		time.Sleep(time.Second)
		row.mu.Lock()
		row.fail = broken
		row.mu.Unlock()
		if err := board.Press("key 1"); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, broken) || !strings.Contains(err.Error(), "R") {
			t.Errorf("it ended with %v", err)
		}
		if err := pad.Follow(t.Context(), nil); !errors.Is(err, broken) {
			t.Errorf("it began with %v", err)
		}
	})
}

func TestAKeypadThatCannotWorkIsRefused(t *testing.T) {
	pins := func(n int) (rows []periph.PinOut, columns []periph.PinIn) {
		return make([]periph.PinOut, n), make([]periph.PinIn, n)
	}
	for name, change := range map[string]func(k *Keypad){
		"no rows":          func(k *Keypad) { k.Rows = nil },
		"no columns":       func(k *Keypad) { k.Columns = nil },
		"too many rows":    func(k *Keypad) { k.Rows, _ = pins(9); k.Keys = slices.Repeat([]string{"1234"}, 9) },
		"too few keys":     func(k *Keypad) { k.Keys = k.Keys[:3] },
		"a short row":      func(k *Keypad) { k.Keys = []string{"123A", "456B", "789", "*0#D"} },
		"no time to stand": func(k *Keypad) { k.Hold = 16 * time.Millisecond },
	} {
		k := Keypad{Keys: phone.Keys, Hold: 20 * time.Millisecond}
		k.Rows, k.Columns = pins(4)
		if err := k.Check(); err != nil {
			t.Fatal(err)
		}
		change(&k)
		if err := k.Follow(t.Context(), nil); err == nil {
			t.Errorf("%s: it is followed", name)
		}
	}
}
