package config

// Display is what the customer looks at.
type Display struct {
	Driver string // "terminal", "png", "framebuffer", "ssd1306", "epd" or "none"
	// terminal: a tty, or "" for the standard output; png: the picture's file; framebuffer: its device; ssd1306, epd:
	// the bus
	Device string
	// columns and rows of a terminal that does not say its size, or 0; png: pixels; framebuffer: pixels, or 0 for all
	Width, Height int
	Rotation      int    // framebuffer: 0, 90, 180 or 270 degrees clockwise; ssd1306, epd: 0 or 180
	Address       int    // ssd1306: 0x3c or 0x3d
	Panel         string // epd: "waveshare2in13v2" or "waveshare2in13v4"

	DC, Reset, Busy string // epd: pins
}

// A picture smaller than this holds no QR code that a phone could read.
const pictureWidthMin, pictureHeightMin = 128, 64

// pixelsMax bounds a picture to 64 MiB of memory, and a terminal to what none has.
const pixelsMax = 4096

// panels are those that package display can drive.
var panels = []string{"waveshare2in13v2", "waveshare2in13v4"}

func (t *table) display(d *Display) {
	t.choice("driver", &d.Driver, []string{"terminal", "none", "png", "framebuffer", "ssd1306", "epd"})
	t.text("device", &d.Device)
	widthMin, heightMin := 1, 1
	switch d.Driver {
	case "terminal":
		t.alone("device", d.Device)
	case "png":
		t.need("device", `"/run/kioskd/screen.png"`, "the file that the picture is written to")
		t.need("width", "800", "pixels")
		t.need("height", "480", "pixels")
		widthMin, heightMin = pictureWidthMin, pictureHeightMin
	case "framebuffer":
		t.need("device", `"/dev/fb0"`, "the framebuffer")
		widthMin, heightMin = pictureWidthMin, pictureHeightMin
	case "ssd1306":
		t.need("device", `"/dev/i2c-1"`, "the I²C bus that the panel is on")
	case "epd":
		t.need("device", `"/dev/spidev0.0"`, "the SPI port that the panel is on")
		t.need("panel", `"waveshare2in13v4"`, "which panel it is")
		t.need("dc", `"GPIO25"`, "the pin that the board calls DC")
		t.need("reset", `"GPIO17"`, "the pin that the board calls RST")
		t.need("busy", `"GPIO24"`, "the pin that the board calls BUSY")
	}
	t.whole("width", &d.Width, widthMin, pixelsMax)
	t.whole("height", &d.Height, heightMin, pixelsMax)
	switch t.whole("rotation", &d.Rotation, 0, 270); {
	case d.Rotation%90 != 0:
		t.fail("rotation", "%d is no quarter of a turn: write 0, 90, 180 or 270", d.Rotation)
	case d.Rotation%180 != 0 && (d.Driver == "ssd1306" || d.Driver == "epd"):
		t.fail("rotation",
			"%d would leave no room for a QR code on this panel: write 0, or 180 when it hangs upside down", d.Rotation)
	}
	if t.whole("address", &d.Address, 0, 0x7f) && d.Address != 0x3c && d.Address != 0x3d {
		t.fail("address", "%#x is no address of such a panel: write 0x3c or 0x3d", d.Address)
	}
	t.choice("panel", &d.Panel, panels)
	t.pin("dc", &d.DC)
	t.pin("reset", &d.Reset)
	t.pin("busy", &d.Busy)
}
