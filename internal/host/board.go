package host

import (
	"errors"
	"fmt"
	"io/fs"
)

// The bits of the firmware's get_throttled, as
// https://www.raspberrypi.com/documentation/computers/os.html#get_throttled names them. Those above 16 tell of the time
// since the start, or since somebody has asked the firmware to forget them, as the kernel's own driver does.
const (
	lowNow      = 1 << 0
	slowedNow   = 1<<1 | 1<<2 | 1<<3
	lowSince    = 1 << 16
	throttleAll = 0xf<<16 | 0xf
)

// Board is how the computer itself is. What is nil, the kernel does not tell.
type Board struct {
	Looked  bool
	Celsius *float64 // of the processor
	Low     *bool    // the supply is too low, or was since the start
	LowNow  *bool    // it is
	Slowed  *bool    // the firmware holds the processor back: heat, or too low a supply
	Strange []string
}

const hwmonMax = 16 // chips; a Pi has two or three

// firmware is where the firmware's own word is: below soc, and on a Pi 5 below a soc with an address.
const firmware = "sys/devices/platform/soc*/soc*:firmware/get_throttled"

// lookAtBoard reads the temperature, and what the firmware says of the supply.
func lookAtBoard(c Config) Board {
	f := &files{FS: c.Root}
	b := Board{Looked: true, Celsius: value(f, "sys/class/thermal/thermal_zone0/temp", celsius)}
	for n := range hwmonMax {
		chip := fmt.Sprintf("sys/class/hwmon/hwmon%d/", n)
		if name, ok := f.text(chip + "name"); ok && name == "rpi_volt" {
			b.LowNow = value(f, chip+"in0_lcrit_alarm", yes)
			b.Low = b.LowNow
			break
		}
	}
	places, _ := fs.Glob(c.Root, firmware) // the pattern is a good one
	for _, place := range places {
		if bits := value(f, place, throttled); bits != nil {
			low, now, slowed := *bits&(lowNow|lowSince) != 0, *bits&lowNow != 0, *bits&slowedNow != 0
			if b.LowNow != nil {
				low, now = low || *b.LowNow, now || *b.LowNow
			}
			b.Low, b.LowNow, b.Slowed = &low, &now, &slowed
			break
		}
	}
	b.Strange = f.strange
	return b
}

// throttled reads the firmware's word. Bits that it does not have are garbage.
func throttled(s string) (uint32, error) {
	n, err := hex(s)
	if err == nil && n&^throttleAll != 0 {
		err = errors.New("the firmware has no such bits")
	}
	return n, err
}
