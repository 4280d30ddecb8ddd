package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/config"
	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
	"kioskd/internal/drivers"
	"kioskd/internal/totals"
)

func salesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "sales [SALE]",
		Short: "List the newest sales, tell one line by line, or add all up for the books",
		Long: `List the newest sales, newest first, or tell what happened in one.

With --csv or --totals all sales of the running kiosk that are over are taken, or those that ended from one day
to another, both included, in the machine's time zone. The CSV has a line for each product, oldest first; what
the sale was charged and what went back stand in its first line alone, so that columns can be added up. The
totals are per day, product and rate of VAT, which is in the prices. Sales in doubt are in no total.`,
		Example: "  kioskd sales --limit 5\n  kioskd sales 7GQ2K4MX\n  kioskd sales --totals --from 2026-11-01 --to 2026-11-30\n" +
			"  kioskd sales --csv > sales.csv",
		Args: cobra.MaximumNArgs(1),
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	limit := c.Flags().Int("limit", 20, "list at most `N` sales, from 1 to 500")
	doubts := c.Flags().Bool("in-doubt", false, "only those that wait for a person")
	asCSV := c.Flags().Bool("csv", false, "all of them as a table for a spreadsheet")
	sums := c.Flags().Bool("totals", false, "what they add up to")
	from := c.Flags().String("from", "", "the first `DAY`, like 2026-11-01")
	to := c.Flags().String("to", "", "the last `DAY`")
	c.MarkFlagsMutuallyExclusive("csv", "totals", "in-doubt", "limit")
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		if !*asCSV && !*sums {
			if *from != "" || *to != "" {
				return errors.New("--from and --to go with --csv or --totals")
			}
			if len(args) == 1 {
				return tellStory(c.Context(), d, args[0], out, *asJSON)
			}
			return listSales(c.Context(), d, *limit, *doubts, *asJSON, out)
		}
		if len(args) == 1 {
			return errors.New("--csv and --totals are of all sales, not of one")
		}
		cfg, err := config.Load(*file, drivers.All())
		if err != nil {
			return err
		}
		zone := cfg.Machine.Timezone
		days, err := between(*from, *to, zone)
		if err != nil {
			return err
		}
		sales, undated, err := days.sales(c.Context(), d, c.ErrOrStderr())
		if err != nil {
			return err
		}
		if undated > 0 {
			fmt.Fprintf(c.ErrOrStderr(), "%d sales were made while the machine had no clock, and are in no day: "+
				"without --from and --to they are taken too.\n", undated)
		}
		switch {
		case *asCSV && *asJSON:
			return json.NewEncoder(out).Encode(sales)
		case *asCSV:
			return writeCSV(out, sales, zone)
		}
		t, err := totals.Of(cfg.Machine.Currency, sales, zone)
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(out).Encode(t)
		}
		return tellTotals(out, t)
	}
	return c
}

func listSales(ctx context.Context, d *client.Client, limit int, doubts, asJSON bool, out io.Writer) error {
	list := d.Sales
	if doubts {
		list = d.InDoubt
	}
	sales, err := list(ctx, limit)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(sales)
	}
	if len(sales) == 0 {
		fmt.Fprintln(out, "no sales")
		return nil
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	p := painting(out)
	fmt.Fprintf(t, "SALE\tSTARTED\tFLOW\t%s\tCHARGED\tREFUNDED\tPRODUCTS\tNOTE\n", p.in(plain, "STATE"))
	for _, s := range sales {
		var items []string
		for _, i := range s.Items {
			items = append(items, i.Slot+" "+i.Outcome)
		}
		note := printable(strings.Trim(s.Why+": "+s.Note, ": "))
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s %s\t%s\t%s\t%s\n", s.ID, local(s.Started), s.Flow,
			p.state(s.State, s.State), s.Charged, s.Currency, s.Refunded, strings.Join(items, ", "), note)
	}
	return t.Flush()
}

// span is from one moment to another, the second not included; a zero one is no bound.
type span struct{ from, to time.Time }

// between reads two days, each of which may be left out.
func between(from, to string, zone *time.Location) (s span, err error) {
	if from != "" {
		if s.from, err = time.ParseInLocation(time.DateOnly, from, zone); err != nil {
			return s, fmt.Errorf("--from %q is no day: write it like 2026-11-01", from)
		}
	}
	if to != "" {
		if s.to, err = time.ParseInLocation(time.DateOnly, to, zone); err != nil {
			return s, fmt.Errorf("--to %q is no day: write it like 2026-11-30", to)
		}
		s.to = s.to.AddDate(0, 0, 1)
	}
	if !s.from.IsZero() && !s.to.IsZero() && !s.from.Before(s.to) {
		return s, fmt.Errorf("--from %s is after --to %s", from, to)
	}
	return s, nil
}

