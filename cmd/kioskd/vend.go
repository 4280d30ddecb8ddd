package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/cli"
	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
)

func vendCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "vend SLOT",
		Short: "Make one product come out of a slot, as a test that nobody pays for",
		Long: `Make one product come out of a slot of the running kiosk, and say what came of it. It is a test: nobody
is charged, the stock counts the product that came out, and who asked for it is recorded before anything
moves. Opening the door stops it.

While a customer is being served, until their money is settled, it is refused; while it runs no customer can
begin. A slot that is closed may be tested; one that jams or does not say what came out is closed by it, until
the door has been opened and closed.

The exit status is 0 when the product came out and nothing was wrong.`,
		Example: "  kioskd vend A1\n  kioskd vend A1 --by anna --json",
		Args:    cobra.ExactArgs(1),
	}
	file, asJSON, by := configFlag(c), jsonFlag(c), byFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		begun, err := d.Vend(c.Context(), args[0], *by)
		if err != nil {
			return err
		}
		v, err := served(c.Context(), d, begun.Act)
		if err != nil {
			return err
		}
		if err := tellAct(c.OutOrStdout(), v, *asJSON, vended); err != nil {
			return err
		}
		if v.Outcome != "delivered" || v.Why != "" {
			return cli.ErrSaid
		}
		return nil
	}
	return c
}

// byFlag is --by: who does it, for the record.
func byFlag(c *cobra.Command) *string {
	return c.Flags().String("by", whoami(), "who does it, for the record")
}

// served waits until an act has ended. It is bounded below: the daemon waits for no dispenser for ever.
func served(ctx context.Context, d *client.Client, id string) (api.Service, error) {
	for {
		v, err := d.Service(ctx)
		if err != nil {
			return v, fmt.Errorf("what came of it is not known: %w", err)
		}
		switch {
		case v.Act != id:
			return v, errors.New("what came of it is not known: another technician's act has begun since")
		case v.Ended:
			return v, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

func tellAct(out io.Writer, v api.Service, asJSON bool, words func(api.Service) string) error {
	if asJSON {
		return json.NewEncoder(out).Encode(v)
	}
	_, err := fmt.Fprintln(out, words(v))
	return err
}

// vended is a test vend in words, with what to do next.
func vended(v api.Service) string {
	line := fmt.Sprintf("%s: %s", v.Slot, strings.ReplaceAll(v.Outcome, "_", " "))
	if v.Why != "" {
		line += " (" + printable(strings.ReplaceAll(v.Why, "_", " ")) + ")"
	}
	switch {
	case v.Outcome == "delivered" && v.Why == "":
		return line + "; one less in stock, nobody is charged."
	case v.Outcome == "not_delivered" && v.Why == "stopped":
		return line + ": it was stopped before anything fell."
	case v.Outcome == "not_delivered":
		return line + ". The slot is closed until the door has been opened and closed."
	case v.Outcome == "delivered":
		return line + "; one less in stock. The slot is closed until the door has been opened and closed."
	}
	return line + ": look whether it came out, and put the stock right (kioskd stock " + v.Slot +
		" =N). The slot is closed until the door has been opened and closed."
}
