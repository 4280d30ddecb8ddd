package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
)

const (
	// askEvery is how often a running kiosk is asked while somebody waits for it.
	askEvery = time.Second / 2
	// leaseSeconds is how long a machine is kept from selling by a command that was killed, or gave up.
	leaseSeconds = 5
	holdMax      = api.HoldMax * time.Second
)

func holdCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "hold",
		Short: "Keep the running kiosk between two sales for a while, so that it can be stopped",
		Long: `Let no new sale begin, wait for the end of the one that is on, and come back once the machine stands still.
Nothing begins then for as long as --for says: stop or restart the service in that time, or let the machine
sell again with --for 0s. It sells again by itself when the time is over.

When the wait is over first, and at Ctrl-C, the machine sells on within seconds, and the exit status is 1.`,
		Example: "  sudo kioskd hold && sudo systemctl restart kioskd && sudo kioskd ready --within 1m",
		Args:    cobra.NoArgs,
	}
	file := configFlag(c)
	keep := c.Flags().Duration("for", 90*time.Second, fmt.Sprintf("how long nothing begins; at most %v", holdMax))
	within := c.Flags().Duration("within", 30*time.Minute, "how long to wait for the sale that is on")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *keep < 0 || *keep > holdMax || *within <= 0 {
			return fmt.Errorf("--for must be from 0s to %v, and --within above 0s", holdMax)
		}
		d, err := running(*file)
		if err != nil {
			return err
		}
		if *keep == 0 {
			if _, err := d.Hold(c.Context(), 0); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), "The machine is not held.")
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = until(ctx, *within, func(ctx context.Context) (bool, error) {
			still, err := d.Hold(ctx, leaseSeconds)
			if err == nil && still {
				still, err = d.Hold(ctx, int(math.Ceil(keep.Seconds())))
			}
			return still, err
		})
		if err != nil {
			return fmt.Errorf("the machine is not held, and sells on within %d s: %w", leaseSeconds, err)
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "The machine stands still for %v.\n", *keep)
		return err
	}
	return c
}

// until asks again until the answer is yes. It gives up at an error, at the end of ctx, and when the time is over.
func until(ctx context.Context, within time.Duration, ask func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("not within %v", within))
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		yes, err := ask(ctx)
		switch {
		case yes:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func readyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ready",
		Short: "Say whether the running kiosk has started and has its journal",
		Long: `Exit status 0 means that kioskd runs, has made its first step, and can record: it sells, or says in
kioskd status why not.`,
		Example: "  sudo systemctl restart kioskd && sudo kioskd ready --within 1m",
		Args:    cobra.NoArgs,
	}
	file := configFlag(c)
	within := c.Flags().Duration("within", client.Within, "how long to wait for it")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		var last error
		err = until(c.Context(), *within, func(ctx context.Context) (bool, error) {
			err := d.Ready(ctx)
			if err != nil && ctx.Err() == nil {
				last = err
			}
			return err == nil, nil
		})
		if err != nil {
			return errors.Join(fmt.Errorf("not ready: %w", err), last)
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), "kioskd is ready.")
		return err
	}
	return c
}
