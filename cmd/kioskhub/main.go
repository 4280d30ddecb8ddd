// Command kioskhub is the operator's side of a fleet of kiosks: it collects what their journals say in the operator's
// database, and only then tells each kiosk what it need not keep any more.
package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"kioskd/internal/cli"
	"kioskd/internal/hub/desk"
	"kioskd/internal/hub/settings"
	"kioskd/internal/hub/store"
)

// version is the release and, after a "+", its commit. It is set by the build: -ldflags "-X main.version=…".
var version = "development"

func main() { os.Exit(cli.Run(command(os.Stdout, os.Stderr))) }

// command is the whole command line.
func command(out, errOut io.Writer) *cobra.Command {
	root := cli.Root(&cobra.Command{
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
	}, out, errOut)
	root.AddCommand(runCommand(), checkCommand(), migrateCommand(), salesCommand(), cli.Version("kioskhub", version),
		wantCommand(), doCommand())
	root.AddCommand(desk.Commands()...)
	root.AddCommand(initCommand(), enrollCommand(), revokeCommand(), entriesCommand())
	return root
}

// configFlag is --config, with its default.
func configFlag(c *cobra.Command) *string { return cli.ConfigFlag(c, "kioskhub") }

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
