package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/cli"
	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
)

func selfTestCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "selftest",
		Short: "Have the running kiosk look at itself, and move nothing",
		Long: `Have the running kiosk look at itself: whether each sensor and button is at rest, the relays' lines are off
and its own, the display, boards and printer answer, the journal's pages are whole, and the card, the heat and
the supply are well. No motor and no lock moves.

It does so by itself once a week, in a quiet hour. While somebody is served it is refused, and a customer who
comes ends it.

The exit status is 0 when all is well.`,
		Example: "  kioskd selftest\n  kioskd selftest --last --json",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	only := c.Flags().Bool("last", false, "only show how the last one went")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		s, err := d.SelfTest(c.Context())
		if err != nil {
			return err
		}
		if !*only {
			if s, err = selfTest(c.Context(), d, s.At); err != nil {
				return err
			}
		}
		out := c.OutOrStdout()
		if *asJSON {
			err = json.NewEncoder(out).Encode(s)
		} else {
			err = tellSelfTest(out, s)
		}
		if err == nil && !s.OK {
			err = cli.ErrSaid
		}
		return err
	}
	return c
}

// selfTest begins a test and waits for its end, which the daemon bounds. before is when the last one was.
func selfTest(ctx context.Context, d *client.Client, before time.Time) (s api.SelfTest, err error) {
	if err := d.BeginSelfTest(ctx); err != nil {
		return s, err
	}
	err = until(ctx, "the self-test goes on: kioskd selftest --last shows its outcome", func() error {
		if s, err = d.SelfTest(ctx); err != nil {
			return err
		}
		if s.Running {
			return errNotYet
		}
		return nil
	})
	if err == nil && s.At.Equal(before) {
		err = errors.New("the self-test was ended, since somebody is being served: try it again later")
	}
	return s, err
}

func tellSelfTest(out io.Writer, s api.SelfTest) error {
	if s.At.IsZero() {
		_, err := fmt.Fprintln(out, "There was no self-test yet. Make one: kioskd selftest")
		return err
	}
	p, bad := painting(out), 0
	for _, c := range s.Checks {
		word := p.in(green, "ok  ")
		if !c.OK {
			word, bad = p.in(red, "fail"), bad+1
		}
		if _, err := fmt.Fprintf(out, "%s  %-16s  %s\n", word, c.Name, printable(c.Says)); err != nil {
			return err
		}
		if c.Do != "" && !c.OK {
			fmt.Fprintf(out, "      %-16s  → %s\n", "", printable(c.Do))
		}
	}
	_, err := fmt.Fprintf(out, "\n%d looked at on %s: %d fail.\n", len(s.Checks),
		s.At.Local().Format("2006-01-02 at 15:04"), bad)
	return err
}

func idleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "idle",
		Short: "Say whether nobody is served now, for what must not disturb a sale",
		Long: `Exit status 0 means that nobody is served: the machine is idle, or no kioskd runs, or none is configured.
1 means that somebody is, a customer or a technician, that a sale is still being settled, or that this is not known.

The system's own upgrades and a restart after them ask this first: systemctl cat apt-daily-upgrade.service.`,
		Example: "  kioskd idle --within 1h && sudo systemctl reboot",
		Args:    cobra.NoArgs,
	}
	file := configFlag(c)
	within := c.Flags().Duration("within", 0, "how long to wait for it")
	keep := c.Flags().Duration("hold", 0, "let nobody begin for so long from then on, at most 5m0s; 0s: everybody may")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *within < 0 || *keep < 0 || *keep > 5*time.Minute {
			return errors.New("--hold must be from 0s to 5m0s, and --within not below 0s")
		}
		if _, err := os.Stat(*file); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		d, err := running(*file)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.Context(), *within)
		defer cancel()
		err = until(ctx, errServed.Error(), func() error { // each question has its own time, and is answered
			if *keep > 0 {
				return holdOrAbsent(c.Context(), d, int(keep.Seconds()))
			}
			return idle(c.Context(), d)
		})
		if err != nil && *keep > 0 {
			_, _ = d.Hold(context.WithoutCancel(ctx), 0) // it ends by itself all the same
		}
		return err
	}
	return c
}

var errServed = errors.New("somebody is being served, or a sale is being settled")

// idle is nil when nobody is served, and errNotYet while somebody is.
func idle(ctx context.Context, d *client.Client) error {
	s, err := d.Status(ctx)
	switch {
	case errors.Is(err, client.ErrAbsent):
		return nil
	case err != nil:
		return err
	case s.Sale != "" || s.Phase != "idle" || s.Step != "ready" && s.Step != "out_of_service":
		return errNotYet
	}
	return nil
}

// holdOrAbsent is nil when nobody is served, nor will be for some seconds.
func holdOrAbsent(ctx context.Context, d *client.Client, seconds int) error {
	still, err := d.Hold(ctx, max(seconds, 1))
	switch {
	case errors.Is(err, client.ErrAbsent):
		return nil
	case err == nil && !still:
		return errNotYet
	}
	return err
}
