package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kioskd/hw/gpio/pinname"
)

// Pin is a pin of the config and what it is for there.
type Pin struct {
	Name string // "GPIO17"
	Role string // "slot A1 vend.relay"
}

// taker is a line of config.txt that takes pins.
type taker struct {
	line    string
	takes   []int
	only    string
	unknown bool // it is an overlay of which nothing is known here
}

// ports are the pins that a part of the chip takes once it is switched on, by the dtparam that does it.
var ports = map[string][]int{
	"i2c": {2, 3}, "i2c_arm": {2, 3}, "i2c1": {2, 3}, "i2c_vc": {0, 1}, "i2c0": {0, 1},
	"spi": {7, 8, 9, 10, 11}, "i2s": {18, 19, 20, 21}, "uart0": {14, 15},
}

// takers are the lines that take pins.
func takers(settings []setting) []taker {
	var all []taker
	for _, s := range settings {
		switch {
		case s.key == "dtparam" && ports[s.name] != nil && isOn(s.value):
			all = append(all, taker{line: "dtparam=" + s.name + "=" + s.value, takes: ports[s.name], only: s.only})
		case s.key == "dtparam" && strings.HasSuffix(s.name, "_led_gpio"):
			all = append(all, taker{line: "dtparam=" + s.name + "=" + s.value, takes: numbers(s.value), only: s.only})
		case s.key == "enable_uart" && isOn(s.value):
			all = append(all, taker{line: "enable_uart=1", takes: []int{14, 15}, only: s.only})
		case s.key == "dtoverlay":
			takes, known := pinsOf(s.name, s.params)
			if len(takes) > 0 || !known {
				all = append(all, taker{"dtoverlay=" + s.name, takes, s.only, !known})
			}
		}
	}
	return all
}

// numbers is a pin's number as config.txt writes it; none for what is no number.
func numbers(s string) []int {
	n, err := strconv.ParseUint(s, 0, 8)
	if err != nil {
		return nil
	}
	return []int{int(n)}
}

// bootFolders are where the firmware's files are: today's Raspberry Pi OS, and the one before it.
var bootFolders = []string{"/boot/firmware/", "/boot/"}

func bootFiles(name string) (names []string) {
	for _, f := range bootFolders {
		names = append(names, f+name)
	}
	return names
}

// Overlays finds pins of the config that the firmware's config.txt gives to something else: both would drive them.
func Overlays(r Root, pins []Pin) []Finding {
	const area = "overlays"
	name, text, err := r.first(bootFiles("config.txt")...)
	switch {
	case err != nil:
		return []Finding{Warned(area, fmt.Sprintf("%s cannot be read: %v", name, err),
			"run this as root: sudo kioskd doctor")}
	case name == "":
		return []Finding{
			Ok(area, "there is no config.txt: this is no Raspberry Pi OS, and nothing is given away there")}
	}
	model, _ := r.read("/proc/device-tree/model")
	var found []Finding
	for _, t := range takers(bootSettings(text)) {
		mine, sure := holds(t.only, model)
		if t.unknown && mine && len(pins) > 0 {
			found = append(found, Warned(area, fmt.Sprintf(
				"%s is not known here: look whether it takes one of the kiosk's pins", t.line),
				"dtoverlay -h "+strings.TrimPrefix(t.line, "dtoverlay=")+
					", and the manual of what it is for; kioskd wiring lists the kiosk's pins"))
		}
		for _, p := range pins {
			n, numbered := pinname.Number(p.Name)
			if name, err := pinname.Canonical(p.Name); err == nil { // P1_11 is GPIO17
				n, numbered = pinname.Number(name)
			}
			if !numbered || !mine || !slices.Contains(t.takes, n) {
				continue
			}
			says := fmt.Sprintf("%s is %s in the kiosk's config, and %s in %s takes it too", p.Name, p.Role, t.line,
				name)
			remedy := "take that line out and restart the machine, or wire " + p.Role + " to another pin"
			if sure {
				found = append(found, Failed(area, says, remedy))
			} else {
				found = append(found, Warned(area, says+", where ["+t.only+"] holds", remedy))
			}
		}
	}
	if len(found) == 0 {
		return []Finding{Ok(area, fmt.Sprintf("nothing in %s takes one of the config's %d pins", name, len(pins)))}
	}
	return found
}

// KeptOutputs finds a kernel that keeps a released output's level: a relay that is on when the daemon is killed would
// stay on.
func KeptOutputs(r Root) []Finding {
	const area = "outputs"
	var found []Finding
	for _, driver := range []string{"pinctrl_bcm2835", "pinctrl_rp1"} {
		value, err := r.read("/sys/module/" + driver + "/parameters/persist_gpio_outputs")
		if err != nil || !isOn(strings.TrimSpace(value)) {
			continue
		}
		unit, where := r.unit()
		remedy := fmt.Sprintf(
			"add %s.persist_gpio_outputs=n to the line in /boot/firmware/cmdline.txt, and restart the machine", driver)
		says := "the kernel keeps a released output's level (" + driver + ".persist_gpio_outputs=Y)"
		if where != "" && strings.Contains(unit, "ExecStopPost=") && strings.Contains(unit, "outputs-off") {
			found = append(found, Warned(area, says+
				": a relay would stay on when kioskd is killed, and is switched off by ExecStopPost=kioskd "+
				"outputs-off in "+where, remedy))
		} else {
			found = append(found, Failed(area, says+
				": a relay would stay on when kioskd is killed, and no unit with ExecStopPost=kioskd outputs-off is "+
				"installed", "install kioskd's unit; and "+remedy))
		}
	}
	if len(found) == 0 {
		return []Finding{Ok(area, "the kernel does not keep a released output's level, as far as it says")}
	}
	return found
}

// unit is the service's unit file, and its name; "": none is installed.
func (r Root) unit() (text, name string) {
	name, text, _ = r.first("/etc/systemd/system/kioskd.service", "/lib/systemd/system/kioskd.service",
		"/usr/lib/systemd/system/kioskd.service")
	return text, name
}

// Watchdog finds a machine whose own watchdog nobody feeds: when its kernel hangs, no program switches a motor off.
func Watchdog(r Root) []Finding {
	const area = "watchdog"
	state, err := r.read("/sys/class/watchdog/watchdog0/state")
	switch {
	case err != nil:
		return []Finding{
			Warned(area, "there is no hardware watchdog, as far as the kernel says: a machine that hangs stays so",
				"dtparam=watchdog=on in config.txt, on a Raspberry Pi; then see the wiring guide")}
	case strings.TrimSpace(state) != "active":
		return []Finding{
			Warned(area, "nobody feeds the hardware watchdog: a machine that hangs stays so, with what is switched on",
				"RuntimeWatchdogSec=15s in /etc/systemd/system.conf.d/kioskd.conf; restart the machine")}
	}
	return []Finding{Ok(area, "a machine that hangs is reset by its watchdog")}
}
