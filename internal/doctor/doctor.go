// Package doctor looks at what a kiosk depends on, and says of each thing whether it is right, with the remedy where it
// is not.
//
// Each check is a plain function that is given what it shall look at, a root folder for the system's files included,
// and answers findings. No check changes anything but a file of its own that it writes and takes away again; none
// requests a pin, opens a serial port or moves money, so all are safe beside a running kiosk.
package doctor

import (
	"errors"
	"io/fs"
	"path/filepath"

	"kioskd/internal/plainfile"
)

// State is how bad a finding is.
type State string

// The states.
const (
	OK   State = "ok"
	Warn State = "warn" // the kiosk can sell, and yet somebody should look
	Fail State = "fail" // the kiosk cannot sell like this, or not safely
)

// Finding is one line of the doctor's.
type Finding struct {
	Area   string `json:"area"` // what was looked at, in one word
	State  State  `json:"state"`
	Says   string `json:"says"`             // what is the case
	Remedy string `json:"remedy,omitempty"` // what to do about it; none when it is ok
}

// Ok, Warned and Failed make findings.
func Ok(area, says string) Finding { return Finding{area, OK, says, ""} }

// Warned is a finding that somebody should look at.
func Warned(area, says, remedy string) Finding { return Finding{area, Warn, says, remedy} }

// Failed is a finding that keeps the kiosk from selling, or from selling safely.
func Failed(area, says, remedy string) Finding { return Finding{area, Fail, says, remedy} }

// Root is where the system's files are looked for: "/", or a folder that plays a machine.
type Root string

// fileMax bounds what is read of a system's file, in bytes: the largest, /etc/group and config.txt, have a few KiB.
const fileMax = 256 << 10

func (r Root) path(name string) string { return filepath.Join(string(r), name) }

// read gives a file's text; "" and the error for one that cannot be read.
func (r Root) read(name string) (string, error) {
	b, _, err := plainfile.Read(r.path(name), fileMax)
	return string(b), err
}

// first gives the first of these files that is there, with its name; "" and "": none is.
func (r Root) first(names ...string) (name, text string, err error) {
	for _, name := range names {
		text, err := r.read(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return name, text, err
		}
	}
	return "", "", nil
}
