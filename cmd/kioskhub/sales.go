package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/hub/store"
	"kioskd/internal/money"
)

func salesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "sales --csv --from DAY --to DAY",
		Short: "Write the fleet's sales as a table for a spreadsheet",
		Long: `Write the sales that ended from one day to another, both included, in UTC or the zone of --zone, and those that
began then and are still open: a line for each sale, or with --items one for each product. Sales in doubt
are among them, with that state.`,
		Example: "  kioskhub sales --csv --from 2026-11-01 --to 2026-11-30 > sales.csv",
		Args:    cobra.NoArgs,
	}
	file := configFlag(c)
	asCSV := c.Flags().Bool("csv", false, "as comma-separated values")
	items := c.Flags().Bool("items", false, "a line for each product")
	from := c.Flags().String("from", "", "the first `DAY`, like 2026-11-01")
	to := c.Flags().String("to", "", "the last `DAY`")
	zone := c.Flags().String("zone", "UTC", "the time `ZONE` of the days, like Europe/Stockholm")
	group := c.Flags().String("group", "", "only machines of this `GROUP`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !*asCSV {
			return errors.New("write --csv: there is no other form")
		}
		at, err := time.LoadLocation(*zone)
		if err != nil {
			return fmt.Errorf("--zone %q is no time zone: write it like Europe/Stockholm", *zone)
		}
		first, err1 := time.ParseInLocation(time.DateOnly, *from, at)
		last, err2 := time.ParseInLocation(time.DateOnly, *to, at)
		if err1 != nil || err2 != nil || last.Before(first) {
			return fmt.Errorf("--from %q --to %q are no days one after the other: write them like 2026-11-01", *from,
				*to)
		}
		_, s, err := open(*file)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Ready(c.Context()); err != nil {
			return err
		}
		e := export{s: s, from: first, to: last.AddDate(0, 0, 1), zone: at, group: *group}
		return e.write(c.Context(), c.OutOrStdout(), *items)
	}
	return c
}

// export is a table of sales.
type export struct {
	s        *store.Store
	from, to time.Time
	zone     *time.Location
	group    string
}

// The first lines of the tables.
const (
	saleHead = "kiosk,name,group,sale,started,ended,flow,state,why,reserved,charged,refunded,currency," +
		"invoice_reference,ers_reference"
	itemHead = "kiosk,name,group,sale,ended,state,slot,product,price,vat_percent,outcome,to_be_paid,currency"
)

func (e export) write(ctx context.Context, out io.Writer, items bool) error {
	buffered := bufio.NewWriter(out)
	w := csv.NewWriter(buffered)
	var err error
	if items {
		_ = w.Write(strings.Split(itemHead, ",")) // the first error stays for w.Error
		err = e.s.ExportItems(ctx, e.from, e.to, e.group, func(s store.SaleRow, i store.ItemRow) error {
			return w.Write([]string{s.Kiosk, cell(s.MachineName), cell(s.Group), cell(s.Sale), e.at(s.Ended), s.State,
				cell(i.Slot), cell(i.Name), decimal(i.Price, s.Currency), strconv.Itoa(i.VAT), i.Outcome,
				strconv.FormatBool(i.Charged), s.Currency})
		})
	} else {
		_ = w.Write(strings.Split(saleHead, ","))
		err = e.s.Export(ctx, e.from, e.to, e.group, func(s store.SaleRow) error {
			return w.Write([]string{s.Kiosk, cell(s.MachineName), cell(s.Group), cell(s.Sale), e.at(s.Started),
				e.at(s.Ended), s.Flow, s.State, s.Why, decimal(s.Reserved, s.Currency),
				decimal(s.Charged, s.Currency), decimal(s.Refunded, s.Currency), s.Currency, cell(s.Invoice),
				cell(s.Ers)})
		})
	}
	w.Flush()
	return errors.Join(err, w.Error(), buffered.Flush())
}

func (e export) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(e.zone).Format(time.RFC3339)
}

func decimal(minor int64, currency string) string {
	return money.Amount{Minor: minor, Currency: currency}.Decimal()
}

// cell is a text that no spreadsheet takes for a formula.
func cell(s string) string {
	if strings.ContainsAny(s[:min(1, len(s))], "=+-@\t\r") {
		return "'" + s
	}
	return s
}
