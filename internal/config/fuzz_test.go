package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kioskd/fsm"
	"kioskd/hw/gpio/pinname"
	"kioskd/hw/vend"
	"kioskd/hw/vend/board"
	"kioskd/hw/vend/lock"
	"kioskd/hw/vend/lockboard"
	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/relay"
	"kioskd/internal/drivers"
	"kioskd/internal/money"
)

// FuzzParse holds that Parse never panics, that whatever loads can be run, and that whatever does not load is
// explained.
func FuzzParse(f *testing.F) {
	for _, s := range []string{Example, minimal, minimal + secondSlot, "", "slot = [{id = \"A1\"}, 3, [[]]]",
		"a.b.c = 1\n[a.b]\n[[a.b.c]]",
		"[[slot]]\n[slot.vend]\n[slot.vend]", "\"\" = 1\n'a.b' = {c = {d = [1, {e = 2}]}}", "[[slot]]\n[[slot.vend]]\n",
		"slot = 1\nmachine = []",
		strings.Replace(minimal, "[gpio]", "[[gpio]]", 1), "\ufeff", "[machine]\ncurrency = \"sek\"",
		"name = '''\n'''\nname = 1"} {
		f.Add(s)
	}
	f.Add(strings.Replace(minimal, "[gpio]",
		"[keypad]\nrows = [\"GPIO1\"]\ncolumns = [\"GPIO2\", \"GPIO3\"]\nkeys = [\"A1\"]\n[temperature]\nsensor = "+
			"\"28-0316a2795caf\"\nmax = 1e1\n[gpio]", 1))
	f.Fuzz(func(t *testing.T, content string) {
		c, err := Parse("k.toml", []byte(content), "/etc/kioskd", drivers.All())
		if err == nil {
			runnable(t, c)
			return
		}
		var all Errors
		if !errors.As(err, &all) || len(all) == 0 || len(all) > problemsMax+1 {
			t.Fatalf("not an explanation: %v", err)
		}
		lines := strings.Count(content, "\n") + 1
		for _, p := range all {
			if p.File != "k.toml" || p.Message == "" || p.Line < 0 || p.Line > lines || len(p.String()) > 4*textMax ||
				!utf8.ValidString(p.String()) {
				t.Errorf("a poor explanation: %q", p.String())
			}
			if strings.ContainsAny(p.String(), "\n\r\x1b") {
				t.Errorf("an explanation of more than one line, or one that moves the cursor: %q", p.String())
			}
		}
	})
}

