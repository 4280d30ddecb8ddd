package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/hub/desk"
	"kioskd/internal/hub/settings"
	"kioskd/internal/hub/store"
)

// askWithin bounds what a command waits for a database that does not answer.
const askWithin = 15 * time.Second

func checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Say whether a config is right, and what to mend",
		Long: `Read a config as "run" would, look at the files that it names, and ask the database whether it has the tables
of this version. Exit status 0 means that all is right.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	example := c.Flags().Bool("example", false, "print a commented config to begin with")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *example {
			_, err := io.WriteString(c.OutOrStdout(), settings.Example)
			return err
		}
		cfg, s, err := open(*file)
		if err != nil {
			return err
		}
		defer s.Close()
		ctx, cancel := context.WithTimeout(c.Context(), askWithin)
		defer cancel()
		_, userErr := cfg.User()
		var deskErr error
		if cfg.Desk.Listen != "" {
			_, deskErr = desk.New(cfg.Desk, desk.Parts{Store: s})
		}
		if err := errors.Join(userErr, deskErr, s.Ready(ctx)); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s is right: the database has all tables, and entries come by %v.\n",
			*file, cfg.Servers)
		return err
	}
	return c
}

func migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Make the database's tables, and after an upgrade what is new",
		Long: `Bring the database to this version of kioskhub: at the first time, and once after each upgrade, before the new
version runs. Hubs of the old version go on meanwhile. Make a backup first. Several at once do it once.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		_, s, err := open(*file)
		if err != nil {
			return err
		}
		defer s.Close()
		from, to, err := s.Migrate(c.Context())
		switch {
		case errors.Is(err, store.ErrNewer):
			return err
		case err != nil:
			return err
		case from == to:
			_, err = fmt.Fprintf(c.OutOrStdout(), "The database has version %d already.\n", to)
		default:
			_, err = fmt.Fprintf(c.OutOrStdout(), "The database had version %d and has version %d now.\n", from, to)
		}
		return err
	}
	return c
}
