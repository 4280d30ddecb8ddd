package app

import (
	"testing"
	"time"

	"kioskd/hw/display"
	"kioskd/internal/config"
)

func withKeypad(cfg *config.Config) {
	cfg.Keypad = config.Keypad{Rows: []string{"GPIO7", "GPIO8", "GPIO9", "GPIO10"},
		Columns: []string{"GPIO11", "GPIO14", "GPIO15", "GPIO18"},
		Keys:    []string{"123A", "456B", "789C", "*0#D"}, Clear: "*"}
}

// TestACustomerTypesWhatToBuy sells two products by their ids.
func TestACustomerTypesWhatToBuy(t *testing.T) {
	playWith(t, "reservation", withKeypad, func(w *world) {
		ref := w.scan()
		w.confirm(ref)
		w.press("key A")
		if s := w.screen.now(); s.Kind != display.Choose || s.Typed != "A" {
			t.Errorf("the display shows %v %q", s.Kind, s.Typed)
		}
		w.press("key 9")
		if s := w.screen.now(); s.Typed != "" || s.Notice != "unknown_code" || display.Text(s).Notice == "" {
			t.Errorf("the display shows %q %q", s.Typed, s.Notice)
		}
		for _, key := range []string{"A", "1"} {
			w.press("key " + key)
		}
		time.Sleep(6 * time.Second)
		for _, key := range []string{"A", "2"} {
			w.press("key " + key)
		}
		w.settled()
		w.money(ref, 1500+2250)
		if p := w.pin("keypad row 1"); p.Active == false || p.Changed.IsZero() {
			t.Errorf("a row that rests: %+v", p)
		}
	})
}
