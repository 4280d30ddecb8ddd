package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	tailBytes = 8 << 10 // of a log that are read for its last lines
	tailLines = 12      // of a log that are shown when its program ended early
	lookEvery = 20 * time.Millisecond
)

// Process is a program of the fleet. It is in a process group of its own, so that Ctrl-C in a terminal reaches only who
// started it, who ends the others in their order.
type Process struct {
	Name    string
	Dir     string // its own; made by Start
	Program string
	Args    []string
	Env     []string // further ones
	Host    *Host    // where it runs; nil: here

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
	how   error // how it ended; to be read after ended
}

// Start starts it, for the first time or again.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	program, args := p.Host.wrap(p.Program, p.Args)
	c := exec.Command(program, args...)
	c.Dir, c.Stdout, c.Stderr, c.Env = p.Dir, log, log, append(os.Environ(), p.Env...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		// The kernel's "parent death" is that of the thread that started the child: this goroutine keeps its thread
		// until the child has ended. It lets go of it then: a thread that ended would take others' children along.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			p.how = c.Wait()
			close(ended)
		}
	}()
	if err = <-started; err != nil {
		return fmt.Errorf("%s does not start: %w", p.Name, err)
	}
	p.cmd, p.ended = c, ended
	return nil
}

func (p *Process) log() string { return filepath.Join(p.Dir, "log") }

// Ended is closed once the process that was started last has ended; nil before the first.
func (p *Process) Ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// Freeze stops it in the middle of whatever it does, and Thaw lets it go on.
func (p *Process) Freeze() { p.Signal(syscall.SIGSTOP) }

// Thaw is what ends a Freeze.
func (p *Process) Thaw() { p.Signal(syscall.SIGCONT) }

// PID is the number of the process that was started last.
func (p *Process) PID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strconv.Itoa(p.cmd.Process.Pid)
}

// Signal sends it a signal.
func (p *Process) Signal(s os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s) // one that has ended needs none
	}
}

// Kill ends it as a power cut does, and waits for its end.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	if ended := p.Ended(); ended != nil {
		<-ended
	}
}

// End asks it to end, and kills it when that takes longer than patience, or when hurry is closed.
func (p *Process) End(patience time.Duration, hurry <-chan struct{}) {
	ended := p.Ended()
	if ended == nil {
		return
	}
	p.Thaw()
	p.Signal(syscall.SIGTERM)
	over := time.NewTimer(patience)
	defer over.Stop()
	select {
	case <-ended:
	case <-over.C:
	case <-hurry:
	}
	p.Kill()
}

// died is the error of a process that ended by itself, with the end of what it said.
func (p *Process) died() error {
	how := "exit status 0"
	if p.how != nil {
		how = p.how.Error()
	}
	return fmt.Errorf("%s ended by itself (%s). The end of its log:\n%s", p.Name, how, p.Tail())
}

// Tail is the last lines of what it said, indented.
func (p *Process) Tail() string {
	text, err := tail(p.log())
	if err != nil {
		return "  (its log cannot be read: " + err.Error() + ")"
	}
	return text
}

func tail(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	if _, err := f.Seek(max(0, size-tailBytes), io.SeekStart); err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil {
		return "", err
	}
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return "  (it is empty)", nil
	}
	lines := strings.Split(string(b), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-tailLines):], "\n  "), nil
}

// Ready waits until something is true of a process that runs. Its end is an error at once.
func (p *Process) Ready(ctx context.Context, most time.Duration, what string, is func() bool) error {
	err := Until(ctx, most, p.Ended(), is)
	switch {
	case errors.Is(err, errEnded):
		return p.died()
	case errors.Is(err, errInVain):
		return fmt.Errorf("waited %v for %s (%s) in vain; its log ends with\n%s", most, what, p.Name, p.Tail())
	}
	return err
}

var (
	errEnded  = errors.New("fleet: what was waited for has ended")
	errInVain = errors.New("fleet: waited in vain")
)

// Until waits for something to be true, for at most the given time, or until ended is closed.
func Until(ctx context.Context, most time.Duration, ended <-chan struct{}, is func() bool) error {
	over := time.NewTimer(most)
	defer over.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return errEnded
		case <-over.C:
			return errInVain
		}
	}
	return nil
}
