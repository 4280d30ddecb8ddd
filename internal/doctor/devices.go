package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Device is a device file that the config uses.
type Device struct {
	Path string // "/dev/ttyUSB0"
	For  string // "board.device": the config's key
	Do   string // what brings the file about, when it is not there
}

// present finds whether a device is there: a file under /dev, or its folder under /sys. Nothing is opened.
func (r Root) present(area string, d Device) (Finding, bool) {
	_, err := os.Stat(r.path(d.Path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Failed(area, fmt.Sprintf("%s (%s) is not there", d.Path, d.For), d.Do), false
	case err != nil:
		return Warned(area, fmt.Sprintf("%s (%s) cannot be looked at: %v", d.Path, d.For, err), "run this as root: sudo kioskd doctor"), false
	}
	return Ok(area, fmt.Sprintf("%s (%s) is there", d.Path, d.For)), true
}

// Devices finds device files that are not there.
func Devices(r Root, area string, devices []Device) []Finding {
	var found []Finding
	for _, d := range devices {
		f, _ := r.present(area, d)
		found = append(found, f)
	}
	return found
}

// Serial finds serial ports that are not there, or that the system uses as its own console: its messages would reach the board, and
// a login would answer the board.
func Serial(r Root, ports []Device) []Finding {
	const area = "serial"
	running, _ := r.read("/proc/cmdline")
	cmdline, text, _ := r.first(bootFiles("cmdline.txt")...)
	var found []Finding
	for _, d := range ports {
		if strings.ContainsAny(d.Path, "*?[") { // a pattern
			all, err := filepath.Glob(r.path(d.Path))
			if err == nil && len(all) > 1 {
				found = append(found, Warned(area, fmt.Sprintf("%s (%s) fits %d devices", d.Path, d.For, len(all)), "write the whole name of the right one: ls -l "+d.Path))
				continue
			}
			if len(all) == 1 {
				d.Path = "/" + strings.TrimPrefix(strings.TrimPrefix(all[0], filepath.Clean(string(r))), "/")
			}
		}
		f, ok := r.present(area, d)
		if !ok {
			found = append(found, f)
			continue
		}
		names := r.names(d.Path)
		remedy := "sudo raspi-config nonint do_serial_cons 1, or take console=" + filepath.Base(d.Path) + " out of /boot/firmware/cmdline.txt; then restart the machine"
		switch {
		case slices.ContainsFunc(names, func(n string) bool { return slices.Contains(consoles(text), n) }):
			f = Failed(area, fmt.Sprintf("%s (%s) is the system's console by %s", d.Path, d.For, cmdline), remedy)
		case slices.ContainsFunc(names, func(n string) bool { return slices.Contains(consoles(running), n) }):
			f = Failed(area, fmt.Sprintf("%s (%s) is the running system's console", d.Path, d.For), remedy)
		case r.getty(names) != "":
			f = Failed(area, fmt.Sprintf("%s (%s) has a login on it: %s", d.Path, d.For, r.getty(names)), "sudo systemctl disable --now "+r.getty(names))
		case strings.HasPrefix(filepath.Base(d.Path), "ttyUSB") || strings.HasPrefix(filepath.Base(d.Path), "ttyACM"):
			f = Warned(area, fmt.Sprintf("%s (%s) is there, under a number that changes with the order of plugging", d.Path, d.For), "name it in the config by its own name: ls -l /dev/serial/by-id/")
		}
		found = append(found, f)
	}
	return found
}

// consoles are the ports that a kernel's command line makes consoles: "console=serial0,115200".
func consoles(cmdline string) (names []string) {
	for _, word := range strings.Fields(cmdline) {
		if port, ok := strings.CutPrefix(word, "console="); ok {
			port, _, _ = strings.Cut(port, ",")
			names = append(names, port)
		}
	}
	return names
}

// names are the last parts of a device's path, its own and those of what it leads to: serial0 is ttyAMA0 or ttyS0, and the kernel's
// command line knows either. The other way round, a port that serial0 leads to is called so too.
func (r Root) names(path string) []string {
	names := []string{filepath.Base(path)}
	if real, err := filepath.EvalSymlinks(r.path(path)); err == nil {
		names = append(names, filepath.Base(real))
	}
	for _, alias := range []string{"serial0", "serial1"} {
		if real, err := filepath.EvalSymlinks(r.path("/dev/" + alias)); err == nil && slices.Contains(names, filepath.Base(real)) {
			names = append(names, alias)
		}
	}
	return names
}

// getty is the unit that waits for a login on one of these ports; "": none.
func (r Root) getty(names []string) string {
	for _, n := range names {
		unit := "serial-getty@" + n + ".service"
		if _, err := os.Lstat(r.path("/etc/systemd/system/getty.target.wants/" + unit)); err == nil {
			return unit
		}
	}
	return ""
}
