package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/store"
	"kioskd/internal/plainfile"
)

// scope are the flags that say of whom something is wanted.
type scope struct {
	machine, group string
	all            bool
}

func (s *scope) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.machine, "machine", "", "of one machine: its `ID`")
	c.Flags().StringVar(&s.group, "group", "", "of a group's machines: its `NAME`")
	c.Flags().BoolVar(&s.all, "all", false, "of all machines")
	c.MarkFlagsOneRequired("machine", "group", "all")
	c.MarkFlagsMutuallyExclusive("machine", "group", "all")
}

func (s *scope) of() store.Scope {
	switch {
	case s.machine != "":
		return store.Scope{Kind: store.OfKiosk, Key: s.machine}
	case s.group != "":
		return store.Scope{Kind: store.OfGroup, Key: s.group}
	}
	return store.Scope{Kind: store.OfAll}
}

func wantCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "want",
		Short: "Say what machines shall sell, and for how much",
		Long: `Say what a machine, a group's machines or all shall sell. A running kioskhub writes it to the servers within
seconds; each machine holds it against the rules of its config file, takes it between two customers, records it
and says so. The machine's own wish goes before its group's, and that before everybody's.`,
	}
	c.AddCommand(wantSetCommand(), wantShowCommand(), wantWithdrawCommand())
	return c
}

func wantSetCommand() *cobra.Command {
	var s scope
	var from, by string
	c := &cobra.Command{
		Use:   "set {--machine ID | --group NAME | --all} {FILE | SLOT=PRICE… | EAN=PRICE…}",
		Short: "Want prices or products from a moment on",
		Long: `Want prices or products from a moment on. What was wanted of the same machines before ends then, whole: name
all that is to differ from the config files.

Each argument is SLOT=PRICE, as A1=17.00, or EAN=PRICE for every slot that holds the product of this bar code. A
FILE holds JSON instead, "-" is the standard input:

  {"slots": {"A1": {"name": "Water", "price": "17.00", "vat": 12, "ean": "7310070000017", "stock": 8}},
   "products": {"7310070000017": {"price": "17.00"}}}

A stock is how many are in the slot, by who has filled it, and only for one --machine.`,
		Example: "  kioskhub want set --all 7310070000017=17.00 --from 2027-01-01T00:00:00+01:00 --by anna\n" +
			"  kioskhub want set --machine 123456 A1=17.00 A2=22.50 --by anna",
		Args: cobra.MinimumNArgs(1),
	}
	file := configFlag(c)
	s.flags(c)
	c.Flags().StringVar(&from, "from", "", "the `MOMENT`, as 2027-01-01T00:00:00+01:00; left out: now")
	c.Flags().StringVar(&by, "by", os.Getenv("USER"), "`WHO` wants it")
	c.RunE = func(c *cobra.Command, args []string) error {
		p, err := plan(args, c.InOrStdin())
		if err != nil {
			return err
		}
		now := time.Now()
		p.By = by
		if p.From = office.Now(now); from != "" {
			if p.From, err = time.Parse(time.RFC3339, from); err != nil {
				return fmt.Errorf("--from %s is no moment: write it as 2027-01-01T00:00:00+01:00", from)
			}
		}
		return addPlan(c, *file, s.of(), p, now)
	}
	return c
}

func addPlan(c *cobra.Command, file string, of store.Scope, p protocol.Plan, now time.Time) error {
	if strings.TrimSpace(p.By) == "" {
		return errors.New("say who it is: --by NAME")
	}
	_, s, err := open(file)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(c.Context(), askWithin)
	defer cancel()
	reach, err := office.ReachOf(ctx, s, of)
	if err != nil {
		return err
	}
	version, err := reach.Want(ctx, s, p, nil, now)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "version %d of %s is wanted from %s\n", version, office.Name(of),
		p.From.Local().Format(time.RFC3339))
	return nil
}

// plan reads what is wanted from a command's arguments.
func plan(args []string, in io.Reader) (p protocol.Plan, err error) {
	if strings.Contains(args[0], "=") {
		return office.Prices(args)
	}
	if len(args) != 1 {
		return p, errors.New("name one file, or write SLOT=PRICE")
	}
	var b []byte
	if args[0] == "-" {
		b, err = io.ReadAll(io.LimitReader(in, protocol.WantMax+1))
	} else {
		b, _, err = plainfile.Read(args[0], protocol.WantMax)
	}
	if err != nil {
		return p, err
	}
	if len(b) > protocol.WantMax {
		return p, fmt.Errorf("%s: larger than %d KiB: no machine would read it", args[0], protocol.WantMax>>10)
	}
	if p, err = office.ReadPlan(b); err != nil {
		err = fmt.Errorf("%s: %w", args[0], err)
	}
	return p, err
}

func wantWithdrawCommand() *cobra.Command {
	var s scope
	var by string
	c := &cobra.Command{
		Use:   "withdraw {--machine ID | --group NAME | --all}",
		Short: "Want nothing of them any more",
		Long: `Want nothing of them any more: they sell what is wanted otherwise, and else what their config files say. Plans
that were to come are withdrawn as well.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	s.flags(c)
	c.Flags().StringVar(&by, "by", os.Getenv("USER"), "`WHO` withdraws it")
	c.RunE = func(c *cobra.Command, _ []string) error {
		now := time.Now()
		return addPlan(c, *file, s.of(), protocol.Plan{By: by, From: office.Now(now)}, now)
	}
	return c
}

func wantShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "Show what is wanted, now and later",
		Args:  cobra.NoArgs,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		_, s, err := open(*file)
		if err != nil {
			return err
		}
		defer s.Close()
		ctx, cancel := context.WithTimeout(c.Context(), askWithin)
		defer cancel()
		all, err := s.Wanted(ctx, time.Now())
		if err != nil {
			return err
		}
		scopes := slices.SortedFunc(maps.Keys(all), func(a, b store.Scope) int {
			return strings.Compare(a.Kind+a.Key, b.Kind+b.Key)
		})
		for _, of := range scopes {
			for _, p := range all[of].Plans {
				doc, err := json.Marshal(struct {
					Slots    map[string]protocol.Product `json:"slots,omitempty"`
					Products map[string]protocol.Product `json:"products,omitempty"`
				}{p.Slots, p.Products})
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s version %d from %s by %s: %s\n", office.Name(of),
					p.Version, p.From.Local().Format(time.RFC3339), p.By, doc)
			}
		}
		return nil
	}
	return c
}
