package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"kioskd/internal/app"
	"kioskd/internal/config"
	"kioskd/internal/doctor"
)

// pinsOf are the pins that a config's kiosk uses, with the key of each as what it is for.
func pinsOf(cfg config.Config) (all []doctor.Pin) {
	for _, name := range app.PinNames(cfg) {
		if name != "" {
			all = append(all, doctor.Pin{Name: name, Role: firstOf(keyOf(reflect.ValueOf(cfg), "", name), "in use")})
		}
	}
	return all
}

// keyOf is the config's key whose value is a pin's name; "" when none is. It walks the config, so that no key can be forgotten here.
func keyOf(v reflect.Value, path, pin string) string {
	switch v.Kind() {
	case reflect.String:
		if v.String() == pin {
			return path
		}
	case reflect.Struct:
		for n := range v.NumField() {
			if f := v.Type().Field(n); f.IsExported() && f.Name != "Pins" { // [[pin]] says how one is wired, not what for
				if key := keyOf(v.Field(n), strings.TrimPrefix(path+"."+strings.ToLower(f.Name), "."), pin); key != "" {
					return key
				}
			}
		}
	case reflect.Slice:
		for n := range v.Len() {
			at := fmt.Sprintf("%s[%d]", path, n)
			if slot, ok := v.Index(n).Interface().(config.Slot); ok {
				at = "slot " + slot.ID
			}
			if key := keyOf(v.Index(n), at, pin); key != "" {
				return key
			}
		}
	}
	return ""
}

// examinePins looks for the config's pins.
func examinePins(cfg config.Config, pins []doctor.Pin, running bool) []doctor.Finding {
	if cfg.GPIO.Driver != "host" {
		return []doctor.Finding{doctor.Ok("pins", fmt.Sprintf("%d pins of a simulated machine", len(pins)))}
	}
	uses, err := app.LookAtPins(cfg)
	var lines []doctor.Line
	for _, u := range uses {
		l := doctor.Line{Pin: doctor.Pin{Name: u.Pin, Role: "in use"}, At: u.At, By: u.By, Err: u.Err, Ours: u.By == "kioskd"}
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
	if len(serials(cfg)) > 0 {
		all = append(all, doctor.Need{Group: "dialout", For: "serial ports"})
	}
	return all
}

// serials are the config's serial ports.
func serials(config.Config) []doctor.Device { return nil }

// examineDisplay looks for the display's device.
func examineDisplay(root doctor.Root, d config.Display) []doctor.Finding {
	const area = "display"
	device := d.Device
	switch d.Driver {
	case "png":
		return doctor.Devices(root, area, []doctor.Device{{Path: filepath.Dir(device), For: "display.device's folder", Do: "make the folder: sudo install -d -o kioskd " + filepath.Dir(device)}})
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
		"framebuffer": "connect the display before the machine starts, or force it: video=HDMI-A-1:800x480@60D in cmdline.txt",
		"ssd1306":     "sudo raspi-config nonint do_i2c 0, which sets dtparam=i2c_arm=on; restart the machine",
		"epd":         "sudo raspi-config nonint do_spi 0, which sets dtparam=spi=on; restart the machine",
	}[d.Driver]
	return doctor.Devices(root, area, []doctor.Device{{Path: device, For: "display.device", Do: firstOf(do, "name a device that is there")}})
}
