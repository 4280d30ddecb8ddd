package fleet

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestAProcessIsFrozenKilledAndStartedAgain, and its end is told with the end of its log.
func TestAProcessIsFrozenKilledAndStartedAgain(t *testing.T) {
	p := &Process{Name: "the ticker", Dir: t.TempDir(), Program: "sh",
		Args: []string{"-c", "echo run >>runs; echo my last words; exec sleep 1000"}}
	t.Cleanup(p.Kill)
	runs := func(n int) func() bool {
		return func() bool {
			text, err := os.ReadFile(p.Dir + "/runs")
			return err == nil && strings.Count(string(text), "run") == n
		}
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(t.Context(), 10*time.Second, "its first run", runs(1)); err != nil {
		t.Fatal(err)
	}
	p.Freeze()
	if err := Until(t.Context(), 10*time.Second, p.Ended(), func() bool { return state(t, p) == "T" }); err != nil {
		t.Errorf("it is not frozen: %v", err)
	}
	p.Thaw()
	if err := Until(t.Context(), 10*time.Second, p.Ended(), func() bool { return state(t, p) != "T" }); err != nil {
		t.Errorf("it is still frozen: %v", err)
	}
	p.Kill()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(t.Context(), 10*time.Second, "its second run", runs(2)); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	err := p.Ready(t.Context(), 10*time.Second, "anything", func() bool { return false })
	if err == nil || !strings.Contains(err.Error(), "the ticker ended by itself") ||
		!strings.Contains(err.Error(), "my last words") {
		t.Errorf("its end is told as %v", err)
	}
}

// state is the letter that the kernel has for a process's state.
func state(t *testing.T, p *Process) string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + p.PID() + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ")
	return after[:1]
}
