package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"kioskd/internal/cli"
	"kioskd/internal/config"
	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
	"kioskd/internal/drivers"
	"kioskd/internal/journal"
)

func exportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "export FILE",
		Short: "Write a whole copy of the journal into one new file, also while the kiosk sells",
		Long: `Write the journal that the config names into one new file, as it is at this moment: what stands in the
write-ahead log beside it as well. No sale waits for it, and no daemon need be running. The copy
can be sent to anybody, and read with kioskd replay.

A file that exists is never replaced. After an error nothing is left of the copy. Exit status 0 means
that the copy is whole and on the disk.`,
		Example: "  kioskd export /media/stick/kiosk-7.db\n  kioskd replay /media/stick/kiosk-7.db",
		Args:    cobra.ExactArgs(1),
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := config.Load(*file, drivers.All())
		if cfg.Journal.Path == "" {
			return errors.Join(errors.New("the config names no [journal] path"), err)
		}
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM) // so that no half copy is left
		defer stop()
		report, err := journal.Export(ctx, cfg.Journal.Path, args[0])
		if errors.Is(err, context.Canceled) {
			return errors.New("ended before the copy was whole: nothing is left of it")
		}
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		switch {
		case *asJSON:
			if err := json.NewEncoder(out).Encode(report.Chain); err != nil {
				return err
			}
		case report.Chain.Entries == 0:
			fmt.Fprintf(out, "%s is a copy of a journal without entries.\n", args[0])
		case report.Chain.Broken == "":
			fmt.Fprintf(out, "%s holds entries %d to %d, and their hash chain is whole.\n", args[0], report.Chain.First,
				report.Chain.Last)
		default:
			fmt.Fprintf(out, "%s holds what can be read, entries %d to %d, and the hash chain is broken: %s.\n",
				args[0], report.Chain.First, report.Chain.Last, report.Chain.Broken)
		}
		if report.Chain.Broken != "" {
			return cli.ErrSaid
		}
		return nil
	}
	return c
}

func acceptCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "accept --reason TEXT",
		Short: "Accept that the journal has lost its newest entries, and let the machine sell again",
		Long: `Let a machine sell again that stands out of service with the reason journal_lost: its journal came back
older than it had been, as a restored copy or without its write-ahead log. kioskd status says which
entries are gone. What they held the machine has forgotten, so look first

  in Glase's books   for payments, and reservations that are still held, since the newest entry that is there
  into the machine   for products that came out or are stuck, since no slot is closed for them any more
  at the stock       with kioskd stock, since it was counted back

Who accepts it, and why, is recorded. Opening the door, or a start with --serviced-by, does not accept it.`,
		Example: "  kioskd status\n  kioskd accept --reason \"compared with Glase: one reservation, which has " +
			"expired; A1 was jammed\"",
		Args: cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	reason := c.Flags().String("reason", "", "what you have compared, in a sentence; required")
	by := c.Flags().String("by", whoami(), "who accepts it")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if strings.TrimSpace(*reason) == "" {
			return errors.New(`say what you have compared: --reason "…"`)
		}
		d, err := running(*file)
		if err != nil {
			return err
		}
		if err := d.Accept(c.Context(), api.Acceptance{By: *by, Reason: *reason}); err != nil {
			return err
		}
		return tellNow(c, d, "Accepted", *asJSON)
	}
	return c
}

// tellNow says that something is on record, and how the machine stands since.
func tellNow(c *cobra.Command, d *client.Client, what string, asJSON bool) error {
	s, err := d.Status(c.Context())
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(c.OutOrStdout()).Encode(s)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s, and on record. The machine is now: %s %s\n", what,
		strings.ReplaceAll(s.Step, "_", " "), s.Reason)
	return err
}