func (s span) holds(t time.Time) bool {
	return !t.Before(s.from) && (s.to.IsZero() || t.Before(s.to))
}

// sales are those that ended within it, oldest first, and how many ended nobody knows when, which are taken only
// when there is no bound at all. A clock that was set back by less than a day does not hide any.
func (s span) sales(ctx context.Context, d *client.Client, progress io.Writer) (all []api.Sale, undated int,
	err error) {
	began, told := time.Now(), 0
	for before := int64(math.MaxInt64); ; {
		piece, err := d.SalesBefore(ctx, before, client.SalesMax)
		if err != nil {
			return nil, 0, err
		}
		old := 0
		for _, sale := range piece {
			before = sale.Seq
			switch {
			case sale.Ended.IsZero():
			case s == span{} || totals.Dated(sale) && s.holds(sale.Ended):
				all = append(all, sale)
			case !totals.Dated(sale):
				undated++
			case sale.Ended.Before(s.from.AddDate(0, 0, -1)):
				old++
			}
		}
		if len(piece) < client.SalesMax || old == len(piece) {
			slices.Reverse(all)
			return all, undated, nil
		}
		if told++; time.Since(began) > time.Second {
			fmt.Fprintf(progress, "%d sales read …\n", told*client.SalesMax)
		}
	}
}

// writeCSV writes a line for each product, and one for a sale without any.
func writeCSV(out io.Writer, sales []api.Sale, zone *time.Location) error {
	w := csv.NewWriter(out)
	_ = w.Write([]string{"sale", "started", "ended", "flow", "state", "slot", "product", "price", "vat_percent",
		"outcome", "to_be_paid", "charged", "refunded", "currency", "invoice_reference",
		"ers_reference"}) // the first error stays for w.Error
	at := func(t time.Time) string { return t.In(zone).Format(time.RFC3339) }
	for _, s := range sales {
		charged, refunded := s.Charged, s.Refunded
		items := s.Items
		if len(items) == 0 {
			items = []api.Item{{}}
		}
		for n, i := range items {
			if n > 0 {
				charged, refunded = "", ""
			}
			vat, paid := "", ""
			if i.VAT > 0 {
				vat = strconv.Itoa(i.VAT)
			}
			if i.Slot != "" {
				paid = strconv.FormatBool(i.Charged)
			}
			_ = w.Write([]string{s.ID, at(s.Started), at(s.Ended), s.Flow, s.State, cell(i.Slot), cell(i.Name), i.Price,
				vat, i.Outcome, paid, charged, refunded, s.Currency, cell(s.InvoiceReference), cell(s.ErsReference)})
		}
	}
	w.Flush()
	return w.Error()
}

// cell is a text that no spreadsheet takes for a formula.
func cell(s string) string {
	if strings.ContainsAny(s[:min(1, len(s))], "=+-@\t\r") {
		return "'" + s
	}
	return s
}

// tellTotals says it to people.
func tellTotals(out io.Writer, t totals.Totals) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "DAY\tSALES\tCHARGED\tREFUNDED\tPAID\t\n")
	for _, d := range t.Days {
		if d.Day == "" {
			d.Day = "no clock"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t\n", d.Day, d.Sales, d.Charged, d.Refunded, d.Paid)
	}
	fmt.Fprintf(w, "all, %s\t%d\t%s\t%s\t%s\t\n\n", t.Currency, t.Sales, t.Charged, t.Refunded, t.Paid)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "SLOT\tSOLD\tVALUE\t  PRODUCT\n")
	for _, p := range t.Products {
		fmt.Fprintf(w, "%s\t%d\t%s\t  %s\n", printable(p.Slot), p.Number, p.Value, printable(p.Name))
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "VAT\tPAID\tTAX IN IT\tWITHOUT\t\n")
	for _, r := range t.VAT {
		rate := fmt.Sprint(r.Rate, " %")
		if r.Rate == 0 {
			rate = "not declared"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", rate, r.Gross, r.Tax, r.Net)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if t.InDoubt > 0 {
		fmt.Fprintf(out, "\n%d sales stand in doubt, and are in no sum: kioskd sales --in-doubt\n", t.InDoubt)
	}
	return nil
}
