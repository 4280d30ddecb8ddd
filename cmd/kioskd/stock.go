package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
)

func stockCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "stock [SLOT [+N|=N|-N]]",
		Short: "Say how many products are left, or how many somebody has counted",
		Long: `Say how many products are left in each slot of the running kiosk, and which slots sell nothing.

With a slot and a number it puts the count right: +5 is five more, =10 is ten in all, -1 is one less. The
journal records it with who has counted. While a customer is being served it is refused. A slot is not opened
by it: one that is closed for a jam sells again when the door has been opened and closed.`,
		Example: "  kioskd stock\n  kioskd stock A1 +5\n  kioskd stock A1 =10 --by anna\n  kioskd stock " +
			"A1 -1",
		DisableFlagParsing: true, // below: -1 is a number here
	}
	file, asJSON, by := configFlag(c), jsonFlag(c), byFlag(c)
	c.RunE = func(c *cobra.Command, raw []string) error {
		args, err := parseNegative(c, raw)
		if err != nil {
			return err
		}
		if help, _ := c.Flags().GetBool("help"); help {
			return c.Help()
		}
		if err := cobra.MaximumNArgs(2)(c, args); err != nil {
			return err
		}
		if len(args) == 2 {
			if err := readChange(args[1]); err != nil {
				return err
			}
		}
		d, err := running(*file)
		if err != nil {
			return err
		}
		if len(args) == 2 {
			return tellCount(c.Context(), d, args[0], args[1], *by, c.OutOrStdout(), *asJSON)
		}
		return tellStock(c.Context(), d, args, c.OutOrStdout(), *asJSON)
	}
	return c
}

// negative is a number that is no flag.
var negative = regexp.MustCompile(`^-[0-9]+$`)

// parseNegative reads the flags of a command whose arguments may begin with a minus, and gives the arguments.
func parseNegative(c *cobra.Command, raw []string) ([]string, error) {
	flags := slices.DeleteFunc(slices.Clone(raw), negative.MatchString)
	if err := c.Flags().Parse(flags); err != nil {
		return nil, err
	}
	args := c.Flags().Args()
	for _, a := range raw {
		if negative.MatchString(a) {
			args = append(args, a)
		}
	}
	return args, nil
}

// readChange finds whether a change of a stock can be read.
func readChange(s string) error {
	sign, digits := s[:min(1, len(s))], s[min(1, len(s)):]
	if _, err := strconv.ParseUint(digits, 10, 16); err != nil || !strings.Contains("+=-", sign) || sign == "" {
		return fmt.Errorf("%q is no count: write +5 for five more, =10 for ten in all, or -1 for one less", s)
	}
	return nil
}

// tellCount records a change that readChange has read.
func tellCount(ctx context.Context, d *client.Client, slot, change, by string, out io.Writer, asJSON bool) error {
	n, err := strconv.Atoi(change[1:])
	if err != nil {
		return err
	}
	body := api.Act{Slot: slot, By: by}
	switch change[0] {
	case '=':
		body.Left = &n
	case '-':
		n = -n
		body.Add = &n
	default:
		body.Add = &n
	}
	counted, err := d.Count(ctx, body)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(counted)
	}
	_, err = fmt.Fprintf(out, "%s: %d left, was %d.\n", counted.Slot, counted.Left, counted.Was)
	return err
}

// tellStock lists what is left, of one slot when one is named.
func tellStock(ctx context.Context, d *client.Client, slot []string, out io.Writer, asJSON bool) error {
	all, err := d.Stock(ctx)
	if err != nil {
		return err
	}
	if len(slot) > 0 {
		all = slices.DeleteFunc(all, func(s api.Stock) bool { return s.Slot != slot[0] })
		if len(all) == 0 {
			return fmt.Errorf("%s: the machine has no such slot", slot[0])
		}
	}
	if asJSON {
		return json.NewEncoder(out).Encode(all)
	}
	p, t := painting(out), tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SLOT\tLEFT\tPRICE\tPRODUCT\tSTATE")
	for _, s := range all {
		state := p.in(green, "sells")
		switch {
		case s.State == "closed":
			state = p.in(red, strings.TrimSuffix("closed: "+strings.ReplaceAll(s.Why, "_", " "), ": "))
		case s.State != "":
			state = p.in(yellow, strings.ReplaceAll(s.State, "_", " "))
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", s.Slot, s.Left, s.Price, s.Name, state)
	}
	return t.Flush()
}
