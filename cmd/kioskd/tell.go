package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
)

// tell says it to people: what waits for them first.
func (s standing) tell(out io.Writer, p paint) error {
	for _, sale := range s.InDoubt {
		fmt.Fprintf(out, "%s since %s: %s\n%s", p.in(red, "Sale "+sale.ID+" stands in doubt"), local(sale.Ended),
			printable(sale.Note), facts(sale))
		fmt.Fprintf(out, "  kioskd resolve %s charge|release|refund --reason \"…\"\n\n", sale.ID)
	}
	var phases []string
	for _, phase := range []string{"idle", "reserved", "dispensing", "commit"} {
		switch {
		case phase == s.Phase && s.Reason != "":
			phase = p.in(red, "["+phase+"]")
		case phase == s.Phase:
			phase = p.in(green, "["+phase+"]")
		}
		phases = append(phases, phase)
	}
	line := strings.Join(phases, " → ") + ": " + strings.ReplaceAll(s.Step, "_", " ")
	if s.Reason != "" {
		line += " (" + s.Reason + ")"
	}
	if s.Sale != "" {
		line += ", sale " + s.Sale
	}
	fmt.Fprintf(out, "%s\n\n", line)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, h := range s.Health {
		how, what := p.in(green, "well"), printable(h.What)
		if !h.OK {
			how = p.in(yellow, "look")
		}
		if !h.Since.IsZero() {
			what += ", " + local(h.Since)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", h.Name, how, what)
		if h.Do != "" {
			fmt.Fprintf(t, "\t%s\t%s\n", p.in(plain, ""), h.Do)
		}
	}
	if len(s.Pins) > 0 {
		fmt.Fprintf(t, "\t%s\t\n", p.in(plain, ""))
	}
	for _, pin := range s.Pins {
		means := p.in(plain, pin.Means)
		if pin.Active {
			means = p.in(cyan, pin.Means)
		}
		fmt.Fprintf(t, "%s\t%s\t%s, %s", pin.Name, means, pin.Role, pin.Level)
		if !pin.Changed.IsZero() {
			fmt.Fprintf(t, ", changed %s", local(pin.Changed))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// facts are what a person needs to decide on a sale.
func facts(s api.Sale) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  reserved %s, charged %s, refunded %s %s", s.Reserved, s.Charged, s.Refunded, s.Currency)
	if s.InvoiceReference != "" {
		fmt.Fprintf(&b, "; Glase's invoice %s", printable(s.InvoiceReference))
	}
	if s.ErsReference != "" {
		fmt.Fprintf(&b, ", ersReference %s", printable(s.ErsReference))
	}
	b.WriteByte('\n')
	for _, i := range s.Items {
		fmt.Fprintf(&b, "  %s for %s: %s\n", i.Slot, i.Price, i.Outcome)
	}
	return b.String()
}

func local(t time.Time) string { return t.Local().Format(time.DateTime) }

// tellStory tells what happened in a sale, as it came.
func tellStory(ctx context.Context, d *client.Client, sale string, out io.Writer, asJSON bool) error {
	lines, err := d.Story(ctx, sale)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(lines)
	}
	for _, l := range lines {
		fmt.Fprintf(out, "%s  %s\n", local(l.Time), printable(l.Text))
	}
	return nil
}

// printable keeps what Glase said from steering the technician's terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}
