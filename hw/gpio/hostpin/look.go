package hostpin

import (
	"os"

	"github.com/warthog618/go-gpiocdev/uapi"
	"golang.org/x/sys/unix"
)

// Use is what the kernel says of a pin's line.
type Use struct {
	Pin string // as it was asked for
	At  string // "line 17 of gpiochip0"
	By  string // who holds the line now; "": nobody
	Err error  // why there is no such line, with the remedy
}

// Look says where pins are and who holds them. It requests no line and disturbs nobody. Chip is as for Open.
func Look(chip string, pins []string) ([]Use, error) {
	return lookAt(devices{"/dev"}, chip, pins, holder)
}

func lookAt(k kernel, chip string, pins []string, holder func(spot) (string, error)) ([]Use, error) {
	b, err := open(k, chip, nil)
	if err != nil {
		return nil, err
	}
	var all []Use
	for _, name := range pins {
		u := Use{Pin: name}
		at, err := b.find(name)
		if err == nil {
			u.At = at.String()
			u.By, err = holder(at)
		}
		u.Err = err
		all = append(all, u)
	}
	return all, nil
}

// holder asks the kernel who holds a line. One that is held without a name is the kernel's own.
func holder(at spot) (string, error) {
	f, err := os.OpenFile(at.path, os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", cannotOpen(at.path, err)
	}
	defer f.Close()
	l, err := uapi.GetLineInfoV2(f.Fd(), at.line)
	if err != nil {
		return "", err
	}
	by := uapi.BytesToString(l.Consumer[:])
	if by == "" && l.Flags.IsUsed() {
		by = "the kernel"
	}
	return by, nil
}
