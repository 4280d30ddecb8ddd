package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
)

func receiptCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "receipt SALE",
		Short: "Show what a sale's customer is told in writing, or print it",
		Long: `Show the receipt of a sale that was paid and has ended, as the running kiosk tells it: products and their
VAT, what was paid and what went back, the way of paying, Glase's reference and the time.

With --html it goes into a file, as a page that a browser shows and a mail can hold. With --print the machine's
receipt printer ([printer] in the config) prints a copy, which is marked as one.

Exit status 0 means that there is one, and that it was printed. A sale that is still open, stands in doubt, or for
which nothing was paid has none.`,
		Example: "  kioskd sales\n  kioskd receipt 7GQ2K4MX\n  kioskd receipt 7GQ2K4MX --html receipt.html",
		Args:    cobra.ExactArgs(1),
	}
	file := configFlag(c)
	page := c.Flags().String("html", "", "write it as a page into this `FILE`")
	paper := c.Flags().Bool("print", false, "print a copy on the machine's receipt printer")
	c.MarkFlagsMutuallyExclusive("html", "print")
	c.RunE = func(c *cobra.Command, args []string) error {
		if c.Flags().Changed("html") && *page == "" {
			return errors.New("--html needs the name of a file")
		}
		d, err := running(*file)
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		if *paper {
			if cfg, err := config.Load(*file, drivers.All()); err == nil && cfg.Printer.Device == "" {
				return errors.New("this machine has no receipt printer: its config has no [printer] device " +
					"(docs/receipts.md)")
			}
			if err := d.Print(c.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(out, "A copy of the receipt of sale %s is printed.\n", args[0])
			return nil
		}
		text, err := d.Receipt(c.Context(), args[0], *page != "")
		if err != nil {
			return err
		}
		if *page != "" {
			return create(*page, func(w io.Writer) error {
				_, err := io.WriteString(w, text)
				return err
			})
		}
		_, err = fmt.Fprint(out, text)
		return err
	}
	return c
}
