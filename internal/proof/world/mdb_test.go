package world

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"kioskd/fsm"
)

// TestNoSeedLosesMoneyAtAMachineOnABus plays worlds in which a vending machine chooses and delivers, with all its
// troubles.
func TestNoSeedLosesMoneyAtAMachineOnABus(t *testing.T) {
	const worlds = 120
	sums := newTally()
	ground := NewGround(t, t.TempDir())
	for seed := *fromFlag; seed < *fromFlag+worlds && t.Context().Err() == nil; seed++ {
		r := Play(t, seed, Options{Flow: string(fsm.Reservation), Bus: true, Ground: ground})
		sums.add(tale{Seed: seed, Result: &r})
		for _, v := range r.Violations {
			t.Errorf("seed=%d: %s\n%s", seed, v, r.Diary)
		}
		if t.Failed() {
			return
		}
	}
	t.Log(sums.text())
	for _, state := range []fsm.SaleState{fsm.Charged, fsm.Released, fsm.Cancelled, fsm.InDoubt} {
		if sums.total.Outcomes[string(state)] == 0 {
			t.Errorf("no sale ended %s: the worlds are too kind", state)
		}
	}
	kinds := 0
	for kind := range sums.total.Faults {
		if strings.HasPrefix(kind, "mdb ") {
			kinds++
		}
	}
	if kinds < 15 {
		t.Errorf("only %d kinds of trouble on the bus", kinds)
	}
}

// tapped is a line on which somebody changes what is said.
type tapped struct {
	io.ReadWriteCloser
	hear func(t *tapped, b []byte) []byte // what comes from the machine
	say  func(b []byte) []byte            // and what goes to it
}

func (t *tapped) Read(b []byte) (int, error) {
	n, err := t.ReadWriteCloser.Read(b[:len(b)/4]) // there is room for more
	if t.hear == nil || n == 0 {
		return n, err
	}
	return copy(b, t.hear(t, bytes.Clone(b[:n]))), err
}

func (t *tapped) Write(b []byte) (int, error) {
	if t.say == nil {
		return t.ReadWriteCloser.Write(b)
	}
	_, err := t.ReadWriteCloser.Write(t.say(b))
	return len(b), err
}

func tap(hear func(t *tapped, b []byte) []byte, say func(b []byte) []byte) func(io.ReadWriteCloser) io.ReadWriteCloser {
	return func(line io.ReadWriteCloser) io.ReadWriteCloser { return &tapped{line, hear, say} }
}

func TestTheRefereeCatchesOnABus(t *testing.T) {
	swap := func(old, new string) func(*tapped, []byte) []byte {
		return func(_ *tapped, b []byte) []byte { return bytes.ReplaceAll(b, []byte(old), []byte(new)) }
	}
	for _, c := range []struct {
		name string
		line func(io.ReadWriteCloser) io.ReadWriteCloser
		want string
	}{
		{"a request that is approved at once", tap(func(t *tapped, b []byte) []byte {
			if _, rest, ok := bytes.Cut(b, []byte("STATUS,VEND,")); ok {
				price, _, _ := bytes.Cut(rest, []byte(","))
				go func() { _, _ = t.Write([]byte("C,VEND," + string(price) + "\n")) }()
			}
			return b
		}, nil), "the journal knows no item that it is for"},
		{"an approval that is written twice", tap(nil, func(b []byte) []byte {
			if bytes.HasPrefix(b, []byte("C,VEND,")) {
				return append(bytes.Clone(b), b...)
			}
			return b
		}), "the journal knows no item that it is for"},
		{"another price than the machine's", tap(swap("16.00", "15.00"), nil), "the machine complains"},
		{"a failure that is taken for a success", tap(swap("c,ERR,VEND 3", "c,VEND,SUCCESS"), nil),
			"is charged, and did not come out"},
		{"a success that is taken for a failure", tap(swap("c,VEND,SUCCESS", "c,ERR,VEND 3"), nil),
			"came out past a sensor that works, and is not charged"},
		{"a success that is overheard", tap(swap("c,VEND,SUCCESS", "r,ACK"), nil),
			"is unknown, and nothing happened that explains it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ground := NewGround(t, t.TempDir())
			seen := map[string]bool{}
			for seed := uint64(1); seed <= tries; seed++ {
				for _, v := range Play(t, seed, Options{Flow: string(fsm.Reservation), Bus: true, Ground: ground,
					Line: c.line}).Violations {
					if strings.Contains(v, c.want) {
						t.Logf("seed=%d: %s", seed, v)
						return
					}
					seen[v] = true
				}
			}
			t.Errorf("not noticed in %d worlds; they had %d other violations: %.1000v", tries, len(seen), seen)
		})
	}
}

// TestASeedIsAWorldOnABusToo: whoever is given a seed sees what its finder saw.
func TestASeedIsAWorldOnABusToo(t *testing.T) {
	o := Options{Flow: string(fsm.Reservation), Bus: true, Ground: NewGround(t, t.TempDir())}
	for seed := *fromFlag; seed < *fromFlag+*twiceFlag; seed++ {
		first, second := moments(Play(t, seed, o)), moments(Play(t, seed, o))
		for n := range min(len(first), len(second)) {
			if first[n] != second[n] {
				t.Errorf("seed=%d differs:\n%s\n%s", seed, strings.Join(first[max(0, n-5):min(n+5, len(first))], "\n"),
					strings.Join(second[max(0, n-5):min(n+5, len(second))], "\n"))
				break
			}
		}
		if len(first) != len(second) {
			t.Errorf("seed=%d: %d and %d lines", seed, len(first), len(second))
		}
	}
}
