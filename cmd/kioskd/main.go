// Command kioskd runs an unattended kiosk: a vending machine, a cooler, a locker or a coffee bar that sells through
// Glase.
package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"kioskd/internal/cli"
)

// version is the release and, after a "+", its commit. It is set by the build: -ldflags "-X main.version=…".
var version = "development"

func main() { os.Exit(cli.Run(command(os.Stdout, os.Stderr))) }

// command is the whole command line.
func command(out, errOut io.Writer) *cobra.Command {
	root := cli.Root(&cobra.Command{
		Use:   "kioskd",
		Short: "Run an unattended kiosk that sells through Glase",
		Long: `kioskd runs an unattended kiosk: it shows a payment QR, reserves the customer's money
through Glase, turns the motors, watches the product sensors, and charges for
exactly what came out.

  kioskd check --example > kioskd.toml     begin with a commented config
  kioskd check --config kioskd.toml        is it right?
  kioskd run --config kioskd.toml          sell`,
	}, out, errOut)
	root.AddCommand(runCommand(), checkCommand(), statusCommand(), salesCommand(), eventsCommand(), resolveCommand(),
		refundCommand(), receiptCommand(), acceptCommand(), reportCommand(), replayCommand(), exportCommand(),
		outputsOffCommand(), wiringCommand(), versionCommand(), boardCommand(), backCommand(), holdCommand(),
		readyCommand(), pageCommand())
	root.AddCommand(registerCommand(), assignCommand(), unregisterCommand(), stickerCommand(), certifyCommand(),
		enrollCommand())
	root.AddCommand(doctorCommand(), sensorsCommand(), stockCommand(), vendCommand(), relayCommand())
	return root
}

// configFlag is --config, with its default.
func configFlag(c *cobra.Command) *string { return cli.ConfigFlag(c, "kioskd") }

func jsonFlag(c *cobra.Command) *bool {
	return c.Flags().Bool("json", false, "print JSON for programs")
}
