package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

const (
	tailBytes = 8 << 10 // of a log that are read for its last lines
	tailLines = 12      // of a log that are shown when its program ended early
)

// process is a child. It is in a process group of its own, so that Ctrl-C in the terminal reaches the demo alone, which
// ends its children in their order; and the kernel kills it should the demo be killed.
type process struct {
	name string
	log  string // the file with what it said
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how; to be read after done
}

// start starts bin with its standard error, and its standard output unless stdout is given, in the file log.
func start(bin, log string, stdout *os.File, env []string, args ...string) (*process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := exec.Command(bin, args...)
	c.Stdout, c.Stderr, c.Env = f, f, env
	if stdout != nil {
		c.Stdout = stdout
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &process{name: filepath.Base(bin), log: log, cmd: c, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The kernel's "parent death" is that of the thread that started the child: this goroutine keeps its thread
		// until the child has ended.
		runtime.LockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			p.err = c.Wait()
			close(p.done)
		}
	}()
	err = <-started
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s is not there: build it (make demo does), or say where it is with --bin", bin)
	}
	if err != nil {
		return nil, fmt.Errorf("%s does not start: %w", p.name, err)
	}
	return p, nil
}

func (p *process) signal(s os.Signal) {
	_ = p.cmd.Process.Signal(s) // one that has ended needs none
}

// died is the error of a child that ended by itself, with the end of what it said.
func (p *process) died() error {
	how := "exit status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	text, err := tail(p.log)
	if err != nil {
		text = "(its log cannot be read: " + err.Error() + ")"
	}
	return fmt.Errorf("%s ended by itself (%s). The end of its log:\n%s", p.name, how, text)
}

// tail is the last lines of a file, indented.
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
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return "  (it is empty)", nil
	}
	lines := strings.Split(string(b), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-tailLines):], "\n  "), nil
}
