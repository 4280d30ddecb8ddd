package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kioskd/internal/app"
	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/terminal"
)

// life loads the config, and is its terminal's life.
func life(file string) (config.Config, terminal.Life, error) {
	cfg, err := config.Load(file, drivers.All())
	if err != nil {
		return cfg, terminal.Life{}, err
	}
	l, err := app.Terminal(cfg, version, nil)
	return cfg, l, err
}

// done tells what was done: a line for people, or JSON.
func done(w io.Writer, asJSON bool, facts map[string]string, line string) error {
	if asJSON {
		return json.NewEncoder(w).Encode(facts)
	}
	_, err := fmt.Fprintln(w, line)
	return err
}

func registerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "register",
		Short: "Make this machine a terminal at Glase",
		Long: `Make a terminal for this machine at Glase, as the reseller that [glase] reseller_id, reseller_user and
reseller_password_file name. Its password is made here and shown to nobody; both are kept in identity.json
beside the journal.

Glase is asked once. Should its answer be lost, a terminal may have been made whose password nobody knows:
the command says what to look at, and refuses to make another one until --again says that somebody did.`,
		Example: "  kioskd register\n  kioskd register --name lobby-7",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	name := c.Flags().String("name", "", "how the merchant calls the terminal; else the machine's token")
	again := c.Flags().Bool("again", false, "make another terminal although there is, or may be, one")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, l, err := life(*file)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.ErrOrStderr(), "Asking Glase …")
		id, err := l.Register(c.Context(), terminal.Registration{
			ExternalID: cmp.Or(*name, cfg.Machine.Token, cfg.Machine.Name), Name: cfg.Machine.Name,
			Password: app.TerminalPassword(), Again: *again,
		})
		if err != nil {
			return err
		}
		return done(c.OutOrStdout(), *asJSON, map[string]string{"terminal_id": id}, fmt.Sprintf(
			"This machine is terminal %s now. A kioskd that runs must be started again to use it.", printable(id)))
	}
	return c
}

func assignCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "assign SEQRID",
		Short: "Tie a sticker to this machine's terminal",
		Long: `Tie a sticker to this machine's terminal: who scans it is led to the terminal's invoice from then on. A
sticker belongs to one terminal only. To repeat it is harmless.

The id is typed as it is printed on the sticker; with "-" it is read from standard input, where a scanner
types what it reads: the id as a Code 128, or the whole text of the sticker's QR.`,
		Example: "  kioskd assign ABC123\n  kioskd assign - < /dev/tty",
		Args:    cobra.ExactArgs(1),
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, l, err := life(*file)
		if err != nil {
			return err
		}
		text := args[0]
		if text == "-" {
			fmt.Fprintln(c.ErrOrStderr(), "Scan the sticker …")
			if text, err = firstLine(c.InOrStdin()); err != nil {
				return err
			}
		}
		id, err := terminal.Sticker(text)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.ErrOrStderr(), "Asking Glase …")
		if err := l.Assign(c.Context(), id); err != nil {
			return err
		}
		line := fmt.Sprintf("The sticker %s leads to this machine now.", id)
		if cfg.Payment.SeqrID != id {
			line += fmt.Sprintf(" Write seqr_id = %q under [payment], so that the display shows it too.", id)
		}
		return done(c.OutOrStdout(), *asJSON, map[string]string{"seqr_id": id}, line)
	}
	return c
}

// lineMax is the longest line that a scanner types, in bytes.
const lineMax = 4096

func firstLine(r io.Reader) (string, error) {
	s := bufio.NewScanner(io.LimitReader(r, lineMax))
	if s.Scan() {
		return s.Text(), nil
	}
	return "", errors.Join(s.Err(), errors.New("nothing was scanned"))
}

func unregisterCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "unregister",
		Short: "Give this machine's terminal at Glase up",
		Long: `Give this machine's terminal at Glase up, and forget it once Glase says that it is gone. The machine sells
nothing after it, and its sticker leads nowhere. kioskd must not run: a sale that is on could not be settled.

Should Glase's answer be lost the terminal is kept, and to try again is harmless.`,
		Example: "  systemctl stop kioskd && kioskd unregister",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, l, err := life(*file)
		if err != nil {
			return err
		}
		if err := app.Free(cfg); err != nil {
			return fmt.Errorf("stop kioskd first, so that no sale is left without its terminal: %w", err)
		}
		fmt.Fprintln(c.ErrOrStderr(), "Asking Glase …")
		id, err := l.Unregister(c.Context())
		if err != nil {
			return err
		}
		return done(c.OutOrStdout(), *asJSON, map[string]string{"terminal_id": id},
			fmt.Sprintf("Terminal %s is given up.", printable(id)))
	}
	return c
}
