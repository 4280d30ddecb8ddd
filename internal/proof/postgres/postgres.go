// Package postgres starts a private PostgreSQL for tests and for the demo of a fleet: real processes that can be
// killed, frozen, started again, dumped and restored. It needs the Debian package postgresql.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kioskd/internal/proof/child"
	"kioskd/internal/proof/port"
)

// ErrNone is of a machine without PostgreSQL.
var ErrNone = errors.New("postgres: there is none on this machine: apt-get install postgresql")

// Server is one PostgreSQL with one database, kiosks, whose owner is kioskhub, at a port of this host.
type Server struct {
	Dir     string // of the data and the log
	Address string // host:port
	Fsync   bool   // as in earnest; without it a killed machine, not a killed process, would lose the newest

	bin   string
	as    *syscall.Credential // PostgreSQL refuses root; nil: as we are
	child *child.Child        // the one that was started last; nil before the first
}

// programs finds PostgreSQL's programs, the newest version's.
func programs() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", ErrNone
	}
	return filepath.Dir(path), nil
}

// Installed says whether this machine has PostgreSQL.
func Installed() bool {
	_, err := programs()
	return err == nil
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// Make makes an empty PostgreSQL below dir, which is made if need be, and starts it.
func Make(ctx context.Context, dir string) (*Server, error) {
	s := &Server{Dir: dir, Address: port.Free()}
	var err error
	if s.bin, err = programs(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 {
		if err := s.other(); err != nil {
			return nil, err
		}
	}
	if err := s.run(ctx, nil, "initdb", "-D", s.data(), "-U", "kioskhub", "-A", "trust", "-E", "UTF8", "--locale=C",
		"--no-sync"); err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	return s, s.run(ctx, nil, "createdb", s.server("kiosks")...)
}

// other finds the user that PostgreSQL runs as when we are root, and lets it reach its folder.
func (s *Server) other() error {
	u, err := user.Lookup("postgres")
	if err != nil {
		return ErrNone
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2, os.Chown(s.Dir, uid, gid)); err != nil {
		return err
	}
	s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	// a test's folder is for its own user alone: others may pass through it
	temp := filepath.Clean(os.TempDir())
	for up := filepath.Dir(s.Dir); up != temp && up != "/" && up != "."; up = filepath.Dir(up) {
		info, err := os.Stat(up)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&1 == 0 {
			if err := os.Chmod(up, info.Mode().Perm()|0o011); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// DSN is the address of its database.
func (s *Server) DSN() string { return s.DSNOf("kiosks") }

// DSNOf is the address of another database of its.
func (s *Server) DSNOf(name string) string {
	return "postgres://kioskhub@" + s.Address + "/" + name + "?sslmode=disable"
}

// server are a client program's arguments: which server, and what more.
func (s *Server) server(more ...string) []string {
	host, port, _ := net.SplitHostPort(s.Address)
	return append([]string{"-h", host, "-p", port, "-U", "kioskhub"}, more...)
}

// command is one of its programs, as its user and from a folder that the user may be in.
func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Dir = s.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	return cmd
}

func (s *Server) run(ctx context.Context, in []byte, name string, args ...string) error {
	cmd := s.command(ctx, name, args...)
	cmd.Stdin = bytes.NewReader(in)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("postgres: %s: %w\n%s", name, err, out)
	}
	return nil
}

// startPatience is how long it may take until it answers: after a kill it reads its log again.
const startPatience = 60 * time.Second

// Start starts it, for the first time or again, and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	host, number, _ := net.SplitHostPort(s.Address)
	fsync := "off"
	if s.Fsync {
		fsync = "on"
	}
	cmd := s.command(context.WithoutCancel(ctx), "postgres", "-D", s.data(), "-h", host, "-p", number,
		"-c", "fsync="+fsync, "-c", "unix_socket_directories=", "-c", "max_connections=200")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr.Setpgid = true
	started, err := child.Start(cmd, syscall.SIGQUIT) // which ends its own children as well
	if err != nil {
		return err
	}
	s.child = started
	return s.await(ctx)
}

func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		if s.command(ctx, "pg_isready", s.server("-q")...).Run() == nil {
			return nil
		}
		select {
		case <-s.child.Ended():
			return s.child.Died("postgres", filepath.Join(s.Dir, "log"))
		case <-ctx.Done():
			return errors.Join(ctx.Err(), fmt.Errorf("postgres: it does not answer at %s", s.Address))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends all its processes with -9, and waits for their end.
func (s *Server) Kill() {
	if s.child != nil {
		s.Signal(syscall.SIGKILL)
		<-s.child.Ended()
		// its children end by themselves when they see that; the next start waits for them
	}
}

// Stop ends it in order, as a restart of the machine does: what is being done is broken off.
func (s *Server) Stop() {
	if s.child != nil {
		_ = s.child.Signal(syscall.SIGINT)
		<-s.child.Ended()
	}
}

// Signal sends all its processes a signal: SIGSTOP freezes it, SIGCONT lets it go on.
func (s *Server) Signal(sig syscall.Signal) error {
	// each of its backends leads a process group of its own
	for _, pid := range append(children(s.child.PID()), s.child.PID()) {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

func children(parent int) (pids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	for _, name := range tasks {
		text, _ := os.ReadFile(name)
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// Dump is a backup of its database, as docs/fleet.md has it made.
func (s *Server) Dump(ctx context.Context) ([]byte, error) {
	cmd := s.command(ctx, "pg_dump", s.server("-Fc", "kiosks")...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("postgres: pg_dump: %w\n%s", err, errs.Bytes())
	}
	return out.Bytes(), nil
}

// Restore puts such a backup in its database's place, whoever is connected.
func (s *Server) Restore(ctx context.Context, backup []byte) error {
	err := s.run(ctx, nil, "dropdb", s.server("--force", "kiosks")...)
	if err == nil {
		err = s.run(ctx, nil, "createdb", s.server("kiosks")...)
	}
	if err == nil {
		err = s.run(ctx, backup, "pg_restore", s.server("-d", "kiosks", "--exit-on-error")...)
	}
	return err
}
