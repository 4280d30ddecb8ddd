package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"kioskd/internal/cli"
	"kioskd/internal/config"
	"kioskd/internal/debug/api"
)

func refundCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "refund SALE --reason TEXT",
		Short: "Give back what a sale was charged, or a part of it",
		Long: `Give back what a customer has paid for a sale that is over: all that is left of it, or with --amount a part.
Never more goes back than was charged, whatever went back before. The running kiosk does it, between two
sales, with who and why on record.

When an answer of Glase's is lost, a whole refund is asked for again until it is known (98 proves that it was made).
A part is not: the sale then stands in doubt, and you look into Glase's books before you resolve it.

A merchant or an account that may not refund is refused (97, 99): nothing went back, and the text of the mail to
Glase's customer service is printed, which is how it is done by hand. Exit status 0 means that it went back.

A sale that stands in doubt is settled by kioskd resolve.`,
		Example: "  kioskd sales\n  kioskd refund 7GQ2K4MX --amount 5.00 --reason \"the can was open\"",
		Args:    cobra.ExactArgs(1),
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	amount := c.Flags().String("amount", "", "how much, like 5.00; without it all that is left")
	reason := c.Flags().String("reason", "", "why, in a sentence; required")
	by := c.Flags().String("by", whoami(), "who gives it back")
	c.RunE = func(c *cobra.Command, args []string) error {
		if strings.TrimSpace(*reason) == "" {
			return errors.New(`say why: --reason "…"`)
		}
		cfg, d, err := configured(*file)
		if err != nil {
			return err
		}
		err = d.Refund(c.Context(), args[0], api.Refund{Amount: *amount, By: *by, Reason: *reason})
		if err != nil {
			return err
		}
		sale, err := settled(c.Context(), d, args[0], c.ErrOrStderr())
		if err != nil {
			return err
		}
		return refundTold(c.OutOrStdout(), cfg, sale, *amount, *asJSON)
	}
	return c
}

// refusedBy finds the codes by which Glase refuses a merchant's refund at all, in a sale's note.
var refusedBy = regexp.MustCompile(`^refundPayment refused with code (\d+): nothing went back`)

// refundTold says what came of it: an error unless it went back.
func refundTold(out io.Writer, cfg config.Config, sale api.Sale, amount string, asJSON bool) error {
	refused := refusedBy.FindStringSubmatch(sale.Note)
	if asJSON {
		if err := json.NewEncoder(out).Encode(sale); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(out, "Sale %s is %s: %s\n%s", sale.ID, strings.ReplaceAll(sale.State, "_", " "),
			printable(sale.Note), facts(sale))
		if refused != nil && (refused[1] == "97" || refused[1] == "99") {
			fmt.Fprint(out, refundMail(cfg, sale, amount))
		}
		if refused != nil && refused[1] == "98" {
			fmt.Fprintln(out, "Glase says that something of it went back before, and not by this machine: look into its books.")
		}
	}
	if refused != nil || sale.State == "in_doubt" || sale.State == "open" {
		return cli.ErrSaid
	}
	return nil
}

// refundMail is what Glase's manual way asks for.
func refundMail(cfg config.Config, sale api.Sale, amount string) string {
	if amount == "" {
		amount = sale.Charged
		if strings.Trim(sale.Refunded, "0.") != "" {
			amount = fmt.Sprintf("the rest (%s less %s)", sale.Charged, sale.Refunded)
		}
	}
	return fmt.Sprintf(`
Glase does not let this merchant refund by itself. Write to Glase's customer service:

  Subject: Refund of payment %[1]s

  Please refund %[2]s %[3]s of the payment with the ersReference %[1]s
  (%[4]s %[3]s, invoice %[5]s, of %[6]s) to the customer.
  Merchant: %[7]s

`, printable(sale.ErsReference), amount, sale.Currency, sale.Charged, printable(sale.InvoiceReference),
		local(sale.Started), cfg.Glase.ClientID)
}
