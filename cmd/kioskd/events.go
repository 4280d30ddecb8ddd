package main

import (
	"encoding/json"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"kioskd/internal/debug/api"
)

func eventsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "events",
		Short: "Follow what happens in the running kiosk, until Ctrl-C",
		Long: `Follow the steps of the running kiosk, a line each: when, what happened, and how the machine stands after
it. In colour stands what was recorded; the rest changed nothing that matters. Ctrl-C ends it.`,
		Example: "  kioskd events\n  kioskd events --sale 7GQ2K4MX --json",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	sale := c.Flags().String("sale", "", "only the steps of this `SALE`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		out := c.OutOrStdout()
		colours := painting(out)
		last, ours := uint64(0), false
		err = d.Follow(ctx, func(s api.Event) error {
			if last != 0 && s.Seq > last+1 {
				fmt.Fprintf(c.ErrOrStderr(), "(%d steps were missed)\n", s.Seq-last-1)
			}
			last = s.Seq
			was := ours
			ours = s.Sale == *sale
			if *sale != "" && !ours && !was { // the step that ends a sale leaves none behind it, and belongs to it
				return nil
			}
			if *asJSON {
				return json.NewEncoder(out).Encode(s)
			}
			_, err := fmt.Fprintln(out, lineOf(s, colours))
			return err
		})
		if ctx.Err() != nil { // Ctrl-C is how it ends
			return nil
		}
		return err
	}
	return c
}

// lineOf is a step for people.
func lineOf(s api.Event, p paint) string {
	what := fmt.Sprintf("%-22s", s.Event)
	if s.Durable {
		what = p.in(cyan, what)
	}
	stands := fmt.Sprintf("%-10s %-15s", s.Phase, strings.ReplaceAll(s.Step, "_", " "))
	if s.Reason != "" {
		stands = p.in(yellow, stands)
	}
	return strings.TrimRight(fmt.Sprintf("%s  %s  %s %s %s", s.Time.Local().Format("15:04:05.000"), what, stands,
		s.Sale, strings.ReplaceAll(s.Reason, "_", " ")), " ")
}