// runnable holds what the rest of the program takes for granted.
func runnable(t *testing.T, c Config) {
	t.Helper()
	must := func(ok bool, what string) {
		t.Helper()
		if !ok {
			t.Errorf("%s: %+v", what, c)
		}
	}
	must(c.Machine.Name != "" && c.Machine.Currency != "" && money.Known(c.Machine.Currency) &&
		c.Machine.Timezone != nil, "machine")
	must(c.Machine.Language == "en" || c.Machine.Language == "sv", "language")
	must(c.Glase.Timeout > 0 && c.Glase.Timeout <= 3*time.Second && c.Glase.ReservationTimeout%time.Second == 0,
		"timeouts")
	must(strings.HasPrefix(c.Glase.Endpoint, "http") && c.Glase.ClientID != "", "glase")
	must((c.UPS.TLSCert == "") == (c.UPS.TLSKey == "") && (c.Debug.TLSCert == "") == (c.Debug.TLSKey == ""),
		"half a TLS")
	must((c.UPS.Listen == "") == (c.UPS.PublicURL == ""), "half a listener")
	must(c.UPS.Listen == "" || localListen(c.UPS.Listen) || c.UPS.BehindProxy || c.UPS.TLSCert != "",
		"payments over plain HTTP")
	must(localListen(c.Debug.Listen) || c.Debug.TLSCert != "" && c.Debug.TokenFile != "", "an open technicians' port")
	must(c.Display.Driver != "epd" || c.Display.Panel != "" && c.Display.DC != "" && c.Display.Reset != "" &&
		c.Display.Busy != "", "half an electronic paper")
	must(c.Display.Rotation%90 == 0 && (c.Display.Driver == "terminal" || c.Display.Driver == "none" ||
		c.Display.Device != ""), "display")
	must(c.Journal.Path != "" && c.Debug.Socket != "" && c.GPIO.Driver == "sim", "paths and pins")
	switch c.Payment.Flow {
	case Reservation:
		must(c.Machine.Token != "" && c.Glase.MerchantID != "" && c.UPS.PublicURL != "" &&
			c.Payment.ReserveMax.Minor > 0, "reservation")
		must(c.Payment.PINTimeout+c.Payment.ChooseTimeout < c.Glase.ReservationTimeout,
			"the reservation ends too early")
	case Sticker:
		must(c.Payment.SeqrID != "", "sticker")
	default:
		must(c.Payment.Flow == Invoice, "flow")
	}
	must(len(c.Slots) >= 1 && len(c.Slots) <= slotsMax, "slots")
	ids, pins := map[string]bool{}, map[string]bool{}
	wires := []string{c.GPIO.Door, c.GPIO.Tilt, c.GPIO.Cancel, c.GPIO.Retry, c.Display.DC, c.Display.Reset,
		c.Display.Busy}
	for _, s := range c.Slots {
		must(s.ID != "" && !ids[s.ID], "slot id")
		ids[s.ID] = true
		must(s.Name != "" && utf8.RuneCountInString(s.Name) <= nameMax, "slot name")
		must(s.Price.Minor > 0 && s.Price.Currency == c.Machine.Currency, "price")
		must(c.Payment.Flow != Reservation || !c.Payment.ReserveMax.Less(s.Price), "a price above what can be reserved")
		must(s.Stock >= 0 && s.Stock <= fsm.StockMax && (s.VAT == nil || *s.VAT >= 0 && *s.VAT <= 100), "stock and VAT")
		must(s.AtMachine || s.MaxOn >= 50*time.Millisecond && s.MaxOn <= 30*time.Second, "max_on")
		must(len(s.strays) == 0, "something for another driver")
		switch v := s.Vend.(type) {
		case relay.Config:
			must(v.Relay != "" && v.Drop != "" && (v.Home != "" || !v.RetryTurn), "relay")
		case mdb.Config:
			must(s.MaxOn == 0 && s.Button == "", "a wire to a machine that has its own")
			must(c.Payment.Flow == Reservation && device(c, "mdb") != "" && v.Product >= 0 && v.Product <= 65535, "mdb")
		case board.Config:
			must(device(c, "board") != "" && v.Motor >= 0 && v.Motor <= board.MotorMax, "board")
		case lockboard.Config:
			must(device(c, "lock_board") != "" && v.Lock >= 1 && v.Lock <= lockboard.LocksMax, "lock board")
		case lock.Config:
			must(v.Relay != "" && v.Opened != "" && v.Pulse < s.MaxOn && v.Close >= time.Second &&
				v.Close <= vend.CloseMax, "lock")
		case nil:
			t.Errorf("a slot that nothing comes out of: %+v", c)
		}
		for _, w := range s.Wires() {
			wires = append(wires, w.Pin)
		}
	}
	must(len(c.Keypad.Keys) == len(c.Keypad.Rows) && (len(c.Keypad.Rows) == 0) == (len(c.Keypad.Columns) == 0),
		"keypad")
	wires = slices.Concat(wires, c.Keypad.Rows, c.Keypad.Columns)
	must(c.Temperature.Sensor == "" || c.Temperature.Max-c.Temperature.Min >= 2*Hysteresis &&
		c.Temperature.Hold >= holdMin, "temperature")
	must(c.Temperature.Sensor != "" || !slices.ContainsFunc(c.Slots, func(s Slot) bool { return s.Perishable }),
		"perishables without a sensor")
	for _, w := range wires {
		name, err := pinname.Canonical(w)
		must(w == "" || err == nil && !pins[name], "pin "+w)
		pins[name] = true
	}
}

func device(c Config, section string) string {
	device, _ := c.Boards[section].Line()
	return device
}
