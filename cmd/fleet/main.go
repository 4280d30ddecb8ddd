// Command fleet is a whole fleet on this machine: brokers, gateways behind a load balancer, collectors, a database,
// Glase, and twenty kiosks with simulated hardware. It shows where everything is, or sells by itself while it kills one
// part after the other, and then compares what everybody says of the money.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/proof/fleet"
)

func main() {
	// a reader that went away (fleet --auto | head) must not keep it from tidying up
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, end := context.WithCancel(context.Background())
	hurry := make(chan struct{})
	go func() {
		<-signals
		end()
		<-signals
		close(hurry)
	}()
	if err := command(hurry, os.Stdout).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	bin        string
	kiosks     int
	auto, keep bool
}

func command(hurry <-chan struct{}, out io.Writer) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "fleet",
		Short: "A whole fleet on this machine, with simulated hardware",
		Long: `fleet starts three nats-servers, two kioskhub, two kioskgate behind haproxy, PostgreSQL, a glasesim and
twenty kioskd on free ports of this machine, with everything they write in a temporary folder. It ends and
removes all of it when it ends, with Ctrl-C or otherwise.

It prints the operator's page, and how to sign in; Glase's phone, on which you buy something; and the public
address, at which Glase finds every kiosk.

With --auto it buys 60 times, and meanwhile kills one of each part: a broker, a gateway, a hub, PostgreSQL
and a kioskd. Then it compares three records that nobody copied from each other: Glase's ledger, the
machines' journals, and the operator's database. Its exit status is 0 only if they agree to the öre, and the
database with the journals entry by entry.

It needs PostgreSQL and haproxy. As root on Debian it installs them where they are missing.`,
		Example:       "  make fleet\n  make fleet ARGS=--auto\n  bin/fleet --auto --keep     look into the folders afterwards",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return run(c.Context(), hurry, o, out) },
	}
	c.SetOut(out)
	c.CompletionOptions.DisableDefaultCmd = true
	f := c.Flags()
	f.StringVar(&o.bin, "bin", "", "the `FOLDER` of the fleet's programs (default: fleet's own)")
	f.IntVar(&o.kiosks, "kiosks", 20, "`NUMBER` of kiosks, 1 to 99")
	f.BoolVar(&o.auto, "auto", false, "sell by itself, kill one of each part, compare the records, and end")
	f.BoolVar(&o.keep, "keep", false, "keep the temporary folder and say where it is")
	return c
}

// run is one fleet from its start to its end. However it ends, no process and, unless kept, no file of it stays.
func run(ctx context.Context, hurry <-chan struct{}, o options, out io.Writer) (err error) {
	if o.kiosks < 1 || o.kiosks > 99 {
		return fmt.Errorf("--kiosks %d: it is 1 to 99", o.kiosks)
	}
	bin, err := programs(o.bin)
	if err != nil {
		return err
	}
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(out, "%6.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	if err := install(ctx, say); err != nil {
		return err
	}
	nats := filepath.Join(bin, "nats-server")
	if _, err := os.Stat(nats); err != nil {
		return fmt.Errorf("nats-server is not beside the other programs: make fleet builds it: %w", err)
	}
	dir, err := os.MkdirTemp("", "kioskd-fleet-")
	if err != nil {
		return err
	}
	f, err := fleet.Start(ctx, fleet.Options{Bin: bin, NATS: nats, Dir: dir, Brokers: 3, Gates: 2, Hubs: 2,
		Kiosks: o.kiosks, Say: say})
	defer func() {
		if ctx.Err() == nil { // it ends without a signal: the first one is to hurry
			hurry = ctx.Done()
		}
		f.End(hurry)
		if o.keep {
			fmt.Fprintf(out, "Kept: %s\n", dir)
		} else if gone := os.RemoveAll(dir); gone != nil && err == nil {
			err = gone
		}
	}()
	if err == nil && o.auto {
		err = auto(ctx, f, say, out)
	} else if err == nil {
		show(f, out)
		<-ctx.Done()
	}
	switch {
	case ctx.Err() == nil:
		return err
	case o.auto:
		return errors.New("interrupted")
	}
	return nil // Ctrl-C is how it ends
}

// show says where everything is.
func show(f *fleet.Fleet, out io.Writer) {
	fmt.Fprintf(out, "\nA fleet of %d kiosks is running; Ctrl-C ends it.\n\n", len(f.Machines))
	for i, at := range f.PageAt {
		fmt.Fprintf(out, "  the operator's page, hub %d   %s\n", i+1, at)
	}
	fmt.Fprintf(out, "  signs in                     %s\n", fleet.User+", "+fleet.Password)
	fmt.Fprintf(out, "  the phone, in a browser      %s/\n", f.Phone.Glase)
	fmt.Fprintf(out, "  Glase's ledger               %s/ledger\n", f.Phone.Glase)
	fmt.Fprintf(out, "  the public address           %s/k/K01/createPurchase, and so on to %s\n", f.Public,
		f.Machines[len(f.Machines)-1].ID)
	fmt.Fprintf(out, "  configs, logs and records    %s\n", f.Dir)
	fmt.Fprintf(out, "\nLet one more machine in, whose [machine] token is LOBBY: make a code, type it there.\n"+
		"\n  %s\n  kioskd enroll --at %s --ca %s CODE\n", strings.Join(f.Enroll("LOBBY"), " "), f.EnrollAt[0],
		f.Brokers.CA)
	fmt.Fprintf(out, "\nBe the customer of machine K01: %s\n", f.Machines[0].HowToBuy(f.Phone))
}

// programs is the folder of the fleet's programs: the given one, or else this program's own.
func programs(given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("its own folder is not known: %w: say where the programs are with --bin", err)
	}
	return filepath.Dir(exe), nil
}

// install sees to it that PostgreSQL and haproxy are there.
func install(ctx context.Context, say func(string, ...any)) error {
	missing := fleet.Missing()
	if len(missing) == 0 {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%v are not on this machine: apt-get install %v, as root", missing, missing)
	}
	say("installing %v", missing)
	c := exec.CommandContext(ctx, "internal/proof/machine/install", missing...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%v cannot be installed: %w: %s", missing, err, out)
	}
	return nil
}
