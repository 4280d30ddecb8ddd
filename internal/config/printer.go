package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"kioskd/hw/printer"
)

// Printer is the receipt printer. Without a device there is none.
type Printer struct {
	Device   string // a USB printer's, "/dev/usb/lp0", or the path or pattern of a serial port; or ""
	Baud     int    // of the serial port; 0: it is a USB printer
	Width    int    // columns of its paper
	CodePage string // one of printer.CodePages
}

const (
	widthMin, widthMax   = 24, 64 // columns: the narrowest that a receipt can be read on, and small letters on 80 mm
	widthDefault         = 32     // of paper of 58 mm, and not too wide for any other
	codePageDefault      = "cp1252"
	printerBaudMin       = 1200
	printerBaudMax       = 921600
	printerDeviceExample = `"/dev/usb/lp0"`
)

func (t *table) printer(p *Printer) {
	t.port("device", &p.Device, isDevice)
	t.whole("baud", &p.Baud, printerBaudMin, printerBaudMax)
	t.whole("width", &p.Width, widthMin, widthMax)
	t.choice("code_page", &p.CodePage, printer.CodePages())
	if len(t.values) > 0 {
		t.need("device", printerDeviceExample, "the printer's device")
	}
	name := filepath.Base(p.Device)
	switch {
	case p.Device == "":
	case strings.HasPrefix(name, "lp") && t.has("baud"):
		t.fail("baud", "is for a serial port, and %s is a USB printer: leave it out", quote(p.Device))
	case strings.HasPrefix(name, "tty") || strings.Contains(p.Device, "/serial"):
		t.need("baud", "9600", "a serial port has the printer's speed, which its self-test prints")
	case !t.has("baud") && strings.ContainsAny(p.Device, "*?["):
		t.fail("device", "%s is a pattern, which only a serial port may be: write the printer's own name, like %s",
			quote(p.Device), printerDeviceExample)
	}
}

// isDevice is the rule of a device's name.
func isDevice(s string) string {
	if !strings.HasPrefix(s, "/") || isPath(s) != "" {
		return fmt.Sprintf("%s is no device: write its whole path, like %s", quote(s), printerDeviceExample)
	}
	return ""
}
