package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

const (
	memoryMax = 4 << 20 // of a test program, KiB of addresses
	tailMax   = 4 << 20 // bytes that are kept of what a program says
	errorMax  = 2000    // bytes of a test's words in an error
)

// output runs a program to its end, or until the time is up or ctx ends: then it and all that it started is killed.
func (b *bench) output(
	ctx context.Context, limit time.Duration, dir, env, name string, args ...string,
) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if name != "go" { // a test program, and perhaps a mutant's
		args = append([]string{"-c", fmt.Sprintf(`ulimit -v %d && exec "$0" "$@"`, memoryMax), name}, args...)
		name = "/bin/sh"
	}
	c := exec.CommandContext(ctx, name, args...)
	scratch := filepath.Join(b.temp, "scratch") // what a killed test leaves goes with it
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	var out, errs tail
	c.Dir, c.Stdout, c.Stderr = dir, &out, &errs
	c.Env = append(os.Environ(), "TMPDIR="+scratch)
	if env != "" {
		c.Env = append(c.Env, env)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = 5 * time.Second
	err := c.Run()
	if err != nil && c.Process != nil {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // what a test that failed has left running
	}
	if err == nil {
		return out.b, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("%s: %w\n%s%s", filepath.Base(c.Path), err, last(out.b), errs.b)
}

// tail keeps what was written last: a mutant may write for ever.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > 2*tailMax {
		t.b = slices.Clone(t.b[len(t.b)-tailMax:])
	}
	return len(p), nil
}

func last(b []byte) []byte { return b[max(0, len(b)-errorMax):] }
