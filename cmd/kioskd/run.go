package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kioskd/hw/gpio"
	"kioskd/hw/gpio/simboard"
	"kioskd/internal/app"
	"kioskd/internal/cli"
	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/hardware"
	"kioskd/internal/sdnotify"
	"kioskd/internal/simulated"
)

func runCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the kiosk until it is told to end",
		Long: `Run the kiosk until SIGTERM or Ctrl-C. It then makes the outputs inactive, settles the sale
that is on for at most 20 seconds, and leaves the rest to the next start, which loses nothing.
A second signal ends it at once. SIGHUP ends nothing, not even when its terminal is closed: the
certificates of [ups] and [debug] are read again, as they are by themselves when their files change.

The log goes to the standard error, readable on a terminal and as JSON lines otherwise. When the
customer's display is that same terminal, it goes to kioskd.log beside the journal instead.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	logFile := c.Flags().String("log", "", "write the log to `FILE`")
	serviced := c.Flags().String("serviced-by", "",
		"say that `WHO` has refilled the machine: the stock is the config's, and closed slots sell again")
	verbose := c.Flags().BoolP("verbose", "v", false, "log each poll and tick as well")
	c.RunE = func(c *cobra.Command, _ []string) error {
		hangups := make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP) // from the beginning and to the end: it never ends the daemon
		cfg, err := config.Load(*file, drivers.All())
		if err != nil {
			return err
		}
		if err := app.Free(cfg); err != nil {
			return err
		}
		if _, err := outputsOff(cfg); err != nil { // the first act, whatever fails after it
			return err
		}
		log, closeLog, err := openLog(cfg, *logFile, *verbose)
		if err != nil {
			return err
		}
		defer closeLog()
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop) // the second signal is not caught any more
		return run(ctx, cfg, log, *serviced, hangups)
	}
	return c
}

// run is the daemon.
func run(ctx context.Context, cfg config.Config, log zerolog.Logger, serviced string, hangups <-chan os.Signal) error {
	clock, err := app.KernelClock()
	if err != nil {
		return err
	}
	screen, err := openDisplay(cfg)
	if err != nil {
		log.Error().Err(err).Msg("the display cannot be opened: no sale is offered until it can")
	}
	if screen == nil {
		screen = missing{err}
	}
	supervisor, err := systemd()
	if err != nil {
		return err
	}
	cfg, pins, sim, err := simulate(cfg)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Parts{
		Pins: pins, Sim: sim,
		Version: version, Log: log, Clock: clock, Random: rand.Reader, Screen: screen, ServicedBy: serviced,
		Supervisor: supervisor,
	})
	if err != nil {
		return err
	}
	log.Info().Str("version", version).Str("machine", cfg.Machine.Name).Str("flow", cfg.Payment.Flow).
		Str("debug", cfg.Debug.Listen).Msg("kioskd starts")
	over, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go reload(over, hangups, a, log)
	err = a.Serve(ctx)
	err = errors.Join(err, a.Close())
	log.Info().Msg("kioskd has ended")
	return err
}

// reload reads the certificates again at each SIGHUP.
func reload(ctx context.Context, hangups <-chan os.Signal, a *app.App, log zerolog.Logger) {
	for {
		select {
		case <-hangups:
			if err := a.Reload(); err != nil {
				log.Error().Err(err).Msg("SIGHUP: a certificate cannot be used, and the old one is served")
				continue
			}
			log.Info().Msg("SIGHUP: the certificates were read again")
		case <-ctx.Done():
			return
		}
	}
}

// systemd is who started this daemon and watches over it, if it did.
func systemd() (s sdnotify.Supervisor, err error) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return s, nil
	}
	if s.Watchdog, err = sd.SdWatchdogEnabled(false); err != nil {
		return s, fmt.Errorf("the unit's WatchdogSec cannot be read: %w", err)
	}
	s.Notify = func(message string) error {
		_, err := sd.SdNotify(false, message)
		return err
	}
	return s, nil
}

// openLog makes the logger: for people on a terminal, for programs elsewhere, and never on the customer's screen.
func openLog(cfg config.Config, path string, verbose bool) (zerolog.Logger, func() error, error) {
	level := zerolog.InfoLevel
	if verbose {
		level = zerolog.DebugLevel
	}
	if path == "" && term.IsTerminal(int(os.Stderr.Fd())) && term.IsTerminal(int(os.Stdout.Fd())) &&
		cfg.Display.Driver == "terminal" && cfg.Display.Device == "" {
		path = filepath.Join(filepath.Dir(cfg.Journal.Path), "kioskd.log")
	}
	if path != "" {
		// a pipe that nobody reads must not hang the start
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0o640)
		if err != nil {
			return zerolog.Logger{}, nil, fmt.Errorf("the log cannot be written: %w", err)
		}
		return zerolog.New(f).Level(level).With().Timestamp().Logger(), f.Close, nil
	}
	return cli.Log(level), func() error { return nil }, nil
}

// simulate opens the simulated machine of a config that asks for one, and what serves its front; of another config
// none.
func simulate(cfg config.Config) (config.Config, gpio.Source, http.Handler, error) {
	if cfg.GPIO.Driver != "sim" {
		return cfg, nil, nil, nil
	}
	machine, err := simulated.Open(cfg)
	if err != nil {
		return cfg, nil, nil, err
	}
	return simulated.Config(cfg), machine, simboard.Handler(machine), nil
}

// outputsOff makes the config's outputs inactive, and says how many they are. A simulated machine in the daemon's own
// process has ended with it.
func outputsOff(cfg config.Config) (int, error) {
	switch {
	case cfg.GPIO.Driver != "sim":
		return hardware.OutputsOff(cfg, nil)
	case cfg.GPIO.Device == "":
		return len(hardware.Relays(cfg)), nil
	}
	machine, err := simulated.Open(cfg)
	if err != nil {
		return 0, err
	}
	return hardware.OutputsOff(cfg, machine)
}

func boardCommand() *cobra.Command {
	c := &cobra.Command{
		Use:    "sim-board",
		Short:  "Be the simulated machine of a config, in a process of its own",
		Hidden: true,
		Long: `Be the simulated machine (GPIO driver "sim") of a config at the unix socket that its [gpio] device
names, until Ctrl-C. A kiosk whose config names a device drives this machine instead of one in
its own process, so the machine outlives a killed kiosk, as relays and motors do.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.Load(*file, drivers.All())
		if err != nil {
			return err
		}
		if cfg.GPIO.Device == "" {
			return errors.New("the config's [gpio] names no device: set it to a path for the board's socket")
		}
		board, err := simboard.New(simulated.Wiring(cfg), simboard.Physics{})
		if err != nil {
			return err
		}
		l, err := simboard.Listen(cfg.GPIO.Device)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		fmt.Fprintln(c.OutOrStdout(), "the board is at", cfg.GPIO.Device)
		return simboard.Serve(ctx, l, board)
	}
	return c
}
