// Command kioskgate is the front of a fleet of kiosks: HTTPS for Glase and for phones in front, NATS behind. It holds
// no sale and no password of Glase's, and any number of copies stands side by side.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"kioskd/internal/cert"
	"kioskd/internal/cli"
	"kioskd/internal/gate"
)

// version is the release and, after a "+", its commit. It is set by the build: -ldflags "-X main.version=…".
var version = "development"

func main() { os.Exit(cli.Run(command(os.Stdout, os.Stderr))) }

// command is the whole command line.
func command(out, errOut io.Writer) *cobra.Command {
	root := cli.Root(&cobra.Command{
		Use:   "kioskgate",
		Short: "Be the front of a fleet of kiosks",
		Long: `kioskgate takes what Glase and phones ask for by HTTPS, passes it to the kiosk that it is for over the
fleet's NATS servers, and answers with what the kiosk says. It holds no sale and no password, so that
any number of copies may stand behind one load balancer.

  kioskgate check --example > kioskgate.toml   begin with a commented config
  kioskgate check --config kioskgate.toml      is it right?
  kioskgate run --config kioskgate.toml        serve

A kiosk's public_url is then https://THIS-HOST/k/ITS-TOKEN.`,
	}, out, errOut)
	root.AddCommand(runCommand(), checkCommand(), cli.Version("kioskgate", version))
	return root
}

// configFlag is --config, with its default.
func configFlag(c *cobra.Command) *string { return cli.ConfigFlag(c, "kioskgate") }

func runCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Serve until told to end",
		Long: `Serve until SIGTERM or Ctrl-C. GET /healthz then says 503 for the config's drain, while all else is served
as before, so that a load balancer sends no more; then streams of events end, which browsers open
again elsewhere, and what is under way is answered. A second signal ends it at once. SIGHUP reads the
certificate again, as happens by itself when its files change.

Without the fleet's servers it serves all the same: purchases are told DEVICE_UNAVAILABLE, and
/healthz says 503 until there is a connection.

The log goes to the standard error, readable on a terminal and as JSON lines otherwise.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		hangups := make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP)
		cfg, err := gate.Load(*file)
		if err != nil {
			return err
		}
		log := cli.Log(zerolog.InfoLevel)
		if os.Getenv("GOGC") == "" {
			debug.SetGCPercent(gate.GCPercent)
		}
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop) // the second signal is not caught any more
		err = gate.New(cfg, log).Run(ctx, log, hangups, func(at net.Addr) {
			log.Info().Str("version", version).Stringer("listen", at).Msg("kioskgate serves")
		})
		log.Info().Msg("kioskgate has ended")
		return err
	}
	return c
}

func checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Say whether a config is right, and what to mend",
		Long: `Read a config as "run" would, with the certificate that it names, and list what is wrong with it by file,
line and key. Exit status 0 means that it is right; a warning may come with it.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	example := c.Flags().Bool("example", false, "print a commented config to begin with")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *example {
			_, err := io.WriteString(c.OutOrStdout(), gate.Example)
			return err
		}
		cfg, err := gate.Load(*file)
		if err != nil {
			return err
		}
		if err := check(cfg); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "%s is right: %s, for the kiosks at %v.\n", *file, cfg.Listen, cfg.Servers)
		if cfg.Anybody() {
			fmt.Fprintln(c.ErrOrStderr(), "warning: neither allow nor client_ca is set: strangers may use up what a machine "+
				"takes in purchases. Write allow with the addresses that Glase calls from.")
		}
		return nil
	}
	return c
}

// check looks at the files that a config names.
func check(cfg gate.Config) error {
	var errs []error
	if cfg.TLSCert != "" {
		if _, _, err := (cert.Files{Cert: cfg.TLSCert, Key: cfg.TLSKey, ClientCA: cfg.ClientCA}).Load(); err != nil {
			errs = append(errs, fmt.Errorf("tls_cert: %w", err))
		}
		if err := cert.Exposed(cfg.TLSKey); err != nil {
			errs = append(errs, fmt.Errorf("tls_key: %w", err))
		}
	}
	if _, err := cfg.User(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
