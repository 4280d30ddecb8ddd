package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"kioskd/internal/debug/api"
)

func backCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "back --reason TEXT",
		Short: "Put a machine that the desk took out of service back into it",
		Long: `Let a machine sell again that stands out of service with the reason operator: somebody at the desk took it out,
and kioskd status says who and why. Ask there first; this is for a desk that cannot be reached any more.
Who does it, and why, is recorded, and the desk sees it once it hears of the machine again.`,
		Example: "  kioskd status\n  kioskd back --reason \"the juice is replaced, and the operator's hub is gone\"",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	reason := c.Flags().String("reason", "", "why it may sell again, in a sentence; required")
	by := c.Flags().String("by", whoami(), "who puts it back")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if strings.TrimSpace(*reason) == "" {
			return errors.New(`say why it may sell again: --reason "…"`)
		}
		d, err := running(*file)
		if err != nil {
			return err
		}
		if err := d.Back(c.Context(), api.Acceptance{By: *by, Reason: *reason}); err != nil {
			return err
		}
		return tellNow(c, d, "Back in service", *asJSON)
	}
	return c
}
