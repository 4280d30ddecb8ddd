package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// eventMax bounds one step's line from the daemon.
const eventMax = 64 << 10

// step is one event of the stream.
type step struct {
	Seq     uint64    `json:"seq"`
	Time    time.Time `json:"time"`
	Event   string    `json:"event"`
	Durable bool      `json:"durable"`
	Phase   string    `json:"phase"`
	Step    string    `json:"step"`
	Reason  string    `json:"reason"`
	Sale    string    `json:"sale"`
}

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
		err = d.follow(ctx, func(data []byte) error {
			var s step
			if err := json.Unmarshal(data, &s); err != nil {
				return fmt.Errorf("kioskd says what is not understood: %w", err)
			}
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
				_, err := fmt.Fprintf(out, "%s\n", data)
				return err
			}
			_, err := fmt.Fprintln(out, s.line(colours))
			return err
		})
		if ctx.Err() != nil { // Ctrl-C is how it ends
			return nil
		}
		return err
	}
	return c
}

// line is a step for people.
func (s step) line(p paint) string {
	what := fmt.Sprintf("%-22s", s.Event)
	if s.Durable {
		what = p.in(cyan, what)
	}
	stands := fmt.Sprintf("%-10s %-15s", s.Phase, strings.ReplaceAll(s.Step, "_", " "))
	if s.Reason != "" {
		stands = p.in(yellow, stands)
	}
	return strings.TrimRight(fmt.Sprintf("%s  %s  %s %s %s", s.Time.Local().Format("15:04:05.000"), what, stands, s.Sale, strings.ReplaceAll(s.Reason, "_", " ")), " ")
}

// follow hands over each step's data until ctx or the daemon ends.
func (d *daemon) follow(ctx context.Context, tell func(data []byte) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/api/events", nil)
	if err != nil {
		return err
	}
	stream := http.Client{Transport: d.http.Transport} // without a time limit
	res, err := stream.Do(r)
	if err != nil {
		return d.explain(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, eventMax))
		return refusal(res, text)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, eventMax)
	for kind := ""; lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			kind = name
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && kind == "step" {
			if err := tell([]byte(data)); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return d.explain(err)
	}
	return errors.New("kioskd has ended")
}
