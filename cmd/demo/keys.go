package main

import "strings"

// deed is something that the customer, or whoever watches, can do by one key.
type deed string

const (
	scanQR        deed = "scan"
	confirmPIN    deed = "confirm"
	cancelOnPhone deed = "cancel on the phone"
	pressProduct  deed = "press" // with the slot's number
	pressCancel   deed = "cancel on the machine"
	toggleJam     deed = "jam"
	toggleDoor    deed = "door"
	toggleHelp    deed = "help"
	quit          deed = "quit"
)

// keystroke is a deed, and for pressProduct the slot's place among slots().
type keystroke struct {
	deed deed
	slot int
}

// The control characters that end a program in a terminal, which in raw mode is ours to do.
const (
	ctrlC  = 3
	ctrlD  = 4
	escape = 0x1b
)

// keys are the keystrokes in what a terminal sent at a time. Arrows, function keys and the like begin with an escape;
// what follows it are no keys of their own ("Home" is ESC [ 1 ~), so the rest is dropped.
func keys(sent []byte) []keystroke {
	var all []keystroke
	for _, c := range []byte(strings.ToLower(string(sent))) {
		k := keystroke{}
		switch c {
		case escape:
			return all
		case 's':
			k.deed = scanQR
		case 'p':
			k.deed = confirmPIN
		case 'x':
			k.deed = cancelOnPhone
		case 'c':
			k.deed = pressCancel
		case 'j':
			k.deed = toggleJam
		case 'o':
			k.deed = toggleDoor
		case 'h', '?':
			k.deed = toggleHelp
		case 'q', ctrlC, ctrlD:
			k.deed = quit
		default:
			n := int(c) - '1'
			if n < 0 || n >= len(slots()) {
				continue
			}
			k = keystroke{pressProduct, n}
		}
		all = append(all, k)
	}
	return all
}
