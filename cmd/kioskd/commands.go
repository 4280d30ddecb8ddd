package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"kioskd/internal/app"
	"kioskd/internal/cli"
	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/front"
	"kioskd/internal/journal"
)

func checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Say whether a config is right, and what to mend",
		Long: `Read a config as "run" would, with the password files it names, and list everything that is
wrong with it by file, line and key; a mistake in a file that it names, by key. Exit status 0 means that it is right.`,
		Example: "  kioskd check --example > kioskd.toml\n  kioskd check --config kioskd.toml",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	example := c.Flags().Bool("example", false, "print a commented config to begin with")
	copied := c.Flags().String("journal-copy", "", "open this copy of a journal, a `FILE`, as a start would; it may be changed")
	c.RunE = func(c *cobra.Command, _ []string) error {
		out := c.OutOrStdout()
		if *example {
			_, err := io.WriteString(out, config.Example)
			return err
		}
		cfg, err := config.LoadJudged(*file, drivers.All(), front.Unshown)
		var problems config.Errors
		if !errors.As(err, &problems) {
			problems = app.Check(cfg)
			for n := range problems {
				problems[n].File = *file
			}
		}
		if *copied != "" {
			if err := journal.Try(c.Context(), *copied, version); err != nil {
				problems = append(problems, config.Problem{File: *copied, Message: err.Error()})
			}
		}
		if *asJSON {
			if err := json.NewEncoder(out).Encode(
				map[string]any{"ok": len(problems) == 0,
					"problems": append(config.Errors{}, problems...)}); err != nil {
				return err
			}
		} else if len(problems) == 0 {
			fmt.Fprintf(out, "%s is right: %q sells from %d slots by %s, in %s.\n", *file, cfg.Machine.Name,
				len(cfg.Slots), cfg.Payment.Flow, cfg.Machine.Currency)
		} else {
			fmt.Fprintln(c.ErrOrStderr(), problems)
		}
		if len(problems) > 0 {
			return cli.ErrSaid
		}
		return nil
	}
	return c
}

func replayCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Take a journal through the state machine again, and say where it differs",
		Long: `Read a journal, or a copy of one from the field, check its hash chain, and take every recorded event
through this version's state machine again. The first entry whose state comes out differently is
shown. Nothing is written; a daemon may be running on the journal.

Make a copy with kioskd export. Of a file that was copied while a kiosk used it, and without the -wal
file beside it, the newest entries may be missing; that is said. Where the journal itself once came back
without its newest entries that is said as well, entry by entry.

Exit status 0 means that the chain is whole, that nothing is known to be missing from it, and that every
state came out the same.`,
		Args: cobra.ExactArgs(1),
	}
	configFlag(c) // taken like by every command; a replay needs no config
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		report, err := journal.Replay(c.Context(), args[0])
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		if *asJSON {
			if err := json.NewEncoder(out).Encode(report); err != nil {
				return err
			}
		} else {
			printReplay(out, args[0], report)
		}
		if report.Difference != nil || report.Chain.Broken != "" || report.Missing != "" || len(report.Losses) > 0 {
			return cli.ErrSaid
		}
		return nil
	}
	return c
}

func printReplay(out io.Writer, file string, r journal.Report) {
	defer printMissing(out, r)
	if r.Chain.Entries == 0 {
		fmt.Fprintf(out, "%s holds no entries.\n", file)
		return
	}
	fmt.Fprintf(out, "%s: entries %d to %d, ", file, r.Chain.First, r.Chain.Last)
	if r.Chain.Broken != "" {
		fmt.Fprintf(out, "and the hash chain is broken: %s.\n", r.Chain.Broken)
	} else {
		fmt.Fprintln(out, "the hash chain is whole.")
	}
	if d := r.Difference; d != nil {
		fmt.Fprintf(out, "Entry %d (%s, %s, recorded by version %s) comes out differently:\n", d.Seq,
			d.Wall.Format("2006-01-02 15:04:05"), d.Event, d.Version)
		for _, line := range d.Lines {
			fmt.Fprintln(out, "  "+line)
		}
		return
	}
	fmt.Fprintf(out, "%d steps replayed: every state came out the same.\n", r.Replayed)
}

// printMissing says what is, or may be, gone.
func printMissing(out io.Writer, r journal.Report) {
	for _, l := range r.Losses {
		fmt.Fprintf(out, "At entry %d (%s) earlier entries were gone: %s.\n", l.Seq,
			l.Wall.Format("2006-01-02 15:04:05"), printable(l.What))
	}
	if r.Missing != "" {
		fmt.Fprintf(out, "The witness beside it knows more: %s.\n", r.Missing)
	}
	if r.MayEndLate {
		fmt.Fprintln(out,
			"It was copied while a kiosk used it, and without its -wal file: the newest entries may be missing. "+
				"kioskd export makes a whole copy.")
	}
}

func outputsOffCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "outputs-off",
		Short: "Make all outputs inactive, and do nothing else",
		Long: `Make every output that the config names inactive. The service's unit runs this after the daemon has
ended for whatever reason, because the kernel of Raspberry Pi OS keeps a released output's level.
A config with mistakes does not stop it: what can be read of it is used, and the exit status is 1.`,
		Args: cobra.NoArgs,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		// what could be read of a bad config still names outputs that must go off
		cfg, bad := config.Load(*file, drivers.All())
		n, err := outputsOff(cfg)
		fmt.Fprintf(c.OutOrStdout(), "%d outputs are inactive.\n", n)
		return errors.Join(err, bad)
	}
	return c
}

func versionCommand() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Say which version this is", Args: cobra.NoArgs}
	configFlag(c)
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *asJSON {
			return json.NewEncoder(c.OutOrStdout()).
				Encode(map[string]string{"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" +
					runtime.GOARCH})
		}
		fmt.Fprintf(c.OutOrStdout(), "kioskd %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS,
			runtime.GOARCH)
		return nil
	}
	return c
}
