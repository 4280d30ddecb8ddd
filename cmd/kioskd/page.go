package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"kioskd/hw/display"
)

func pageCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "page",
		Short: "Open the technician's page on a phone, by a code that works once",
		Long: `Show a code on the machine's display, for a minute in place of the customers', and here. Scan it with the
phone's camera within five minutes: it opens the machine's page, once, and asks for your name. What you do there
is recorded with it, and needs the technicians' token; to look needs the code alone. A new code ends the one before.

While a customer is being served there is no code, and a code that is shown leaves the display as soon as a
customer begins. The phone must reach [debug] listen; --here gives an address for a browser on this machine
instead, or for one at the end of an SSH tunnel, and shows nothing to customers.`,
		Example: "  sudo kioskd page\n  sudo kioskd page --here",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	here := c.Flags().Bool("here", false, "for a browser on this machine, and not on its display")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		told, err := d.Page(c.Context(), *here)
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		if *asJSON {
			return json.NewEncoder(out).Encode(told)
		}
		if !*here {
			code, err := display.QRLines(told.URL, bool(painting(out)))
			if err != nil {
				return err
			}
			fmt.Fprint(out, code)
		}
		_, err = fmt.Fprintf(out, "%s\nIt opens once, within %d minutes.\n", told.URL, told.Seconds/60)
		return err
	}
	return c
}
