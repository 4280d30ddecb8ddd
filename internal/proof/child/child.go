// Package child starts programs that do not outlive the process that started them, however that ends. Proofs and demos
// kill such programs, freeze them, and tell what they said last.
package child

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	tailBytes = 8 << 10 // of a log that are read for its last lines
	tailLines = 12      // of a log that are shown when its program ended early
)

// Child is a program that was started.
type Child struct {
	process *os.Process
	ended   chan struct{}
	how     error // it ended; to be read after ended
}

// Start starts a command. The kernel sends it the orphan's signal should this process end first.
func Start(c *exec.Cmd, orphan syscall.Signal) (*Child, error) {
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Pdeathsig = orphan
	child := &Child{ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The kernel's "parent death" is that of the thread that started the child, and Go ends threads: this
		// goroutine keeps its own until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.Start()
		child.process = c.Process
		started <- err
		if err == nil {
			child.how = c.Wait()
			close(child.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return child, nil
}

// Ended is closed once it has ended.
func (c *Child) Ended() <-chan struct{} { return c.ended }

// Err waits for its end, and says how that was: nil is exit status 0.
func (c *Child) Err() error {
	<-c.ended
	return c.how
}

// PID is its number.
func (c *Child) PID() int { return c.process.Pid }

// Signal sends it a signal: SIGSTOP freezes it, and SIGCONT lets it go on. One that has ended is os.ErrProcessDone.
func (c *Child) Signal(s os.Signal) error { return c.process.Signal(s) }

// Kill ends it as a power cut does, and waits for its end.
func (c *Child) Kill() {
	_ = c.Signal(syscall.SIGKILL) // it may have ended
	<-c.ended
}

// EndsWithin says whether it ended by itself in time, and before hurry was closed.
func (c *Child) EndsWithin(most time.Duration, hurry <-chan struct{}) bool {
	over := time.NewTimer(most)
	defer over.Stop()
	select {
	case <-c.ended:
		return true
	case <-over.C:
	case <-hurry:
	}
	return false
}

// Died is the error of one that ended by itself, with the end of its log.
func (c *Child) Died(name, log string) error {
	how := "exit status 0"
	if err := c.Err(); err != nil {
		how = err.Error()
	}
	return fmt.Errorf("%s ended by itself (%s). The end of its log:\n%s", name, how, Tail(log))
}

// Tail is the last lines of a log, indented.
func Tail(log string) string {
	b, err := last(log)
	if err != nil {
		return "  (its log cannot be read: " + err.Error() + ")"
	}
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return "  (it is empty)"
	}
	lines := strings.Split(string(b), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-tailLines):], "\n  ")
}

func last(log string) ([]byte, error) {
	f, err := os.Open(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(max(0, size-tailBytes), io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, tailBytes))
}
