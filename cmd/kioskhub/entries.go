package main

import (
	"bufio"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"kioskd/internal/hub/store"
	"kioskd/internal/journal"
)

// entriesBatch is how many are read at once: some 200 KiB.
const entriesBatch = 500

func entriesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "entries KIOSK",
		Short: "Write what is here of a machine's journal, for kioskd restore",
		Long: `Write the journal entries of a machine that are in the operator's record to the standard output, as kioskd restore
--entries takes them: what a copy of the machine lacks. Each is exactly as the machine recorded it, and restore
checks that it continues the copy's chain.

KIOSK is the machine's token. When another card has taken its place (--new-card), these are the new one's.`,
		Example: "  sudo -u kioskhub kioskhub entries 123456 > 123456.entries",
		Args:    cobra.ExactArgs(1),
	}
	file := configFlag(c)
	after := c.Flags().Int64("after", 0, "only those after entry `N`, the copy's last")
	c.RunE = func(c *cobra.Command, args []string) error {
		_, s, err := ready(c.Context(), *file)
		if err != nil {
			return err
		}
		defer s.Close()
		all, err := s.Machines(c.Context())
		if err != nil {
			return err
		}
		n := slices.IndexFunc(all, func(m store.MachineRow) bool { return m.Kiosk == args[0] })
		if n < 0 {
			return fmt.Errorf("nobody knows a machine %q here: look at the desk how it is called", args[0])
		}
		out := bufio.NewWriter(c.OutOrStdout())
		written, last := 0, *after
		for {
			some, err := s.Entries(c.Context(), all[n].ID, last+1, math.MaxInt64, entriesBatch)
			if err != nil {
				return err
			}
			if err := journal.WriteEntries(out, written == 0, some); err != nil {
				return err
			}
			if len(some) == 0 {
				break
			}
			written, last = written+len(some), some[len(some)-1].Seq
		}
		if err := out.Flush(); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.ErrOrStderr(), "%d entries, up to entry %d.\n", written, last)
		return err
	}
	return c
}
