package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"kioskd/internal/config"
	"kioskd/internal/doctor"
)

// pinsOf are the pins that a config names, whatever the key, with the key as what they are for. It walks the config, so that no key
// can be forgotten here.
func pinsOf(cfg config.Config) []doctor.Pin {
	var all []doctor.Pin
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		switch v.Kind() {
		case reflect.Struct:
			for n := range v.NumField() {
				if f := v.Type().Field(n); f.IsExported() && f.Name != "Pins" { // [[pin]] says how one is wired, not what for
					walk(v.Field(n), strings.TrimPrefix(path+"."+strings.ToLower(f.Name), "."))
				}
			}
		case reflect.Slice:
			for n := range v.Len() {
				at := fmt.Sprintf("%s[%d]", path, n)
				if slot, ok := v.Index(n).Interface().(config.Slot); ok {
					at = "slot " + slot.ID
				}
				walk(v.Index(n), at)
			}
		case reflect.String:
			name := v.String()
			named := slices.ContainsFunc(all, func(p doctor.Pin) bool { return p.Name == name })
			if digits := strings.TrimPrefix(name, "GPIO"); digits != name && digits != "" && strings.Trim(digits, "0123456789") == "" && !named {
				all = append(all, doctor.Pin{Name: name, Role: path})
			}
		}
	}
	walk(reflect.ValueOf(cfg), "")
	return all
}

// examinePins looks for the config's pins.
func examinePins(cfg config.Config, pins []doctor.Pin) []doctor.Finding {
	if cfg.GPIO.Driver == "sim" {
		return []doctor.Finding{doctor.Ok("pins", fmt.Sprintf("%d pins of a simulated machine", len(pins)))}
	}
	return nil
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
