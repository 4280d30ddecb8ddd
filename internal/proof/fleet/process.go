package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"kioskd/internal/proof/child"
)

const lookEvery = 20 * time.Millisecond

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
	child *child.Child // the one that was started last; nil before the first
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
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	started, err := child.Start(c, syscall.SIGKILL)
	if err != nil {
		return fmt.Errorf("%s does not start: %w", p.Name, err)
	}
	p.child = started
	return nil
}

func (p *Process) log() string { return filepath.Join(p.Dir, "log") }

// started is the process that was started last, or nil.
func (p *Process) started() *child.Child {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.child
}

// Ended is closed once the process that was started last has ended; nil before the first.
func (p *Process) Ended() <-chan struct{} {
	if c := p.started(); c != nil {
		return c.Ended()
	}
	return nil
}

// Freeze stops it in the middle of whatever it does, and Thaw lets it go on.
func (p *Process) Freeze() { p.Signal(syscall.SIGSTOP) }

// Thaw is what ends a Freeze.
func (p *Process) Thaw() { p.Signal(syscall.SIGCONT) }

// PID is the number of the process that was started last.
func (p *Process) PID() string { return strconv.Itoa(p.started().PID()) }

// Signal sends it a signal.
func (p *Process) Signal(s os.Signal) {
	if c := p.started(); c != nil {
		_ = c.Signal(s) // one that has ended needs none
	}
}

// Kill ends it as a power cut does, and waits for its end.
func (p *Process) Kill() {
	if c := p.started(); c != nil {
		c.Kill()
	}
}

// End asks it to end, and kills it when that takes longer than patience, or when hurry is closed.
func (p *Process) End(patience time.Duration, hurry <-chan struct{}) {
	c := p.started()
	if c == nil {
		return
	}
	p.Thaw()
	p.Signal(syscall.SIGTERM)
	if !c.EndsWithin(patience, hurry) {
		c.Kill()
	}
}

// Ready waits until something is true of a process that runs. Its end is an error at once.
func (p *Process) Ready(ctx context.Context, most time.Duration, what string, is func() bool) error {
	err := Until(ctx, most, p.Ended(), is)
	switch {
	case errors.Is(err, errEnded):
		return p.started().Died(p.Name, p.log())
	case errors.Is(err, errInVain):
		return fmt.Errorf("waited %v for %s (%s) in vain; its log ends with\n%s", most, what, p.Name,
			child.Tail(p.log()))
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
