package gpio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/host/v3/sysfs"
)

// I2C opens an I²C bus of the kernel, "/dev/i2c-1". The error names the bus and the remedy.
//
// I2C and SPI open the kernel's own devices. They do without periph's host.Init, which would map the chip's registers
// and look through every GPIO chip for the sake of a bus.
func I2C(device string) (i2c.BusCloser, error) {
	n, err := numbers(device, "/dev/i2c-", 1)
	if err == nil {
		err = there(device)
	}
	var bus *sysfs.I2C
	if err == nil {
		bus, err = sysfs.NewI2C(n[0])
	}
	if err != nil {
		return nil, fmt.Errorf("gpio: I²C bus %.60q: %w", device,
			remedied(err, "dtparam=i2c_arm=on", "i2c", "/dev/i2c-1"))
	}
	return bus, nil
}

// SPI opens an SPI port of the kernel, "/dev/spidev0.0": the bus's number and that of its chip select. The error names
// the port and the remedy.
func SPI(device string) (spi.PortCloser, error) {
	n, err := numbers(device, "/dev/spidev", 2)
	if err == nil {
		err = there(device)
	}
	var port *sysfs.SPI
	if err == nil {
		port, err = sysfs.NewSPI(n[0], n[1])
	}
	if err != nil {
		return nil, fmt.Errorf("gpio: SPI port %.60q: %w", device,
			remedied(err, "dtparam=spi=on", "spi", "/dev/spidev0.0"))
	}
	return port, nil
}

var errName = errors.New("this is no device's name")

// busMax is above any bus's number: those of a USB adapter begin after the computer's own.
const busMax = 255

// numbers are those after a device's prefix, separated by points.
func numbers(device, prefix string, want int) ([]int, error) {
	rest, ok := strings.CutPrefix(device, prefix)
	parts := strings.Split(rest, ".")
	if !ok || len(parts) != want {
		return nil, errName
	}
	n := make([]int, want)
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 || v > busMax || strconv.Itoa(v) != p {
			return nil, errName
		}
		n[i] = v
	}
	return n, nil
}

// there opens a device and lets it go again: periph's own errors cannot be told apart.
func there(device string) error {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// remedied adds what to do about it.
func remedied(err error, parameter, group, like string) error {
	switch {
	case errors.Is(err, errName):
		return fmt.Errorf("%w: write it like %q", err, like)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: write %s into config.txt and restart the Raspberry Pi", err, parameter)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: add kioskd's user to the group %s", err, group)
	}
	return err
}
