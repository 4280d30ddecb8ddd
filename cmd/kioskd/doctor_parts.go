package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"kioskd/internal/config"
	"kioskd/internal/doctor"
	"kioskd/internal/hardware"
)

// each tells the texts of a config with their keys: "gpio.door", "slot A1.vend.relay". The checks go by it, so that no
// part's pin or device can be forgotten here.
func each(v reflect.Value, key string, tell func(key, text string)) {
	switch v.Kind() {
	case reflect.String:
		tell(key, v.String())
	case reflect.Struct:
		for n := range v.NumField() {
			// [[pin]] says how one is wired, not what for
			if f := v.Type().Field(n); f.IsExported() && f.Name != "Pins" {
				each(v.Field(n), strings.TrimPrefix(key+"."+camel.ReplaceAllString(f.Name, "${1}_$2"), "."), tell)
			}
		}
	case reflect.Interface: // what a kind of slot has to say
		if !v.IsNil() {
			each(v.Elem(), key, tell)
		}
	case reflect.Map: // boards, by their sections
		for _, k := range slices.SortedFunc(slices.Values(v.MapKeys()),
			func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) }) {
			each(v.MapIndex(k), k.String(), tell)
		}
	case reflect.Slice:
		for n := range v.Len() {
			at := fmt.Sprintf("%s[%d]", key, n)
			if slot, ok := v.Index(n).Interface().(config.Slot); ok {
				at = "slot " + slot.ID
			}
			each(v.Index(n), at, tell)
		}
	}
}

var camel = regexp.MustCompile(`([a-z])([A-Z])`)

// keyed are those texts of a config, by the keys that the file has.
func keyed(cfg config.Config, wanted func(key, text string) bool) (all []doctor.Device) {
	each(reflect.ValueOf(cfg), "", func(key, text string) {
		if !strings.HasPrefix(key, "slot ") {
			key = strings.ToLower(key)
		} else if id, rest, ok := strings.Cut(key, "."); ok {
			key = id + "." + strings.ToLower(rest)
		}
		if text != "" && wanted(key, text) {
			all = append(all, doctor.Device{Path: text, For: key})
		}
	})
	return all
}

// pinsOf are the pins that a config's kiosk uses, with the key of each as what it is for.
func pinsOf(cfg config.Config) (all []doctor.Pin) {
	for _, name := range hardware.PinNames(cfg) {
		if name == "" {
			continue
		}
		p := doctor.Pin{Name: name, Role: "in use"}
		if at := keyed(cfg, func(_, text string) bool { return text == name }); len(at) > 0 {
			p.Role = at[0].For
		}
		all = append(all, p)
	}
	return all
}

// serials are the config's serial ports: every device but the display's, the simulated board's and a USB printer's.
func serials(cfg config.Config) []doctor.Device {
	all := keyed(cfg, func(key, _ string) bool {
		return strings.HasSuffix(key, ".device") && key != "display.device" && key != "gpio.device" &&
			(key != "printer.device" || cfg.Printer.Baud > 0)
	})
	for n := range all {
		all[n].Do = "plug it in, and look at dmesg; ls /dev/serial/by-id/ names what is there. A port of the header: " +
			"enable_uart=1 in config.txt"
	}
	return all
}

// usbPrinter is the receipt printer, when it is one on USB.
func usbPrinter(p config.Printer) []doctor.Device {
	if p.Device == "" || p.Baud > 0 {
		return nil
	}
	return []doctor.Device{{Path: p.Device, For: "printer.device",
		Do: "plug it in, switch it on, and look at dmesg for usblp; no sale waits for it. A printer that dmesg calls " +
			"ttyUSB or ttyACM is a serial port: name that, and its baud"}}
}

// displayTTY is the tty that the display draws on; none when it draws elsewhere.
func displayTTY(d config.Display) []doctor.Device {
	if d.Driver != "terminal" || d.Device == "" {
		return nil
	}
	return []doctor.Device{{Path: d.Device, For: "display.device"}}
}

