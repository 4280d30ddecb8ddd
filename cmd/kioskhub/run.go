package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"kioskd/internal/cli"
	"kioskd/internal/fleet/authority"
	"kioskd/internal/hub/desk"
	"kioskd/internal/hub/settings"
	"kioskd/internal/hub/store"
)

func runCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Collect until told to end",
		Long: `Collect until SIGTERM or Ctrl-C: what is being written is finished, and what was not written is another hub's.
A second signal ends it at once.

It starts when the database has the tables of this version: kioskhub migrate makes them. After that it goes on
whatever becomes of the database and of the fleet's servers; /healthz says 503 meanwhile, and why.

The log goes to the standard error, readable on a terminal and as JSON lines otherwise.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, s, err := open(*file)
		if err != nil {
			return err
		}
		defer s.Close()
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop) // the second signal is not caught any more
		log := cli.Log(zerolog.InfoLevel)
		if err := await(ctx, s, log); err != nil {
			return err
		}
		err = run(ctx, cfg, s, log)
		log.Info().Msg("kioskhub has ended")
		return err
	}
	return c
}

// await waits for a database that does not answer yet, as after the start of the whole machine. One that answers and
// has other tables is an error.
func await(ctx context.Context, s *store.Store, log zerolog.Logger) error {
	for said := ""; ; {
		within, cancel := context.WithTimeout(ctx, askWithin)
		err := s.Ping(within)
		if err == nil {
			err = s.Ready(within)
			if err == nil || errors.Is(err, store.ErrOlder) || errors.Is(err, store.ErrNewer) {
				cancel()
				return err
			}
		}
		cancel()
		if err.Error() != said {
			said = err.Error()
			log.Warn().Err(err).Msg("waiting for the database")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// job is one part of a hub. It runs until ctx ends, and what ends it earlier ends the hub.
type job func(ctx context.Context) error

// run runs all parts of a hub.
func run(ctx context.Context, cfg settings.Settings, s *store.Store, log zerolog.Logger) error {
	set := metrics.NewSet()
	l := &line{cfg: cfg, store: s, name: "H" + rand.Text(), set: set, log: log}
	if cfg.Desk.Listen != "" && cfg.Desk.Authority != "" {
		key, err := authority.Open(cfg.Desk.Authority)
		if err != nil {
			return fmt.Errorf("[desk] authority: %w", err)
		}
		l.desk = key
	}
	more, err := admitting(cfg, s, log)
	if err != nil {
		return err
	}
	jobs := append([]job{l.run}, more...)
	figures := []func(io.Writer){set.WritePrometheus, metrics.WriteProcessMetrics}
	if cfg.Desk.Listen != "" {
		d, err := desk.New(cfg.Desk, desk.Parts{Store: s, Log: log, Office: l.office.Load})
		if err != nil {
			return err
		}
		at, err := d.Listen()
		if err != nil {
			return err
		}
		jobs = append(jobs, func(ctx context.Context) error { return d.Run(ctx, at) })
		figures = append(figures, d.WriteMetrics)
	}
	if cfg.Metrics != "" {
		inside, err := newInside(cfg.Metrics, figures, l)
		if err != nil {
			return err
		}
		jobs = append(jobs, inside.run)
	}
	log.Info().Str("version", version).Str("hub", l.name).Bool("postgres", s.Postgres()).Msg("kioskhub collects")
	return together(ctx, jobs)
}

// together runs jobs until ctx ends or one of them fails, which ends the others.
func together(ctx context.Context, jobs []job) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	errs := make([]error, len(jobs))
	var all sync.WaitGroup
	for n, j := range jobs {
		all.Go(func() {
			if errs[n] = j(ctx); errs[n] != nil {
				end(fmt.Errorf("another part failed: %w", errs[n]))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
