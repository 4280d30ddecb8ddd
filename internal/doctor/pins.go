package doctor

import (
	"fmt"
	"strings"
)

// Line is what the kernel says of a pin's line.
type Line struct {
	Pin  Pin
	At   string // "line 17 of gpiochip0"
	By   string // who holds it; "": nobody
	Err  error  // why there is none, with the remedy
	Ours bool   // By is a kioskd
}

// Pins finds pins that this computer does not have, and pins that somebody else holds. running: a kioskd should hold
// them now.
func Pins(lines []Line, err error, running bool) []Finding {
	const area = "pins"
	if err != nil {
		return []Finding{Failed(area, strings.TrimPrefix(err.Error(), "gpio: "),
			"run this as root; then look at [gpio] chip, and at what gpioinfo shows")}
	}
	var found []Finding
	held := 0
	for _, l := range lines {
		what := fmt.Sprintf("%s (%s)", l.Pin.Name, l.Pin.Role)
		switch {
		case l.Err != nil:
			found = append(found, Failed(area, what+": "+strings.TrimPrefix(l.Err.Error(), "gpio: "),
				"look at [gpio] chip, and at what gpioinfo shows"))
		case l.Ours && running:
			held++
		case l.Ours:
			found = append(found, Warned(area, fmt.Sprintf("%s is held by a kioskd that does not run with this config",
				what), "look for it: ps -C kioskd -f"))
		case l.By != "":
			found = append(found, Failed(area, fmt.Sprintf("%s, %s, is held by %q", what, l.At, l.By),
				"stop that program, take its line out of config.txt, or wire the part to another pin"))
		}
	}
	if len(found) > 0 {
		return found
	}
	if running {
		return []Finding{Ok(area, fmt.Sprintf("this computer has all %d pins, and kioskd holds %d of them", len(lines),
			held))}
	}
	return []Finding{Ok(area, fmt.Sprintf("this computer has all %d pins, and nobody holds one", len(lines)))}
}
