package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/app"
	"kioskd/internal/cli"
	"kioskd/internal/config"
	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
	"kioskd/internal/evadts"
	"kioskd/internal/money"
)

func reportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "report",
		Short: "Close the books of a period, and balance every sale with Glase's report",
		Long: `Close this terminal's transaction period at Glase, as the reseller that [glase] names, read Glase's reports
of it, and say of every sale since the report before how it stands:

  settled            Glase has what this machine has
  missing_at_glase   charged here, and Glase has nothing
  missing_here       Glase has a movement that no sale of this machine knows
  amount_differs     another sum
  doubled            taken more than once
  in_doubt           the sale itself waits for a person: kioskd resolve
  unknown            Glase's report cannot say; the note says why

The running kiosk does it, between two sales. Should it fail after the period was closed, to report again goes
on with the same period; --anew leaves it. Exit status 0 means that every sale is settled.`,
		Example: "  kioskd report\n  kioskd report --last --all\n  kioskd report --dts audit.eva",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	closing := api.Closing{}
	c.Flags().BoolVar(&closing.Shop, "shop", false,
		"close the shop's period too, for all its machines, and look into its reports")
	c.Flags().BoolVar(&closing.Anew, "anew", false, "leave a period whose report never came, and close another")
	c.Flags().StringVar(&closing.By, "by", whoami(), "who closes it")
	last := c.Flags().Bool("last", false, "show the last report, and close nothing")
	all := c.Flags().Bool("all", false, "list the settled sales too")
	dts := c.Flags().String("dts", "",
		"write an EVA-DTS audit to this `FILE`, for a vending back office; \"-\" is standard output")
	c.MarkFlagsMutuallyExclusive("last", "shop")
	c.MarkFlagsMutuallyExclusive("last", "anew")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, d, err := configured(*file)
		if err != nil {
			return err
		}
		if !*last {
			if err := d.CloseBooks(c.Context(), closing); err != nil {
				return err
			}
		}
		r, err := reported(c.Context(), d, c.ErrOrStderr())
		if err != nil {
			return err
		}
		if *dts != "" && r.Step == api.ReportDone {
			if err := writeDTS(*dts, c.OutOrStdout(), cfg, r); err != nil {
				return err
			}
		}
		switch {
		case *asJSON:
			err = json.NewEncoder(c.OutOrStdout()).Encode(r)
		case *dts != "-":
			err = tellReport(c.OutOrStdout(), r, *all)
		}
		if err == nil && !r.Settled() {
			err = cli.ErrSaid
		}
		return err
	}
	return c
}

// reported waits until a report is made, telling its steps on the way.
func reported(ctx context.Context, d *client.Client, progress io.Writer) (api.Report, error) {
	says := map[string]string{
		api.ReportWaits: "Waiting for a moment between two sales …", api.ReportMarks: "Closing the period at Glase …",
		api.ReportReads: "Waiting for Glase's reports …",
	}
	for step := ""; ; {
		r, err := d.Report(ctx)
		if err != nil || says[r.Step] == "" {
			return r, err
		}
		if r.Step != step {
			step = r.Step
			fmt.Fprintln(progress, says[step])
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

// tellReport says it to people: what they must look into.
func tellReport(out io.Writer, r api.Report, all bool) error {
	if r.Step == api.ReportFailed {
		fmt.Fprintf(out, "The report failed: %s\n", printable(r.Problem))
		return nil
	}
	sales := 0
	for _, n := range r.Verdicts {
		sales += n
	}
	fmt.Fprintf(out, "Report %d, of %s: terminal %s, period %s.\n", r.Number, local(r.Ended), printable(r.Terminal),
		printable(r.Period))
	if sales == 0 {
		fmt.Fprint(out, "No sale has ended since the report before")
	} else {
		fmt.Fprintf(out, "%d of %d settled", r.Verdicts["settled"], sales)
	}
	for _, verdict := range slices.Sorted(maps.Keys(r.Verdicts)) {
		if verdict != "settled" {
			fmt.Fprintf(out, ", %d %s", r.Verdicts[verdict], strings.ReplaceAll(verdict, "_", " "))
		}
	}
	fmt.Fprintln(out, ".")
	if r.Reversed > 0 {
		fmt.Fprintf(out, "%d payments were taken and given back by Glase itself.\n", r.Reversed)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(out, printable(note)+".")
	}
	list := r.Open()
	if all {
		list = r.Sales
	}
	if len(list) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	p := painting(out)
	fmt.Fprintf(t, "SALE\t%s\tHERE\tGLASE\tERSREFERENCE\tNOTE\n", p.in(plain, "VERDICT"))
	for _, v := range list {
		colour := red
		if v.Verdict == "settled" {
			colour = green
		}
		sale := v.Sale
		if sale == "" {
			sale = "none"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s %s\t%s\t%s\n", sale, p.in(colour, v.Verdict), v.Here, v.Glase, v.Currency,
			printable(v.ErsReference), printable(v.Note))
	}
	return t.Flush()
}

// writeDTS writes a report's audit.
func writeDTS(file string, out io.Writer, cfg config.Config, r api.Report) (err error) {
	zone := cfg.Machine.Timezone
	l, err := app.Terminal(cfg, version, nil)
	if err != nil {
		return err
	}
	a := evadts.Audit{Serial: l.Serial, Name: cfg.Machine.Name, Terminal: r.Terminal, Program: version,
		Currency: r.Currency, Readings: r.Number, Read: r.Ended.In(zone)}
	if !r.Before.IsZero() {
		a.Before = r.Before.In(zone)
	}
	if a.Serial == "" {
		a.Serial = cfg.Machine.Token
	}
	minor := func(decimal string) int64 {
		amount, parse := money.ParseXML(decimal, r.Currency)
		err = errors.Join(err, parse)
		return amount.Minor
	}
	for _, s := range r.Sold {
		a.Slots = append(a.Slots, evadts.Slot{ID: s.Slot, Name: s.Name, Price: minor(s.Price),
			Total: evadts.Sold{Number: s.TotalNumber, Value: minor(s.TotalValue)},
			Since: evadts.Sold{Number: s.Number, Value: minor(s.Value)}, Failed: s.Failed, Fails: s.TotalFailed})
	}
	if err != nil {
		return err
	}
	if file == "-" {
		return a.Write(out)
	}
	return create(file, a.Write)
}
