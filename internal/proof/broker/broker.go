// Package broker starts real nats-servers for tests and for the demo of a fleet, as processes that can be killed,
// frozen and started again.
package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"kioskd/internal/proof/child"
)

// Build makes nats-server from the module that tools/go.mod names, below dir, and gives its path. The second time takes
// a second.
func Build(ctx context.Context, dir string) (string, error) {
	_, here, _, _ := runtime.Caller(0)
	program := filepath.Join(dir, "nats-server")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/nats-io/nats-server/v2")
	cmd.Dir = filepath.Join(filepath.Dir(here), "../../../tools")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("broker: nats-server does not build: %w\n%s", err, out)
	}
	return program, nil
}

// Server is one nats-server.
type Server struct {
	Program string // as Build made it
	Dir     string // where its config, its log and its streams are
	Config  string // its config file's text; written by Start
	Address string // host:port that it takes clients at; Start waits until it does

	// of a fleet's server only
	WebSocket string // host:port that it takes WebSockets at, with TLS
	Monitor   string // host:port of its figures, as /varz, /connz and /healthz

	child *child.Child // the one that was started last; nil before the first
}

// startPatience is how long a server may take until it listens.
const startPatience = 20 * time.Second

// Start starts it, for the first time or again, and waits until it takes clients.
func (s *Server) Start(ctx context.Context) error {
	config, log := filepath.Join(s.Dir, "nats.conf"), filepath.Join(s.Dir, "nats.log")
	if err := os.WriteFile(config, []byte(s.Config), 0o600); err != nil {
		return err
	}
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(s.Program, "-c", config)
	cmd.Stdout, cmd.Stderr = out, out
	started, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	s.child = started
	return s.await(ctx, log)
}

func (s *Server) await(ctx context.Context, log string) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		if c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address); err == nil {
			return c.Close()
		}
		select {
		case <-s.child.Ended():
			return fmt.Errorf("broker: %w", s.child.Died("nats-server", log))
		case <-ctx.Done():
			return errors.Join(ctx.Err(), fmt.Errorf("broker: nats-server does not listen at %s", s.Address))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Kill ends it as a power cut does, and waits for its end.
func (s *Server) Kill() {
	if s.child != nil {
		s.child.Kill()
	}
}

// Signal sends it a signal: SIGSTOP freezes it, SIGCONT lets it go on.
func (s *Server) Signal(sig os.Signal) error { return s.child.Signal(sig) }

// PID is the number of the process that was started last.
func (s *Server) PID() int { return s.child.PID() }
