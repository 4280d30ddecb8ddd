package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// upgradesLate is how old the system's last upgrade may be before it is said.
const upgradesLate = 30 * 24 * time.Hour

// Upgrades finds a system that has not upgraded itself for long: without unattended-upgrades, or never idle or never on
// in its window. apt's own stamps say when it last tried.
func Upgrades(r Root, now time.Time, synced bool) []Finding {
	const area = "upgrades"
	if _, err := os.Stat(r.path("/usr/bin/apt-get")); err != nil {
		return nil // no Debian
	}
	_, err := os.Stat(r.path("/usr/bin/unattended-upgrade"))
	if errors.Is(err, fs.ErrNotExist) {
		return []Finding{Warned(area, "the system does not upgrade itself",
			"sudo apt-get install unattended-upgrades: kioskd has it work at night, between sales")}
	}
	info, err := os.Stat(r.path("/var/lib/apt/periodic/upgrade-stamp"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{Ok(area, "the system upgrades itself, and has not yet")}
	case err != nil:
		return []Finding{Warned(area, fmt.Sprintf("its last upgrade cannot be read: %v", cause(err)),
			"run this as root: sudo kioskd doctor")}
	}
	last := info.ModTime().UTC().Format("2006-01-02")
	if synced && now.Sub(info.ModTime()) > upgradesLate {
		return []Finding{Warned(area, "the system last upgraded itself on "+last,
			"is the machine off at night, or never idle then? sudo unattended-upgrade -v")}
	}
	return []Finding{Ok(area, "the system last upgraded itself on "+last)}
}
