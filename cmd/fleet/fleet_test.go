package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"kioskd/internal/fleet/enrol"
	"kioskd/internal/proof/broker"
	"kioskd/internal/proof/fleet"
)

const testWithin = 3 * time.Minute // for a small fleet to come up, on a machine that tests much else

// TestCtrlCLeavesNothingBehind: no process, no folder.
func TestCtrlCLeavesNothingBehind(t *testing.T) {
	if missing := fleet.Missing(); len(missing) > 0 {
		t.Skipf("%v are not on this machine", missing)
	}
	bin := t.TempDir()
	// not below the test's own folder, into which PostgreSQL's user may not look
	temp, err := os.MkdirTemp("", "fleet-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	if err := os.Chmod(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := fleet.Build(t.Context(), bin); err != nil {
		t.Fatal(err)
	}
	if _, err := broker.Build(t.Context(), bin); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(bin, "fleet")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := exec.CommandContext(t.Context(), program, "--kiosks", "2")
	c.Env = append(os.Environ(), "TMPDIR="+temp)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	over := time.AfterFunc(testWithin, func() { c.Process.Kill() })
	defer over.Stop()
	lines, dir := bufio.NewScanner(out), ""
	for dir == "" && lines.Scan() {
		if m := regexp.MustCompile(`configs, logs and records +(/.*)$`).FindStringSubmatch(lines.Text()); m != nil {
			dir = m[1]
		}
	}
	if dir == "" {
		t.Fatalf("it did not come up: %s", errs.String())
	}
	var oneMore []string
	for oneMore == nil && lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[1] == "enroll" {
			oneMore = words
		}
	}
	if oneMore == nil {
		t.Fatal("it does not say how one more machine gets in")
	}
	code, err := exec.CommandContext(t.Context(), oneMore[0], oneMore[1:]...).Output()
	if _, wrong := enrol.Plain(strings.TrimSpace(string(code))); err != nil || wrong != nil {
		t.Errorf("%q gives %q: %v, %v", oneMore, code, err, wrong)
	}
	if len(using(t, dir)) < 10 {
		t.Errorf("only %q run", using(t, dir))
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(out)
	if err := c.Wait(); err != nil {
		t.Errorf("Ctrl-C is how it ends, and it says %v: %s %s", err, rest, errs.String())
	}
	if left := using(t, dir); len(left) > 0 {
		t.Errorf("these are left: %q", left)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("these are left: %q", left)
	}
}

// using are the processes whose command line names a folder.
func using(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && bytes.Contains(text, []byte(dir)) {
			all = append(all, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return all
}

func TestANumberOfKiosksThatCannotBeIsRefused(t *testing.T) {
	for _, n := range []string{"0", "-1", "100"} {
		c := command(nil, io.Discard)
		c.SetArgs([]string{"--kiosks", n})
		if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "1 to 99") {
			t.Errorf("--kiosks %s: %v", n, err)
		}
	}
}
