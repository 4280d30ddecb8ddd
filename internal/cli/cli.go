// Package cli is what the command lines of kioskd, kioskgate and kioskhub have in common.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// ErrSaid ends a command whose output has said everything already.
var ErrSaid = errors.New("")

// Root makes a command the whole command line of a program: of an error it says nothing itself, and its commands are
// added to it.
func Root(c *cobra.Command, out, errOut io.Writer) *cobra.Command {
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetOut(out)
	c.SetErr(errOut)
	c.CompletionOptions.DisableDefaultCmd = true
	return c
}

// Run runs a program's command line, and answers its exit status. An error's line begins with the program's name.
func Run(root *cobra.Command) int {
	err := root.Execute()
	if err == nil {
		return 0
	}
	if !errors.Is(err, ErrSaid) {
		fmt.Fprintf(root.ErrOrStderr(), "%s: %v\n", root.Name(), err)
	}
	return 1
}

// ConfigFlag is --config of a program's command, with its default.
func ConfigFlag(c *cobra.Command, program string) *string {
	return c.Flags().String("config", "/etc/"+program+"/"+program+".toml", "the config `FILE`")
}

// Version is the command that says a program's version.
func Version(program, version string) *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), program, version)
			return err
		},
	}
	ConfigFlag(c, program) // taken like by every command
	return c
}

// Log is a log on the standard error: for people on a terminal, for programs elsewhere.
func Log(level zerolog.Level) zerolog.Logger {
	return zerolog.New(LogWriter()).Level(level).With().Timestamp().Logger()
}

// LogWriter is where such a log is written.
func LogWriter() io.Writer {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: time.TimeOnly, NoColor: os.Getenv("NO_COLOR") != ""}
	}
	return os.Stderr
}
