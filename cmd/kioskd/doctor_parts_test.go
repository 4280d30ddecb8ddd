package main

import (
	"reflect"
	"slices"
	"testing"

	"kioskd/hw/vend/relay"
	"kioskd/internal/config"
	"kioskd/internal/doctor"
	"kioskd/internal/drivers"
)

// TestTheDoctorForgetsNoPartOfTheConfig: pins and devices are found by walking the config, under the keys that the file
// has.
func TestTheDoctorForgetsNoPartOfTheConfig(t *testing.T) {
	cfg, err := config.Parse("example.toml", []byte(config.Example), "/etc/kioskd", drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	pins := pinsOf(cfg)
	for _, want := range []doctor.Pin{{Name: "GPIO26", Role: "gpio.door"}, {Name: "GPIO17", Role: "slot A1.vend.relay"},
		{Name: "GPIO6", Role: "slot A2.button"}} {
		if !slices.Contains(pins, want) {
			t.Errorf("no %v in %v", want, pins)
		}
	}
	if len(serials(cfg)) != 0 || len(oneWire(cfg)) != 0 {
		t.Errorf("%v, %v", serials(cfg), oneWire(cfg))
	}
	for _, c := range []struct {
		printer       config.Printer
		usb, onSerial int
		group         string
	}{
		{config.Printer{Device: "/dev/usb/lp0"}, 1, 0, "lp"},
		{config.Printer{Device: "/dev/ttyUSB0", Baud: 9600}, 0, 1, "dialout"},
		{config.Printer{Width: 32}, 0, 0, ""},
	} {
		cfg.Printer = c.printer
		group := slices.ContainsFunc(needs(cfg), func(n doctor.Need) bool { return n.Group == c.group })
		if len(usbPrinter(c.printer)) != c.usb || len(serials(cfg)) != c.onSerial || group != (c.group != "") {
			t.Errorf("%+v: %v, %v, %v", c.printer, usbPrinter(c.printer), serials(cfg), needs(cfg))
		}
	}
	type line struct {
		Device string
		Baud   int
	}
	got := map[string]string{}
	each(reflect.ValueOf(struct {
		LockBoard line
		Boards    map[string]line
		Slots     []config.Slot
		Pins      []config.Pin
	}{line{"/dev/ttyS0", 9600}, map[string]line{"new_board": {"/dev/ttyS1", 9600}},
		[]config.Slot{{ID: "A1", Button: "GPIO5", Vend: relay.Config{Drop: "GPIO6"}}}, []config.Pin{{Name: "GPIO5"}}}),
		"", func(key, text string) {
			if text != "" {
				got[key] = text
			}
		})
	want := map[string]string{"Lock_Board.Device": "/dev/ttyS0", "new_board.Device": "/dev/ttyS1",
		"slot A1.ID": "A1", "slot A1.Button": "GPIO5", "slot A1.Vend.Drop": "GPIO6"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
