package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/wiring"
)

func wiringCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "wiring",
		Short: "Say which wire goes where, as a table or a drawing",
		Long: `Read a config and say where each wire goes on the Raspberry Pi's 40-pin header, what its levels
mean, and which resistors keep the machine still while no program drives it. With --svg the same is
drawn, to print and to keep in the machine's door.`,
		Example: "  kioskd wiring --config kioskd.toml\n  kioskd wiring --config kioskd.toml --svg > wiring.svg",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	drawing := c.Flags().Bool("svg", false, "draw it")
	c.MarkFlagsMutuallyExclusive("json", "svg")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.Load(*file, drivers.All())
		if err != nil {
			return err
		}
		out, parts := c.OutOrStdout(), wiring.Parts(cfg)
		switch {
		case *asJSON:
			return json.NewEncoder(out).Encode(append([]wiring.Part{}, parts...))
		case *drawing:
			return wiring.Draw(out, cfg.Machine.Name, parts)
		}
		return printWires(out, painting(out), parts)
	}
	return c
}

// printWires is the table: by part, since a technician holds the part and looks for its pin.
func printWires(out io.Writer, p paint, parts []wiring.Part) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "PART\tPIN\tLINE\tLEVELS\tADD\n")
	for _, part := range parts {
		pin := "-"
		if part.Position > 0 {
			pin = fmt.Sprint(part.Position)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", part.Title(), pin, part.Pin, part.Does, part.Add)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprint(out, "\nA contact closes to GND and uses the chip's own pull-up; beyond 1 m of cable add 4.7 kΩ to "+
		"3.3 V.\n")
	for _, part := range parts {
		if part.Warning != "" {
			fmt.Fprintf(out, "\n%s %s: %s\n", p.in(yellow, "warning:"), part.Title(), part.Warning)
		}
	}
	return nil
}
