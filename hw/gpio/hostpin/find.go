package hostpin

import (
	"fmt"
	"path/filepath"
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
	links             []string // other names of its device: "gpiochip4" on a Raspberry Pi 5 whose gpiochip0 it is
	lines             []string // the name of each line, "" for none
}

func (c chip) String() string { return fmt.Sprintf("%s (%q)", c.name, c.label) }

// numberedAs reports whether a name is the chip's device, whose number another kernel may give to another chip.
func (c chip) numberedAs(name string) bool {
	device := strings.TrimPrefix(name, filepath.Dir(c.path)+"/")
	return device == c.name || slices.Contains(c.links, device)
}

func (c chip) spot(line int) spot { return spot{c.path, c.name, line} }

// ofPi are labels, up to their "@", of a Raspberry Pi's chips that are not the header's: they drive its radio, its
// power and its lamps.
var ofPi = []string{"gpio-brcmstb", "raspberrypi-exp-gpio", "brcmvirt-gpio"}

// isHeader reports whether the chip has a Raspberry Pi's header: its line n is GPIOn, whatever its name.
func (c chip) isHeader() bool {
	return slices.Contains([]string{"pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"}, c.label)
}

// find answers the one line that a name means. A line of that name comes first, the header's before any other chip's.
// GPIOn without such a line is line n of the header's chip, or where there is none of the chip that somebody chose (see
// bare).
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
		if numbered && n < len(c.lines) && c.isHeader() {
			return c.spot(n), nil
		}
	}
	if numbered && b.chosen && len(found) == 0 && n < len(b.chips[0].lines) {
		return b.bare(name, n)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return spot{}, fmt.Errorf(
			"gpio: no line is called %s: write a name that gpioinfo shows, or set chip: this computer has %s%s",
			canonical, describe(b.chips), also(b.hidden))
	default:
		return spot{}, fmt.Errorf("gpio: several lines are called %s (%s, %s): set chip to the right one", canonical,
			found[0], found[1])
	}
}

// bare answers the line of a number on the chip that somebody chose, which is not the header's: on a computer without
// such a header, or on an expander that is chosen by its label. A pin of the header that would be another chip's line
// is refused.
func (b *Board) bare(name string, n int) (spot, error) {
	c := b.chips[0]
	label, _, _ := strings.Cut(c.label, "@")
	position := strings.HasPrefix(name, "P1_")
	switch called := c.lines[n]; {
	case slices.Contains(ofPi, label), b.header != "" && (position || b.byNumber):
		right := "leave chip out"
		if b.header != "" {
			right = fmt.Sprintf("write chip = %q, or leave chip out", b.header)
		}
		return spot{}, fmt.Errorf("gpio: %s is a pin of the header, and %s is another chip: %s; "+
			"a line of that chip is written by its name, as gpioinfo shows it", name, c, right)
	case called != "" && called != "-":
		return spot{}, fmt.Errorf("gpio: %s is not on the chip %s, whose line %d is called %s: "+
			"write that name if it is meant, or leave chip out", name, c, n, called)
	}
	return c.spot(n), nil
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
