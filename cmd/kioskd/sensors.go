package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
)

// sensorsEvery is how often the levels are asked for: faster than a hand, slower than a Pi minds.
const sensorsEvery = 200 * time.Millisecond

func sensorsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "sensors",
		Short: "Show the level of every pin, live, until Ctrl-C",
		Long: `Show every pin of the running kiosk: its level on the wire, what that means, and when it moved last. On a
terminal the table follows the machine until Ctrl-C; elsewhere it is printed again when something has moved.
With --once it is printed once. With --json each time is one line, an array.

Hold something before a drop sensor, press a button, open the door: "covered", "pressed", "open" should follow.
A drop sensor's short pulse is seen while its motor is on: kioskd vend or kioskd relay beside this.
It only reads, so it may be used while a customer is being served.`,
		Example: "  kioskd sensors\n  kioskd sensors --once --json",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	once := c.Flags().Bool("once", false, "show them once, and end")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		out := c.OutOrStdout()
		show := func(pins []api.Pin) error { return json.NewEncoder(out).Encode(pins) }
		if !*asJSON {
			show = func(pins []api.Pin) error { return pinTable(out, pins, painting(out)) }
			if height := terminalHeight(out); height != nil && !*once {
				show = func(pins []api.Pin) error { return redraw(out, pins, height()) }
			}
		}
		err = sensors(ctx, d, *once, show)
		if ctx.Err() != nil { // Ctrl-C is how it ends
			return nil
		}
		return err
	}
	return c
}

// sensors shows the pins once, or whenever one has moved until ctx ends.
func sensors(ctx context.Context, d *client.Client, once bool, show func([]api.Pin) error) error {
	var last []api.Pin
	for first := true; ; first = false {
		pins, err := d.Pins(ctx)
		if err != nil {
			return err
		}
		if first || !same(last, pins) {
			if err := show(pins); err != nil {
				return err
			}
		}
		if last = pins; once {
			return nil
		}
		select {
		case <-time.After(sensorsEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// same reports whether nothing has moved: when a pin did is told anew each time, to within the time that telling takes.
func same(a, b []api.Pin) bool {
	if len(a) != len(b) {
		return false
	}
	for n := range a {
		was, is := a[n], b[n]
		if moved := is.Changed.Sub(was.Changed).Abs(); moved < sensorsEvery/4 {
			was.Changed = is.Changed
		}
		if !reflect.DeepEqual(was, is) {
			return false
		}
	}
	return true
}

func pinTable(out io.Writer, pins []api.Pin, p paint) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "PIN\tWHAT\tLEVEL\t%s\tMOVED\n", p.in(plain, "MEANS"))
	for _, pin := range pins {
		means, moved := p.in(plain, pin.Means), "–"
		if pin.Active {
			means = p.in(cyan, pin.Means)
		}
		if !pin.Changed.IsZero() {
			moved = local(pin.Changed)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", pin.Name, pin.Role, pin.Level, means, moved)
	}
	return t.Flush()
}

// terminalHeight asks for the rows of the terminal that out is; nil: it is none.
func terminalHeight(out io.Writer) func() int {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func() int {
		_, rows, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0
		}
		return rows
	}
}

// redraw shows the table from the terminal's first row on, as much of it as there is room for.
func redraw(out io.Writer, pins []api.Pin, rows int) error {
	var table strings.Builder
	if err := pinTable(&table, pins, painting(out)); err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n")
	if room := rows - 2; rows > 2 && len(lines) > room {
		lines = append(lines[:room], "… and more: kioskd sensors --once shows them all")
	}
	_, err := fmt.Fprintf(out, "\x1b[H%s\x1b[K\n\x1b[J", strings.Join(lines, "\x1b[K\n"))
	return err
}
