// Command kioskhub is the operator's side of a fleet of kiosks: it collects what their journals say in the operator's
// database, and only then tells each kiosk what it need not keep any more.
package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kioskd/internal/hub/desk"
	"kioskd/internal/hub/settings"
	"kioskd/internal/hub/store"
)

// version is the release and, after a "+", its commit. It is set by the build: -ldflags "-X main.version=…".
var version = "development"

func main() {
	if err := command(os.Stdout, os.Stderr).Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "kioskhub:", err)
		os.Exit(1)
	}
}

// command is the whole command line.
func command(out, errOut io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "kioskhub",
		Short: "Keep the operator's record of a fleet of kiosks",
		Long: `kioskhub collects what the journals of a fleet's kiosks say in the operator's database, PostgreSQL or for a
small fleet one SQLite file, and tells each kiosk what is there. Several may run beside each other.

  kioskhub init --help                         make a new fleet's keys and files, before all else
  kioskhub check --example > kioskhub.toml     begin with a commented config
  kioskhub check --config kioskhub.toml        is it right?
  kioskhub migrate --config kioskhub.toml      make the tables, and after an upgrade what is new
  kioskhub run --config kioskhub.toml          collect
  kioskhub enroll ID                           let a machine into the fleet; revoke shuts one out`,
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetOut(out)
	root.SetErr(errOut)
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(runCommand(), checkCommand(), migrateCommand(), salesCommand(), versionCommand(),
		wantCommand(), doCommand())
	root.AddCommand(desk.Commands()...)
	root.AddCommand(initCommand(), enrollCommand(), revokeCommand())
	return root
}

// configFlag is --config, with its default.
func configFlag(c *cobra.Command) *string {
	return c.Flags().String("config", "/etc/kioskd/kioskhub.toml", "the config `FILE`")
}

// open reads a config and opens the database that it names.
func open(file string) (settings.Settings, *store.Store, error) {
	cfg, err := settings.Load(file)
	if err != nil {
		return cfg, nil, err
	}
	address, err := cfg.Address()
	if err != nil {
		return cfg, nil, err
	}
	s, err := store.Open(address)
	return cfg, s, err
}

// openLog makes the logger: for people on a terminal, for programs elsewhere.
func openLog() zerolog.Logger {
	var w io.Writer = os.Stderr
	if term.IsTerminal(int(os.Stderr.Fd())) {
		w = zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: time.TimeOnly, NoColor: os.Getenv("NO_COLOR") != ""}
	}
	return zerolog.New(w).Level(zerolog.InfoLevel).With().Timestamp().Logger()
}

func versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), "kioskhub", version)
			return err
		},
	}
	configFlag(c) // taken like by every command
	return c
}
