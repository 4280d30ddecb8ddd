package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kioskd/internal/cli"
	"kioskd/internal/fleet/authority"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/people"
)

// doWithin is for a command and its repeats.
const doWithin = 30 * time.Second

func doCommand() *cobra.Command {
	var cmd protocol.Command
	var as, seed string
	c := &cobra.Command{
		Use:   "do ID {out_of_service | back | resolve | refund | restart} --reason TEXT",
		Short: "Command a machine",
		Long: `Command a machine: sell nothing until back (a customer who is there is still served), settle a sale that stands in
doubt, give money back, or have kioskd begin anew between two sales. Nothing can move a motor.

You sign it: your name is asked for in the file of users, and your password opens your key, which is made at your
first command. The machine records the command and what becomes of it before it acts. When no answer comes, give
the same command with --id: it acts once.`,
		Example: "  kioskhub do 123456 out_of_service --reason \"recall of the juice\"\n" +
			"  kioskhub do 123456 refund --sale S1A2 --amount 5.00 --reason \"it was warm\"",
		Args: cobra.ExactArgs(2),
	}
	file := configFlag(c)
	f := c.Flags()
	f.StringVar(&cmd.Reason, "reason", "", "`WHY`, for the record")
	f.StringVar(&cmd.Sale, "sale", "", "resolve, refund: the sale's `ID`")
	f.StringVar(&cmd.Decision, "decision", "", "resolve: `charge, release or refund`")
	f.BoolVar(&cmd.ByHand, "by-hand", false, "resolve: it was settled with Glase in another way (admin)")
	f.StringVar(&cmd.Amount, "amount", "", "refund: how `MUCH`; left out: all that is left of it")
	f.StringVar(&cmd.ID, "id", "", "an earlier command's `ID`: the same again")
	f.StringVar(&as, "as", os.Getenv("USER"), "your `NAME` in the file of users")
	f.StringVar(&seed, "authority", "/etc/kioskhub/authority.nk",
		"`FILE` of the desk's key: authority.nk of the folder that kioskhub init made")
	c.RunE = func(c *cobra.Command, args []string) error {
		cmd.Kiosk, cmd.Word = args[0], args[1]
		return give(c, *file, as, seed, cmd)
	}
	return c
}

// give sends a command and says what became of it.
func give(c *cobra.Command, file, as, seed string, cmd protocol.Command) error {
	cfg, s, err := open(file)
	if err != nil {
		return err
	}
	defer s.Close()
	desk, err := authority.Open(seed)
	if err != nil {
		return err
	}
	if cfg.Desk.Users == "" {
		return errors.New("the config names no [desk] users: nobody has a name here")
	}
	users, err := people.OpenUsers(cfg.Desk.Users)
	if err != nil {
		return err
	}
	password, err := askPassword(c, as)
	if err != nil {
		return err
	}
	who, right, err := users.Match(as, password)
	if err != nil {
		return err
	}
	if !right {
		return fmt.Errorf("%s, or the password, is wrong", as)
	}
	l := &line{cfg: cfg, name: "H" + rand.Text(), log: cli.Log(zerolog.InfoLevel)}
	nc, err := l.connect(func() {})
	if err != nil {
		return err
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(c.Context(), doWithin)
	defer cancel()
	of := &office.Office{Store: s, NATS: nc, Authority: desk, Name: l.name, Now: time.Now}
	if err := of.Serve(ctx); err != nil {
		return err
	}
	out, err := of.Send(ctx, who, []byte(password), cmd)
	switch {
	case errors.Is(err, office.ErrSilent):
		return fmt.Errorf("%w. Give the same with --id %s", err, out.ID)
	case err != nil:
		return err
	case !out.Done:
		return fmt.Errorf("command %s is refused (%s): %s", out.ID, out.Refusal, out.Text)
	}
	fmt.Fprintf(c.OutOrStdout(), "command %s: done, or begun\n", out.ID)
	return nil
}

// askPassword reads a password from the terminal, or the first line of what is piped in.
func askPassword(c *cobra.Command, name string) (string, error) {
	if in, ok := c.InOrStdin().(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprintf(c.ErrOrStderr(), "Password of %s: ", name)
		b, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(c.ErrOrStderr())
		return string(b), err
	}
	text, err := bufio.NewReader(c.InOrStdin()).ReadString('\n')
	if text = strings.TrimRight(text, "\r\n"); text == "" {
		return "", errors.Join(errors.New("no password was given"), err)
	}
	return text, nil
}
