package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"kioskd/internal/app"
	"kioskd/internal/backup"
	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/identity"
	"kioskd/internal/plainfile"
)

func backupCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "backup",
		Short: "Copy the machine, also while it sells: journal, config, and encrypted its identity and passwords",
		Long: `Write one file from which kioskd restore makes this machine again on a blank card: the journal as it is at this
moment, the config, and, encrypted with age to the keys of [backup] recipients, the identity and the files of
secrets that the config names. Without recipients no secret is in it, and that is said.

It goes to [backup] folder, or to --to. No sale waits for it. The copy is read back before it has its name, and
only then the oldest copies of this machine are taken away, so that [backup] keep of them stay.

This is done each night by the timer kioskd-backup, and before each upgrade.`,
		Example: "  sudo kioskd backup\n  sudo kioskd backup --to /media/stick\n  sudo kioskd backup --quiet",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	to := c.Flags().String("to", "", "the `FOLDER` that it goes to, in place of [backup] folder")
	quiet := c.Flags().Bool("quiet", false, "for scripts: no progress; and where no [backup] is configured, nothing")
	due := c.Flags().Bool("when-due", false, "only if the night's copy is due: for the timer")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.Load(*file, drivers.All())
		if err != nil {
			return err
		}
		out, folder := c.OutOrStdout(), cmp.Or(*to, cfg.Backup.Folder)
		if folder == "" {
			if *quiet || *due {
				_, err := fmt.Fprintln(out, "No [backup] folder is configured: nothing is copied.")
				return err
			}
			return errors.New("the config names no [backup] folder: write one, or name one: --to FOLDER")
		}
		at, err := moment()
		if err != nil {
			return err
		}
		state, _ := backup.ReadState(backup.StateFile(cfg)) // one that cannot be read is written anew
		if *due && !state.Due(cfg.Backup, cfg.Machine.Timezone, at) {
			return nil
		}
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM) // so that no half copy is left
		defer stop()
		m := backup.Machine{Config: cfg, File: *file, Version: version, Now: at.Now, Synced: at.Synced,
			Serial: identity.MachineSerial(identity.SerialFile),
			Tell:   teller(c.ErrOrStderr(), *quiet || *due || *asJSON)}
		if *to != "" {
			m.Config.Backup.Stick = false // who names a folder has seen it
		}
		made, err := backup.Make(ctx, m, folder, cfg.Backup.Keep)
		if errors.Is(err, context.Canceled) {
			return errors.New("ended before the copy was whole: nothing is left of it")
		}
		if *to == "" && !errors.Is(err, backup.ErrRuns) {
			err = errors.Join(err, backup.Note(backup.StateFile(cfg), state, at, made, err))
		}
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(out).Encode(made)
		}
		return tellBackup(out, made)
	}
	return c
}

// moment is what time it is, for copies.
func moment() (m backup.Moment, err error) {
	clock, err := app.KernelClock()
	if err != nil {
		return m, err
	}
	return backup.Moment{Now: clock.Wall(), Synced: clock.Synced(), Boot: clock.Boot,
		Up: time.Duration(clock.Now())}, nil
}

// teller says what is done now, to a person who waits.
func teller(to io.Writer, silent bool) func(string) {
	if silent {
		return nil
	}
	return func(what string) { fmt.Fprintln(to, what) }
}

func tellBackup(out io.Writer, m backup.Made) error {
	secrets := "with the identity and secrets, encrypted"
	if !m.Secrets {
		secrets = "without any secret: [backup] recipients is not set, and a restored machine has to be enrolled and " +
			"given its passwords anew"
	}
	fmt.Fprintf(out, "%s holds the journal up to entry %d and the config, %s (%d KiB).\n", m.File, m.Last, secrets,
		(m.Bytes+1023)>>10)
	if m.Secrets && len(m.LeftOut) > 0 {
		fmt.Fprintf(out, "Not in it, since they lie elsewhere than the config and the journal: the files of %s.\n",
			strings.Join(m.LeftOut, ", "))
	}
	if len(m.Gone) > 0 {
		fmt.Fprintf(out, "Older copies were taken away: %s.\n", strings.Join(m.Gone, ", "))
	}
	return nil
}

func restoreCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make this machine again of a copy that kioskd backup made, on a blank card",
		Long: `Look at all of a copy, and then put its config, identity, secrets and journal where they belong. When something is
wrong with the copy, nothing is changed. Run it as root, with kioskd stopped; the package is installed already.

What was recorded after the copy was made is gone. So the machine starts out of service, and says in kioskd status
from when to when; compare with Glase's books, then kioskd accept lets it sell. In a fleet the operator has these
entries: kioskhub entries writes them into a file, which --entries adds, and then nothing is gone but what the
fleet had not got.

On a card that is not blank it refuses what it would replace; --replace with the machine's token does it, and
keeps what was there beside it. For another board than the copy's it asks for --new-board: two machines must never
share a terminal. A power cut leaves the old machine, or none, or the new one; run the command again then.`,
		Example: "  sudo kioskd restore /media/stick/kioskd-123456-000042-20261127T033000Z.backup --key /media/stick/key.txt\n" +
			"  sudo kioskd restore lobby.backup --key key.txt --entries lobby.entries --new-board",
		Args: cobra.ExactArgs(1),
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	key := c.Flags().String("key", "", "the `FILE` of your age key, as age-keygen wrote it; - is the standard input")
	entries := c.Flags().String("entries", "", "the `FILE` of what the fleet has of the journal, from kioskhub entries")
	replace := c.Flags().String("replace", "", "put it in the place of what is on this card: the `TOKEN` of the copy's machine")
	board := c.Flags().Bool("new-board", false, "the board that the copy was made on is dead, or has another card now")
	c.RunE = func(c *cobra.Command, args []string) error {
		keys, err := ageKeys(*key, c.InOrStdin())
		if err != nil {
			return err
		}
		from, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer from.Close()
		at, err := moment()
		if err != nil {
			return err
		}
		r := backup.Restore{From: from, Keys: keys, File: *file, Kinds: drivers.All(), Version: version, Now: at.Now,
			Serial: identity.MachineSerial(identity.SerialFile), Replace: *replace, NewBoard: *board,
			Tell: teller(c.ErrOrStderr(), *asJSON)}
		if *entries != "" {
			f, err := os.Open(*entries)
			if err != nil {
				return err
			}
			defer f.Close()
			r.Entries = f
		}
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		done, err := r.Run(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(c.OutOrStdout()).Encode(done)
		}
		return tellRestored(c.OutOrStdout(), done)
	}
	return c
}

// ageKeys reads a person's keys. No error shows anything of them.
func ageKeys(path string, in io.Reader) ([]age.Identity, error) {
	const most = 64 << 10
	if path == "" {
		return nil, nil
	}
	var text []byte
	var err error
	if path == "-" {
		text, err = io.ReadAll(io.LimitReader(in, most))
	} else {
		text, _, err = plainfile.Read(path, most)
	}
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	keys, err := age.ParseIdentities(strings.NewReader(string(text)))
	if err != nil {
		return nil, fmt.Errorf("--key: %s holds no key that age-keygen has written", path)
	}
	return keys, nil
}

func tellRestored(out io.Writer, d backup.Restored) error {
	m := d.Manifest
	fmt.Fprintf(out, "This is %s (%s) again, as it was on %s, with its journal up to entry %d.\n", printable(m.Name),
		printable(m.Machine), m.Made.UTC().Format("2006-01-02 15:04 UTC"), d.Last)
	if !m.Synced {
		fmt.Fprintln(out, "No time server had set the clock when the copy was made: that time may be wrong.")
	}
	for _, f := range d.Kept {
		fmt.Fprintf(out, "What was here before is %s.\n", printable(f))
	}
	if !m.Secrets {
		fmt.Fprintln(out, "No secret was in the copy: register the terminal anew or write its password, and enroll the "+
			"machine anew.")
	}
	for _, f := range d.Missing {
		fmt.Fprintf(out, "The config names %s, which was not in the copy: put it there.\n", printable(f))
	}
	_, err := fmt.Fprintln(out, `Now: sudo kioskd check && sudo systemctl start kioskd
The machine starts out of service, since what came after the copy is gone: kioskd status says what to compare, and
kioskd accept --reason "…" lets it sell.`)
	return err
}
