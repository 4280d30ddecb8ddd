package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
)

// A rehearsal has no systemd behind it that would make the outputs inactive after a SIGKILL, a panic or a lost ssh, and
// the kernel of Raspberry Pi OS keeps a released output's level. So a second process stands by, which the first one
// gives the config, and which waits for its end.

// released is the first one's word that its outputs are inactive already.
const released = "\x00released\n"

// guardMax bounds what the guard reads: a config, and that word.
const guardMax = 2 << 20

func guardCommand() *cobra.Command {
	c := &cobra.Command{
		Use:    "outputs-guard",
		Short:  "Make the outputs inactive when whoever drives them has ended",
		Hidden: true,
		Long: `Read a config from the standard input, wait for the input's end, which is the end of the process that
wrote it, and make every output that the config names inactive. kioskd setup stands this behind a motor
that it tries.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		b, err := io.ReadAll(io.LimitReader(c.InOrStdin(), guardMax))
		if strings.HasSuffix(string(b), released) {
			return err
		}
		// what could be read of a bad config still names outputs that must go off
		cfg, bad := config.Parse(*file, b, filepath.Dir(*file), drivers.All())
		if cfg.GPIO.Driver == "" {
			return errors.Join(err, bad)
		}
		_, off := outputsOff(cfg)
		return errors.Join(err, off)
	}
	return c
}

// guarded stands a guard behind the outputs of a config that would be at path, until release is called after they were
// made inactive.
func guarded(path, text string) (release func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	guard := exec.Command(self, "outputs-guard", "--config", path)
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // neither the terminal's end nor Ctrl-C is its own
	in, err := guard.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := guard.Start(); err != nil {
		return nil, fmt.Errorf("nobody can stand behind the outputs: %w", err)
	}
	end := func(word string) error {
		_, err := io.WriteString(in, word)
		return errors.Join(err, in.Close(), guard.Wait())
	}
	if _, err := io.WriteString(in, text); err != nil {
		return nil, errors.Join(err, end(released))
	}
	return func() error { return end(released) }, nil
}