// oneWire are the config's sensors on the 1-Wire bus.
func oneWire(cfg config.Config) []doctor.Device {
	all := keyed(cfg, func(_, text string) bool { return sensorID.MatchString(text) })
	for n := range all {
		all[n].Path = "/sys/bus/w1/devices/" + all[n].Path
		all[n].Do = "dtoverlay=w1-gpio in config.txt, and restart the machine; then ls /sys/bus/w1/devices/, and " +
			"look at the sensor's wires and its 4.7 kΩ"
	}
	return all
}

var sensorID = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{12}$`)

// examinePins looks for the config's pins.
func examinePins(cfg config.Config, pins []doctor.Pin, running bool) []doctor.Finding {
	if cfg.GPIO.Driver != "host" {
		return []doctor.Finding{doctor.Ok("pins", fmt.Sprintf("%d pins of a simulated machine", len(pins)))}
	}
	uses, err := hardware.LookAtPins(cfg)
	var lines []doctor.Line
	for _, u := range uses {
		l := doctor.Line{Pin: doctor.Pin{Name: u.Pin, Role: "in use"}, At: u.At, By: u.By, Err: u.Err,
			Ours: u.By == "kioskd"}
		if n := slices.IndexFunc(pins, func(p doctor.Pin) bool { return p.Name == u.Pin }); n >= 0 {
			l.Pin = pins[n]
		}
		lines = append(lines, l)
	}
	return doctor.Pins(lines, err, running)
}

// needs are the groups that the config's devices ask for on Raspberry Pi OS.
func needs(cfg config.Config) (all []doctor.Need) {
	if cfg.GPIO.Driver == "host" {
		all = append(all, doctor.Need{Group: "gpio", For: "the pins"})
	}
	switch cfg.Display.Driver {
	case "framebuffer":
		all = append(all, doctor.Need{Group: "video", For: "the display"})
	case "ssd1306":
		all = append(all, doctor.Need{Group: "i2c", For: "the display"})
	case "epd":
		all = append(all, doctor.Need{Group: "spi", For: "the display"})
	}
	if len(usbPrinter(cfg.Printer)) > 0 {
		all = append(all, doctor.Need{Group: "lp", For: "the receipt printer"})
	}
	if len(serials(cfg)) > 0 {
		all = append(all, doctor.Need{Group: "dialout", For: "serial ports"})
	}
	return all
}

// examineDisplay looks for the display's device.
func examineDisplay(root doctor.Root, d config.Display) []doctor.Finding {
	const area = "display"
	device := d.Device
	switch d.Driver {
	case "png":
		return doctor.Devices(root, area, []doctor.Device{
			{Path: filepath.Dir(device), For: "display.device's folder",
				Do: "make the folder: sudo install -d -o kioskd " + filepath.Dir(device)}})
	case "framebuffer":
		device = firstOf(device, "/dev/fb0")
	case "ssd1306":
		device = firstOf(device, "/dev/i2c-1")
	case "epd":
		device = firstOf(device, "/dev/spidev0.0")
	}
	if device == "" || d.Driver == "none" {
		return []doctor.Finding{doctor.Ok(area, "driver "+firstOf(d.Driver, "none")+" needs no device")}
	}
	do := map[string]string{
		"framebuffer": "connect the display before the machine starts, or force it: video=HDMI-A-1:800x480@60D in " +
			"cmdline.txt",
		"ssd1306": "sudo raspi-config nonint do_i2c 0, which sets dtparam=i2c_arm=on; restart the machine",
		"epd":     "sudo raspi-config nonint do_spi 0, which sets dtparam=spi=on; restart the machine",
	}[d.Driver]
	return doctor.Devices(root, area, []doctor.Device{
		{Path: device, For: "display.device", Do: firstOf(do, "name a device that is there")}})
}
