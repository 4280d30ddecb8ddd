package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"kioskd/internal/proof/child"
)

// process is a child. It is in a process group of its own, so that Ctrl-C in the terminal reaches the demo alone, which
// ends its children in their order.
type process struct {
	*child.Child
	name string
	log  string // the file with what it said
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
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	name := filepath.Base(bin)
	started, err := child.Start(c, syscall.SIGKILL)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s is not there: build it (make demo does), or say where it is with --bin", bin)
	}
	if err != nil {
		return nil, fmt.Errorf("%s does not start: %w", name, err)
	}
	return &process{started, name, log}, nil
}

func (p *process) signal(s os.Signal) {
	_ = p.Signal(s) // one that has ended needs none
}

// died is the error of a child that ended by itself, with the end of what it said.
func (p *process) died() error { return p.Died(p.name, p.log) }
