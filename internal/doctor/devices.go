package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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
		return Warned(area, fmt.Sprintf("%s (%s) cannot be looked at: %v", d.Path, d.For, err),
			"run this as root: sudo kioskd doctor"), false
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

// Serial finds serial ports that are not there, or that the system uses as its own console: its messages would reach
// the board, and a login would answer the board.
func Serial(r Root, ports []Device) []Finding {
	const area = "serial"
	running, _ := r.read("/proc/cmdline")
	cmdline, text, _ := r.first(bootFiles("cmdline.txt")...)
	var found []Finding
	for _, d := range ports {
		one, fits := r.one(d.Path)
		if fits > 1 {
			found = append(found, Warned(area, fmt.Sprintf("%s (%s) fits %d devices", d.Path, d.For, fits),
				"write the whole name of the right one: ls -l "+d.Path))
			continue
		}
		d.Path = one
		f, ok := r.present(area, d)
		if !ok {
			found = append(found, f)
			continue
		}
		names := r.names(d.Path)
		remedy := "sudo raspi-config nonint do_serial_cons 1, or take console=" + filepath.Base(d.Path) +
			" out of /boot/firmware/cmdline.txt; then restart the machine"
		switch {
		case slices.ContainsFunc(names, func(n string) bool { return slices.Contains(consoles(text), n) }):
			f = Failed(area, fmt.Sprintf("%s (%s) is the system's console by %s", d.Path, d.For, cmdline), remedy)
		case slices.ContainsFunc(names, func(n string) bool { return slices.Contains(consoles(running), n) }):
			f = Failed(area, fmt.Sprintf("%s (%s) is the running system's console", d.Path, d.For), remedy)
		case r.getty(names) != "":
			f = Failed(area, fmt.Sprintf("%s (%s) has a login on it: %s", d.Path, d.For, r.getty(names)),
				"sudo systemctl disable --now "+r.getty(names))
		case strings.HasPrefix(filepath.Base(d.Path), "ttyUSB") || strings.HasPrefix(filepath.Base(d.Path), "ttyACM"):
			f = Warned(area, fmt.Sprintf("%s (%s) is there, under a number that changes with the order of plugging",
				d.Path, d.For), "name it in the config by its own name: ls -l /dev/serial/by-id/")
		}
		found = append(found, f)
	}
	return found
}

// one is the path that a name or a pattern stands for, and how many it fits: a pattern that does not fit one stays as
// it is.
func (r Root) one(path string) (string, int) {
	if !strings.ContainsAny(path, "*?[") {
		return path, 1
	}
	all, _ := filepath.Glob(r.path(path)) // a bad pattern fits none
	if len(all) == 1 {
		path = "/" + strings.TrimPrefix(strings.TrimPrefix(all[0], filepath.Clean(string(r))), "/")
	}
	return path, len(all)
}

// Shared finds devices that the config gives to two parts under two names: the one that comes second never gets it.
// Links are followed.
func Shared(r Root, area string, devices []Device) []Finding {
	type known struct {
		Device
		is os.FileInfo
	}
	var found []Finding
	var before []known
	for _, d := range devices {
		path, _ := r.one(d.Path)
		info, err := os.Stat(r.path(path))
		if err != nil {
			continue // which is another finding
		}
		for _, first := range before {
			if sameDevice(first.is, info) {
				found = append(found, Failed(area, fmt.Sprintf("%s (%s) and %s (%s) are one device", first.Path,
					first.For, d.Path, d.For),
					"give each of them the name of its own port: ls -l /dev/serial/by-id/"))
				break
			}
		}
		before = append(before, known{d, info})
	}
	return found
}

// sameDevice reports whether two files are one, or stand for one device.
func sameDevice(a, b os.FileInfo) bool {
	x, ok := a.Sys().(*syscall.Stat_t)
	y, also := b.Sys().(*syscall.Stat_t)
	return os.SameFile(a, b) || ok && also && a.Mode()&b.Mode()&fs.ModeCharDevice != 0 && x.Rdev == y.Rdev
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

// names are the last parts of a device's path, its own and those of what it leads to: serial0 is ttyAMA0 or ttyS0, and
// the kernel's command line knows either. The other way round, a port that serial0 leads to is called so too.
func (r Root) names(path string) []string {
	names := []string{filepath.Base(path)}
	if real, err := filepath.EvalSymlinks(r.path(path)); err == nil {
		names = append(names, filepath.Base(real))
	}
	for _, alias := range []string{"serial0", "serial1"} {
		if real, err := filepath.EvalSymlinks(r.path("/dev/" + alias)); err == nil &&
			slices.Contains(names, filepath.Base(real)) {
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
