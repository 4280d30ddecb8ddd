// Package w1 reads the temperature of a DS18B20, and of its relatives, from the files of the kernel's 1-Wire driver.
//
// Each sensor is a folder of /sys/bus/w1/devices, named by its family and serial number ("28-0316a2795caf"). Reading a
// file in it makes the sensor measure, which takes up to a second. What it says is believed only when its checksum is
// right and it has measured since it was switched on: a sensor that lost its power for a moment answers 85 °C, and a
// bus that is shorted answers zeros, with a checksum that is right.
package w1

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Folder is where the kernel has the sensors.
const Folder = "/sys/bus/w1/devices"

const (
	fileMax = 256     // bytes: w1_slave has 75, temperature 7
	powerOn = 85_000  // thousandths of °C: what a sensor says that has not measured yet
	lowest  = -55_000 // and what it can measure
	highest = 125_000
)

// Why there is no reading. Callers log them; all mean the same.
var (
	ErrChecksum = errors.New("the sensor's answer is spoiled: look at the cable and its pull-up resistor of 4.7 kΩ")
	ErrPowerOn  = errors.New("the sensor has not measured: it lost its power")
	ErrGone     = errors.New("the sensor does not answer: look at its cable")
)

// Read answers a sensor's temperature in °C. Devices is Folder, or what stands for it in a test. It may take a second,
// and as long as the kernel likes when the bus hangs.
func Read(devices fs.FS, sensor string) (celsius float64, err error) {
	milli, err := read(devices, sensor)
	if err != nil {
		return 0, fmt.Errorf("w1: %s: %w", sensor, err)
	}
	return float64(milli) / 1000, nil
}

// read prefers the file with the checksum.
func read(devices fs.FS, sensor string) (milli int, err error) {
	text, err := content(devices, path.Join(sensor, "w1_slave"))
	if err == nil {
		return slave(text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w: %w", ErrGone, err)
	}
	// the kernel has looked at the checksum itself
	if text, err = content(devices, path.Join(sensor, "temperature")); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrGone, err)
	}
	return degrees(strings.TrimSpace(text))
}

func content(devices fs.FS, name string) (string, error) {
	f, err := devices.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, fileMax))
	return string(b), err
}

// slave reads the file w1_slave: the sensor's nine bytes with the kernel's word on their checksum, and again with the
// temperature.
//
//	72 01 4b 46 7f ff 0e 10 57 : crc=57 YES
//	72 01 4b 46 7f ff 0e 10 57 t=23125
func slave(text string) (milli int, err error) {
	first, second, _ := strings.Cut(text, "\n")
	scratch, crc, _ := strings.Cut(first, " : ")
	switch {
	case !strings.HasPrefix(crc, "crc=") || !strings.HasSuffix(crc, " YES"):
		return 0, ErrChecksum
	case strings.Trim(scratch, "0 ") == "":
		return 0, fmt.Errorf("%w: it answers zeros", ErrGone)
	}
	_, t, found := strings.Cut(second, "t=")
	if !found {
		return 0, ErrChecksum
	}
	return degrees(strings.TrimSpace(t))
}

// degrees reads thousandths of °C.
func degrees(text string) (milli int, err error) {
	if text == "" { // what some kernels say of a sensor that does not answer
		return 0, ErrGone
	}
	milli, err = strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: it says %.20q", ErrChecksum, text)
	case milli == powerOn:
		return 0, ErrPowerOn
	case milli < lowest || milli > highest:
		return 0, fmt.Errorf("%w: it says %d thousandths of °C", ErrChecksum, milli)
	}
	return milli, nil
}
