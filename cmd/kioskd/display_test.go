package main

import (
	"strings"
	"testing"

	"kioskd/hw/display"
	"kioskd/internal/config"
)

// TestADisplayThatIsNotThereYetIsTriedAgain: its driver is there, so what is connected later is used later; and the
// first error says what to do.
func TestADisplayThatIsNotThereYetIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		config.Display
		want string
	}{
		{config.Display{Driver: "framebuffer", Device: "/dev/fb254"}, "its driver loaded"},
		{config.Display{Driver: "framebuffer", Device: "/dev/null"}, "is no framebuffer"},
		{config.Display{Driver: "ssd1306", Device: "/dev/i2c-254"}, "dtparam=i2c_arm=on"},
		{config.Display{Driver: "epd", Device: "/dev/spidev254.0", Panel: "waveshare2in13v4"}, "dtparam=spi=on"},
	} {
		d, err := openDisplay(config.Config{Display: c.Display})
		if d == nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Fatalf("%+v: %v, %v", c.Display, d, err)
		}
		if err := d.Show(display.Screen{Kind: display.Done}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: a picture: %v", c.Display, err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("%+v: the end: %v", c.Display, err)
		}
	}
	for _, c := range []config.Display{
		{Driver: "framebuffer", Rotation: 1}, {Driver: "ssd1306", Rotation: 90}, {Driver: "epd", Panel: "none"},
		{Driver: "png"},
		{Driver: "terminal", Device: "/nowhere/tty"},
	} {
		if d, err := openDisplay(config.Config{Display: c}); d != nil || err == nil {
			t.Errorf("%+v: %v, %v", c, d, err)
		}
	}
}

// TestEveryPanelOfTheConfigIsOne that package display can drive.
func TestEveryPanelOfTheConfigIsOne(t *testing.T) {
	for _, panel := range display.EPDPanels() {
		if !strings.Contains(config.Example, panel) {
			t.Errorf("the example does not name %s", panel)
		}
	}
}
