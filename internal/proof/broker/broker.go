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

	cmd   *exec.Cmd
	ended chan struct{}
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
	s.cmd = exec.Command(s.Program, "-c", config)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a killed test leaves nothing behind
	if err := s.cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	s.ended = ended
	go func(c *exec.Cmd) {
		c.Wait()
		close(ended)
	}(s.cmd)
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
		case <-s.ended:
			text, _ := os.ReadFile(log)
			return fmt.Errorf("broker: nats-server ended: %s", text)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), fmt.Errorf("broker: nats-server does not listen at %s", s.Address))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Kill ends it as a power cut does, and waits for its end.
func (s *Server) Kill() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		<-s.ended
	}
}

// Signal sends it a signal: SIGSTOP freezes it, SIGCONT lets it go on.
func (s *Server) Signal(sig os.Signal) error { return s.cmd.Process.Signal(sig) }

// PID is the number of the process that was started last.
func (s *Server) PID() int { return s.cmd.Process.Pid }
