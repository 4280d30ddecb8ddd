package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/admit"
	"kioskd/internal/hub/settings"
	"kioskd/internal/hub/setup"
	"kioskd/internal/hub/store"
)

// ready opens the record that a config names, for a command.
func ready(ctx context.Context, file string) (settings.Settings, *store.Store, error) {
	cfg, s, err := open(file)
	if err != nil {
		return cfg, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		return cfg, nil, errors.Join(err, s.Close())
	}
	return cfg, s, nil
}

// person is who runs a command.
func person() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody"
}

func enrollCommand() *cobra.Command {
	e := store.Enrolment{}
	c := &cobra.Command{
		Use:   "enroll ID",
		Short: "Make a one-time code that lets a machine into the fleet",
		Long: `Make a code that is good once and for an hour. Type it at the machine:

  kioskd enroll --at https://HUB CODE

ID is the machine's [machine] token. A machine that is in the fleet already gets a new key, and its old one
is shut out. Its journal goes on where it was; where another card took its place, and so begins a journal
of its own, say --new-card: what the old one sold stays on record. Without it the new card's journal would
be taken for a copy of the machine, and put it out of service.`,
		Example: "  kioskhub enroll 123456 --group north --name lobby",
		Args:    cobra.ExactArgs(1),
	}
	file := configFlag(c)
	c.Flags().StringVar(&e.Group, "group", "", "the machine's group, letters and digits; left out: as it is")
	c.Flags().StringVar(&e.Name, "name", "", "how people call the machine; left out: as it is")
	c.Flags().BoolVar(&e.Anew, "new-card", false, "another card took the machine's place, with a journal of its own")
	c.RunE = func(c *cobra.Command, args []string) error {
		_, s, err := ready(c.Context(), *file)
		if err != nil {
			return err
		}
		defer s.Close()
		e.Kiosk, e.By = args[0], person()
		before, err := s.Standing(c.Context(), e.Kiosk)
		if err != nil {
			return err
		}
		code, until, err := admit.NewCode(c.Context(), s, e, time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "%s\n", code)
		say := c.ErrOrStderr()
		fmt.Fprintf(say, "Good once, until %s. At the machine: kioskd enroll --at https://HUB %s\n",
			until.Format("15:04"), code)
		switch {
		case before.Known && e.Anew:
			fmt.Fprintf(say, "The machine that was %s is retired then; its %d entries stay on record.\n", e.Kiosk,
				before.Entries)
		case before.Entries > 0:
			fmt.Fprintf(say, "%s is known, with %d entries of its journal. If another card took its place say --new-card.\n",
				e.Kiosk, before.Entries)
		}
		return nil
	}
	return c
}

// revokeWithin bounds what a person waits for.
const revokeWithin = 20 * time.Second

func revokeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "revoke ID",
		Short: "Shut a machine out of the fleet",
		Long: `Shut a machine out: its connection ends within seconds, on every server, and does not come back. Its codes
that were not used are void. What it sold stays on record, and it goes on selling where Glase reaches it
directly; what it sells then is delivered when it is enrolled again (kioskhub enroll).

It is written down first: should the servers not be reached, every hub that runs tells them once they are.`,
		Example: "  kioskhub revoke 123456",
		Args:    cobra.ExactArgs(1),
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := protocol.CheckID(args[0]); err != nil {
			return err
		}
		cfg, s, err := ready(c.Context(), *file)
		if err != nil {
			return err
		}
		defer s.Close()
		if cfg.Trust == "" {
			return fmt.Errorf("%s names no trust: it is the folder hub that kioskhub init made", *file)
		}
		folder, err := setup.OpenHub(cfg.Trust)
		if err != nil {
			return err
		}
		known, err := s.Revoke(c.Context(), args[0], person(), time.Now())
		if err != nil {
			return err
		}
		if !known {
			return fmt.Errorf("%s never had a key in this fleet; its codes are void", args[0])
		}
		ctx, cancel := context.WithTimeout(c.Context(), revokeWithin)
		defer cancel()
		servers, err := admit.NewKeeper(s, folder.Trust, folder.DialSystem, zerolog.Nop()).Tell(ctx)
		if err != nil {
			return fmt.Errorf("%s is written down as shut out, and the servers do not know it: %w. Every hub that runs "+
				"tells them once they are reached; or repeat this", args[0], err)
		}
		fmt.Fprintf(c.OutOrStdout(), "%s is shut out at %d servers.\n", args[0], servers)
		return nil
	}
	return c
}
