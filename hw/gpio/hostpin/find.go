package hostpin

import (
	"fmt"
	"slices"
	"strings"

	"kioskd/hw/gpio/pinname"
)

// spot is where a line is.
type spot struct {
	path, chip string // "/dev/gpiochip0", "gpiochip0"
	line       int
}

func (s spot) String() string { return fmt.Sprintf("line %d of %s", s.line, s.chip) }

// chip is a chip as the kernel describes it.
type chip struct {
	path, name, label string
	lines             []string // the name of each line, "" for none
}

func (c chip) spot(line int) spot { return spot{c.path, c.name, line} }

// isHeader reports whether the chip has a Raspberry Pi's header: its line n is GPIOn, whatever its name.
func (c chip) isHeader() bool {
	return slices.Contains([]string{"pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"}, c.label)
}

// find answers the one line that a name means. A line of that name comes first, the header's before any other chip's. GPIOn without
// such a line is line n of the header's chip, or of the chip that somebody chose.
func (b *Board) find(name string) (spot, error) {
	canonical, err := pinname.Canonical(name)
	if err != nil {
		return spot{}, fmt.Errorf("gpio: %w", err)
	}
	var found []spot
	for _, c := range b.chips {
		for line, called := range c.lines {
			if called == canonical && c.isHeader() {
				return c.spot(line), nil
			} else if called == canonical {
				found = append(found, c.spot(line))
			}
		}
	}
	n, numbered := pinname.Number(canonical)
	for _, c := range b.chips {
		if numbered && n < len(c.lines) && (c.isHeader() || b.chosen && len(found) == 0) {
			return c.spot(n), nil
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return spot{}, fmt.Errorf("gpio: no line is called %s: write a name that gpioinfo shows, or set chip: this computer has %s%s", canonical, describe(b.chips), also(b.hidden))
	default:
		return spot{}, fmt.Errorf("gpio: several lines are called %s (%s, %s): set chip to the right one", canonical, found[0], found[1])
	}
}

// describe names chips for people.
func describe(chips []chip) string {
	var all []string
	for _, c := range chips {
		all = append(all, fmt.Sprintf("%s (%q, %d lines)", c.name, c.label, len(c.lines)))
	}
	return strings.Join(all, ", ")
}

// also is what else went wrong.
func also(err error) string {
	if err == nil {
		return ""
	}
	return "; " + err.Error()
}
