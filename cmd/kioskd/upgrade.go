package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/debug/client"
)

const (
	// askEvery is how often a running kiosk is asked while somebody waits for it.
	askEvery = time.Second / 2
	// leaseSeconds is how long a machine is kept from selling by a command that was killed while it waited.
	leaseSeconds = 5
)

func holdCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "hold",
		Short: "Keep the running kiosk between two sales for a while, so that it can be stopped",
		Long: `Let no new sale begin, wait for the end of the one that is on, and come back once the machine stands still.
Nothing begins then for as long as --for says: stop the service in that time, or let it sell again with --for 0.
An upgrade does this by itself.

When the wait is over, and at Ctrl-C, the machine sells on, and the exit status is 1.`,
		Example: "  sudo kioskd hold && sudo systemctl restart kioskd",
		Args:    cobra.NoArgs,
	}
	file := configFlag(c)
	keep := c.Flags().Duration("for", 90*time.Second, "how long nothing begins; at most 5m0s")
	within := c.Flags().Duration("within", 30*time.Minute, "how long to wait for the sale that is on")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *keep < 0 || *keep > 5*time.Minute || *within <= 0 {
			return errors.New("--for must be from 0s to 5m0s, and --within above 0s")
		}
		d, err := running(*file)
		if err != nil {
			return err
		}
		if *keep == 0 {
			_, err := d.Hold(c.Context(), 0)
			return err
		}
		ctx, cancel := context.WithTimeout(c.Context(), *within)
		defer cancel()
		if err := hold(ctx, d, int(keep.Seconds())); err != nil {
			_, let := d.Hold(context.WithoutCancel(ctx), 0)
			return errors.Join(err, let)
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "The machine stands still for %v.\n", *keep)
		return err
	}
	return c
}

// hold waits until the machine stands still, and has it stand so for some seconds from then on.
func hold(ctx context.Context, d *client.Client, seconds int) error {
	return until(ctx, "the machine does not stand still: a sale or a technician's act is on; it sells on", func() error {
		still, err := d.Hold(ctx, leaseSeconds)
		if err == nil && still {
			still, err = d.Hold(ctx, max(seconds, 1))
		}
		if err == nil && !still {
			return errNotYet
		}
		return err
	})
}

var errNotYet = errors.New("not yet")

// until asks again until there is an answer. It gives up when ctx ends, with what is said then, and at an error that is
// not errNotYet.
func until(ctx context.Context, said string, ask func() error) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		err := ask()
		if !errors.Is(err, errNotYet) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New(said)
		}
	}
}

func readyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ready",
		Short: "Say whether the running kiosk has started and has its journal",
		Long: `Exit status 0 means that kioskd runs, has made its first step, and can record: it sells, or says in
kioskd status why not. This is how an upgrade sees whether a version has come up.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	within := c.Flags().Duration("within", 0, "how long to wait for it")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.Context(), max(*within, client.Within))
		defer cancel()
		last := d.Ready(ctx)
		if last == nil || *within == 0 {
			return last
		}
		err = until(ctx, "", func() error {
			if last = d.Ready(ctx); last != nil {
				return errNotYet
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("not ready after %v: %w", *within, last)
		}
		return nil
	}
	return c
}
