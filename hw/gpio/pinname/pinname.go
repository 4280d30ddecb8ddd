// Package pinname knows the names of pins as a technician writes them.
//
// A pin of a Raspberry Pi has two: its number on the chip ("GPIO17") and its position on the 40-pin header ("P1_11");
// they are the same on every model with that header. Any other pin has the name of its line in the kernel, as gpioinfo
// shows it.
package pinname

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// Last is the last line of the chip with the most of them (RP1, Raspberry Pi 5); the header has GPIO0 to GPIO27.
	Last = 53
	// nameMax is what the kernel keeps of a line's name, in bytes.
	nameMax = 31
	// positions are the header's, counted from 1; index 0 is none.
	positions = 40
)

// header says which GPIO each position is; -1 is power or ground.
var header = [positions + 1]int{-1,
	-1, -1, 2, -1, 3, -1, 4, 14, -1, 15, 17, 18, 27, -1, 22, 23, -1, 24, 10, -1,
	9, 25, 11, 8, -1, 7, 0, 1, 5, -1, 6, 12, 13, -1, 19, 16, 26, 20, -1, 21}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Canonical answers the one name of a pin that has several: "GPIO17" for "GPIO17" and for "P1_11", a line's name for
// itself. The error says what to write instead.
func Canonical(s string) (string, error) {
	bare := strings.ToUpper(s)
	switch {
	case strings.HasPrefix(bare, "P1_"):
		return position(s)
	case only(strings.TrimLeft(strings.TrimPrefix(bare, "GPIO"), " _-"), "0123456789"):
		if n, ok := Number(s); ok && n <= Last {
			return s, nil
		}
	case s == "" || len(s) > nameMax || !strings.Contains(letters, s[:1]) || !only(s, letters+"0123456789_-.+/:"):
	default:
		return s, nil
	}
	return "", fmt.Errorf(
		"%.40q is no pin: write \"GPIO0\" to \"GPIO%d\" by the chip's number, \"P1_3\" to \"P1_40\" by the header's, "+
			"or a line's name as gpioinfo shows it", s, Last)
}

func position(s string) (string, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(s, "P1_"))
	if err != nil || n < 1 || n > positions || s != "P1_"+strconv.Itoa(n) {
		return "", fmt.Errorf("%.40q is no position of the header: write \"P1_3\" to \"P1_%d\"", s, positions)
	}
	if header[n] < 0 {
		return "", fmt.Errorf("%q is power or ground: write the position of a GPIO, like \"P1_11\"", s)
	}
	return "GPIO" + strconv.Itoa(header[n]), nil
}

// At is the pin at a position of the header, 1 to 40: "GPIO17" at 11; "" for power, ground, and what is no position.
func At(n int) string {
	if n < 1 || n > positions || header[n] < 0 {
		return ""
	}
	return "GPIO" + strconv.Itoa(header[n])
}

// Number is 17 for "GPIO17"; false for every other kind of name.
func Number(canonical string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(canonical, "GPIO"))
	return n, err == nil && n >= 0 && canonical == "GPIO"+strconv.Itoa(n)
}

func only(s, chars string) bool { return strings.Trim(s, chars) == "" }
