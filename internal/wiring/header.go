package wiring

import "kioskd/hw/gpio/pinname"

// headerPins is the length of the header.
const headerPins = 40

// label is what stands beside a pin of the header.
func label(position int) string {
	if name := pinname.At(position); name != "" {
		return name
	}
	switch position {
	case 1, 17:
		return "3.3 V"
	case 2, 4:
		return "5 V"
	}
	return "GND"
}

// place is where a line is on the header, 1 to 40; 0: it is not on it.
func place(pin string) int {
	if pin == "" {
		return 0
	}
	for n := range headerPins {
		if pinname.At(n+1) == pin {
			return n + 1
		}
	}
	return 0
}

// pulledUpAtReset: of the header's lines GPIO0 to GPIO8 are pulled up until somebody says otherwise, GPIO9 to GPIO27
// down.
func pulledUpAtReset(line int) bool { return line <= 8 }
