package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/cli"
	"kioskd/internal/config"
	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
	"kioskd/internal/drivers"
)

// standing is how the machine stands, and what stands beside it on the technicians' page.
type standing struct {
	api.Status
	InDoubt []api.Sale `json:"in_doubt,omitempty"`
	Health  []api.Part `json:"health,omitempty"`
	Pins    []api.Pin  `json:"pins,omitempty"`
}

// running is the daemon that a config's socket leads to. Of a config with mistakes what can be read is used.
func running(file string) (*client.Client, error) {
	cfg, err := config.Load(file, drivers.All())
	if cfg.Debug.Socket == "" {
		return nil, errors.Join(errors.New("the config names no [debug] socket"), err)
	}
	return client.Socket(cfg.Debug.Socket), nil
}

// configured is a config without mistakes, and the daemon that its socket leads to.
func configured(file string) (cfg config.Config, d *client.Client, err error) {
	if cfg, err = config.Load(file, drivers.All()); err == nil {
		d, err = running(file)
	}
	return cfg, d, err
}

func statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Say how the running kiosk stands, and what waits for a person",
		Args:  cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	withPins := c.Flags().Bool("pins", false, "with the levels of all pins")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		var s standing
		if s.Status, err = d.Status(c.Context()); err != nil {
			return err
		}
		if s.InDoubt, err = d.InDoubt(c.Context(), client.SalesMax); err != nil {
			return err
		}
		if s.Health, err = d.Health(c.Context()); err != nil {
			return err
		}
		if *withPins {
			if s.Pins, err = d.Pins(c.Context()); err != nil {
				return err
			}
		}
		out := c.OutOrStdout()
		if *asJSON {
			return json.NewEncoder(out).Encode(s)
		}
		return s.tell(out, painting(out))
	}
	return c
}

func resolveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "resolve SALE charge|release|refund --reason TEXT",
		Short: "Settle a sale that stands in doubt",
		Long: `Settle a sale that the kiosk could not decide by itself, and record who decided, and why. The kiosk
asks Glase how the invoice stands, and then

  charge    charges what came out and what is unknown, if the reservation is still held; a payment
            that was taken already is kept
  release   lets the reservation go: the customer pays nothing
  refund    gives back what the customer paid for nothing, or all of it when everything came out

It goes by what Glase's books say: a reservation that is over by then cannot be charged any more. The
command waits for the end; exit status 0 means that the sale is settled.

With --by-hand nothing is asked of Glase: you have settled it there, or seen that it is settled, and only the
record is made. So can a sale be settled that is still open because Glase has been silent, or says nothing that
decides it. Write no names and no phone numbers of customers into the reason.`,
		Example: "  kioskd status\n  kioskd resolve 7GQ2K4MX release --reason \"seen on the camera: nothing came out\"",
		Args:    cobra.ExactArgs(2),
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	reason := c.Flags().String("reason", "", "why, in a sentence; required")
	by := c.Flags().String("by", whoami(), "who decides")
	byHand := c.Flags().Bool("by-hand", false, "it was settled with Glase in another way: only record it")
	c.RunE = func(c *cobra.Command, args []string) error {
		if strings.TrimSpace(*reason) == "" {
			return errors.New(`say why: --reason "…"`)
		}
		d, err := running(*file)
		if err != nil {
			return err
		}
		verdict := api.Verdict{Decision: args[1], By: *by, Reason: *reason, ByHand: *byHand}
		if err := d.Resolve(c.Context(), args[0], verdict); err != nil {
			return err
		}
		sale, err := settled(c.Context(), d, args[0], c.ErrOrStderr())
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		if *asJSON {
			if err := json.NewEncoder(out).Encode(sale); err != nil {
				return err
			}
		} else {
			fmt.Fprintf(out, "Sale %s is %s: %s\n%s", sale.ID, strings.ReplaceAll(sale.State, "_", " "),
				printable(sale.Note), facts(sale))
		}
		if sale.State == "in_doubt" {
			return cli.ErrSaid
		}
		return nil
	}
	return c
}

// settled waits until a sale is not open any more, telling the steps on the way.
func settled(ctx context.Context, d *client.Client, id string, progress io.Writer) (api.Sale, error) {
	for step := ""; ; {
		s, err := d.Status(ctx)
		if err != nil {
			return api.Sale{}, err
		}
		if s.Sale != id {
			break
		}
		if s.Step != step {
			step = s.Step
			fmt.Fprintf(progress, "%s …\n", step)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return api.Sale{}, ctx.Err()
		}
	}
	for _, list := range []func(context.Context, int) ([]api.Sale, error){d.InDoubt, d.Sales} {
		sales, err := list(ctx, client.SalesMax)
		if err != nil {
			return api.Sale{}, err
		}
		if n := slices.IndexFunc(sales, func(s api.Sale) bool { return s.ID == id }); n >= 0 {
			return sales[n], nil
		}
	}
	return api.Sale{},
		fmt.Errorf("sale %s is settled, and older than the last 500: kioskd status lists what is still in doubt", id)
}

// whoami is the person at the keyboard.
func whoami() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
