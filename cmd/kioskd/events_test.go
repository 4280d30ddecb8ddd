package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kioskd/internal/debug/api"
)

// TestTheStepsCanBeFollowed: each step is a line as it happens, plain for programs, and Ctrl-C is a good end.
func TestTheStepsCanBeFollowed(t *testing.T) {
	r := newRig(t)
	if _, e, exit := kioskd(t, "events", "--config", r.config); exit != 1 || !strings.Contains(e, "is it running") {
		t.Errorf("no daemon: exit %d, %q", exit, e)
	}
	r.world()
	for _, args := range [][]string{nil, {"--json"}} {
		follower := exec.Command(filepath.Join(programs, "kioskd"),
			append([]string{"events", "--config", r.config}, args...)...)
		out, w := io.Pipe()
		follower.Stdout, follower.Stderr = w, w
		if err := follower.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- follower.Wait(); w.Close() }()
		lines := make(chan string, 1000)
		go func() {
			for s := bufio.NewScanner(out); s.Scan(); {
				lines <- s.Text()
			}
			close(lines)
		}()
		var opened string
		r.until("the door's line", func() bool {
			for _, step := range []string{"maintenance", "ready"} {
				r.post(r.debug+"/sim/press", `{"slot": "door"}`)
				r.until(step, func() bool { return r.step() == step })
			}
			for len(lines) > 0 {
				if l := <-lines; strings.Contains(l, "FaultRaised") {
					opened = l
				}
			}
			return opened != ""
		})
		if args == nil {
			if !strings.Contains(opened, "idle       maintenance") || !strings.HasSuffix(opened, "door") ||
				strings.Contains(opened, "\x1b") {
				t.Errorf("the line is %q", opened)
			}
		} else if s := (api.Event{}); json.Unmarshal([]byte(opened), &s) != nil || s.Event != "FaultRaised" ||
			s.Reason != "door" || !s.Durable {
			t.Errorf("the line is %q", opened)
		}
		if err := follower.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("Ctrl-C: %v", err)
		}
	}
}
