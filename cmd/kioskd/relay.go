package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/cli"
	"kioskd/internal/debug/api"
)

func relayCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "relay SLOT --for TIME",
		Short: "Switch a slot's relay on for a while",
		Long: `Switch the relay of a slot of the running kiosk on for a while, at most for the slot's max_on, and then off.
A product that falls by it is not counted: put the stock right afterwards. Who asked for it is recorded before
the relay moves; opening the door switches it off.

While a customer is being served, until their money is settled, it is refused; while it is on no customer can
begin. Slots that other drivers move (mdb, board) have no relay here: test them with kioskd vend.`,
		Example: "  kioskd relay A1 --for 500ms\n  kioskd relay A1 --for 2s --by anna",
		Args:    cobra.ExactArgs(1),
	}
	file, asJSON, by := configFlag(c), jsonFlag(c), byFlag(c)
	on := c.Flags().Duration("for", 0, "how long, like 500ms or 2s; required")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *on < time.Millisecond {
			return errors.New("say for how long: --for 500ms")
		}
		d, err := running(*file)
		if err != nil {
			return err
		}
		begun, err := d.Relay(c.Context(), args[0], *on, *by)
		if err != nil {
			return err
		}
		v, err := served(c.Context(), d, begun.Act)
		if err != nil {
			return err
		}
		really := time.Duration(begun.OnMS) * time.Millisecond
		err = tellAct(c.OutOrStdout(), v, *asJSON, func(v api.Service) string {
			switch {
			case v.Why != "":
				return fmt.Sprintf("%s: the relay was not on for %v: %s", v.Slot, really,
					printable(strings.ReplaceAll(v.Why, "_", " ")))
			case really < *on:
				return fmt.Sprintf("%s: the relay was on for %v, the longest that its max_on allows.", v.Slot, really)
			}
			return fmt.Sprintf("%s: the relay was on for %v.", v.Slot, really)
		})
		if err == nil && v.Why != "" {
			return cli.ErrSaid
		}
		return err
	}
	return c
}
