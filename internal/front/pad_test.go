package front

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/reason"
)

// typist is a pad, and what it did.
type typist struct {
	Pad
	chosen []string
	typed  string
	notice reason.Why
}

func newTypist(enter string, slots ...string) *typist {
	y := &typist{}
	y.Pad = Pad{slots: slots, clear: "*", enter: enter,
		choose: func(slot string) bool { y.chosen = append(y.chosen, slot); return true },
		show:   func(typed string, notice reason.Why) { y.typed, y.notice = typed, notice }}
	return y
}

// shows is what the display shows.
func (y *typist) shows() (typed string, notice reason.Why) {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.typed, y.notice
}

func (y *typist) keys(text string) {
	for _, k := range text {
		y.Key(k)
	}
}

func TestAnIdIsChosenOnceItIsTyped(t *testing.T) {
	for _, c := range []struct {
		enter, keys string
		chosen      []string
		typed       string
		notice      reason.Why
	}{
		{"", "A1", []string{"A1"}, "", ""},
		{"", "A", nil, "A", ""},
		{"", "A*A2", []string{"A2"}, "", ""},
		{"", "A1A2", []string{"A1", "A2"}, "", ""},
		{"", "AA", nil, "", reason.UnknownCode},
		{"", "9", nil, "", reason.UnknownCode},
		{"", "9A1", []string{"A1"}, "", ""},
		{"#", "1", nil, "1", ""}, // 12 begins with it
		{"#", "1#", []string{"1"}, "", ""},
		{"#", "12", []string{"12"}, "", ""},
		{"#", "A#", nil, "", reason.UnknownCode},
		{"#", "#", nil, "", ""},
		{"#", "A1#", []string{"A1"}, "", ""}, // the end of what was chosen already is no other choice
		{"#", "1*2", nil, "", reason.UnknownCode},
	} {
		synctest.Test(t, func(t *testing.T) {
			y := newTypist(c.enter, "A1", "A2", "1", "12")
			if c.enter == "" {
				y.slots = y.slots[:2]
			}
			y.keys(c.keys)
			if typed, notice := y.shows(); !slices.Equal(y.chosen, c.chosen) || typed != c.typed || notice != c.notice {
				t.Errorf("%q chose %q and shows %q %q, want %q and %q %q", c.keys, y.chosen, typed, notice, c.chosen,
					c.typed, c.notice)
			}
			time.Sleep(time.Hour)
		})
	}
}

func TestWhatIsTypedHalfIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newTypist("", "A1", "A2", "B1", "AB1")
		y.keys("A")
		time.Sleep(typedFor - time.Second)
		y.keys("B") // which begins the time anew
		time.Sleep(typedFor - time.Second)
		synctest.Wait()
		if typed, _ := y.shows(); typed != "AB" {
			t.Errorf("%q is left, want AB", typed)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if typed, _ := y.shows(); typed != "" {
			t.Errorf("%q is left", typed)
		}
		y.keys("B1")
		if !slices.Equal(y.chosen, []string{"B1"}) {
			t.Errorf("it chose %q", y.chosen)
		}
		y.keys("9")
		time.Sleep(typedFor)
		synctest.Wait()
		if _, notice := y.shows(); notice != "" {
			t.Errorf("%q still stands on the display", notice)
		}
	})
}
