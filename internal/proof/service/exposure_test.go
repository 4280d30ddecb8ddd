package service

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// exposureMax is the most that systemd-analyze may find the unit exposed, in tenths of 10. What is left are the devices
// and the network, which the daemon is there for.
const exposureMax = 15

// shutIn fails the test when the unit lets the daemon do more than that.
func shutIn(t *testing.T, unit string) {
	t.Helper()
	said := command(t, "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold="+
		strconv.Itoa(exposureMax), unit)
	t.Log(said[strings.LastIndex(said, "\n")+1:])
}

// TestTheUnitsLetTheProgramsDoNoMoreThanTheyNeed looks at the units in the source. That the daemon can work like this
// is tested on a whole machine: make service.
func TestTheUnitsLetTheProgramsDoNoMoreThanTheyNeed(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("this computer has no systemd-analyze, which judges the units; make service does it on a machine that has")
	}
	dir := "../../../systemd"
	if home := os.Getenv("KIOSKD_UNIT_TEST"); home != "" { // where the machine has the source's
		dir = filepath.Join(home, "systemd")
	}
	for _, name := range []string{"kioskd", "kioskd-backup", "kioskgate", "kioskhub"} {
		t.Run(name, func(t *testing.T) { shutIn(t, filepath.Join(dir, name+".service")) })
	}
}
