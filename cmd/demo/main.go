// Command demo is a whole kiosk on this machine: it starts a glasesim and a kioskd with simulated hardware, lets a
// person be the customer, or sells by itself and then adds up where every öre went.
//
// It knows the two programs from outside only: their flags, the config file and the JSON on their ports.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func main() {
	// a reader that went away (demo --auto | head) must not keep the demo from tidying up
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, hurry := untilSignal(signals)
	if err := command(hurry, os.Stdout).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// untilSignal gives a context that ends at the first signal, and a channel that is closed at the second.
func untilSignal(signals <-chan os.Signal) (context.Context, <-chan struct{}) {
	ctx, end := context.WithCancel(context.Background())
	hurry := make(chan struct{})
	go func() {
		<-signals
		end()
		<-signals
		close(hurry)
	}()
	return ctx, hurry
}

// options are the flags.
type options struct {
	bin, flow            string
	auto, keep, terminal bool
}

func command(hurry <-chan struct{}, out io.Writer) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "demo",
		Short: "A whole kiosk on this machine, with simulated hardware",
		Long: `demo starts a glasesim (Glase and the customer's phone) and a kioskd (the kiosk) on free ports of
this machine, with everything they write in a temporary folder, and ends and removes all of it when it ends.

It serves a page for a browser, and prints its address: the machine's front and your phone, and trouble at a
click. A sale is three clicks: scan, PIN, product.

With --terminal it shows the kiosk's own screen in the terminal instead, and under it you are the customer:

  s       scan the QR code with the phone, for at most 50.00 kr
  p       confirm on the phone with the PIN
  x       cancel on the phone
  1 … 6   press a product's button on the machine
  c       press the machine's cancel button, which means "that is all"
  j       let the product that is chosen next jam: the motor turns and nothing falls
  o       open or close the service door
  h       the same with curl, and the addresses of everything
  q       end (so does Ctrl-C)

A sale is s, p, 1. What came out is charged when you press c, or a little while after the last product.

With --flow sticker or invoice a product is chosen first, and paid by the sticker or by the code that the display
then shows: 1, s, p. With --flow web the display's code leads to a page, on which you choose and pay.

With --auto it is the customer itself: one sale goes well, in one the product jams, and one is cancelled on the
phone. Then it shows what the kiosk recorded and what Glase's ledger says, and adds both up. Its exit status is 0
only if every öre is accounted for.`,
		Example: "  make demo\n  make demo ARGS=--auto\n  make demo ARGS=--flow=web\n  bin/demo --auto --keep     look into the journal " +
			"afterwards: bin/kioskd replay …/journal.db",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return run(c.Context(), hurry, o, os.Stdin, out) },
	}
	c.SetOut(out)
	c.CompletionOptions.DisableDefaultCmd = true
	f := c.Flags()
	f.StringVar(&o.bin, "bin", "", "the `FOLDER` of kioskd and glasesim (default: demo's own)")
	f.StringVar(&o.flow, "flow", reservation, "the `WAY` to pay: reservation, sticker, invoice or web")
	f.BoolVar(&o.auto, "auto", false, "sell by itself, add up, and end")
	f.BoolVar(&o.terminal, "terminal", false, "show the kiosk's screen in this terminal, without a browser")
	f.BoolVar(&o.keep, "keep", false, "keep the temporary folder and say where it is")
	return c
}

// run is one demo from its start to its end. However it ends, no process and, unless kept, no file of it stays.
func run(ctx context.Context, hurry <-chan struct{}, o options, in *os.File, out io.Writer) (err error) {
	if !slices.Contains([]string{reservation, sticker, invoiceQR, web}, o.flow) {
		return fmt.Errorf("--flow %q: it is reservation, sticker, invoice or web", o.flow)
	}
	bin, err := binaries(o.bin)
	if err != nil {
		return err
	}
	var scr *screen
	how := setup{Flow: o.flow, Display: "none", Width: 80, Height: 24, ChooseTimeout: chooseTimeout}
	switch {
	case o.auto:
		how.ChooseTimeout = chooseTimeoutAuto
	case o.terminal && !(term.IsTerminal(int(in.Fd())) && isTerminal(out)):
		return errors.New("--terminal needs a terminal to draw on and to read keys from")
	case o.terminal:
		if scr, err = newScreen(in, out.(*os.File)); err != nil {
			return err
		}
		how.Display, how.Width, how.Height = "terminal", scr.width, scr.height
	}

	w, err := newWorld(bin, how)
	if err != nil {
		return err
	}
	defer func() {
		if ctx.Err() == nil { // it ends without a signal: the first one is to hurry
			hurry = ctx.Done()
		}
		w.end(hurry, out)
		if o.keep {
			fmt.Fprintf(out, "Kept: %s (kioskd.toml, journal.db, the logs)\n", w.dir)
		} else if rm := os.RemoveAll(w.dir); rm != nil && err == nil {
			err = rm
		}
	}()
	if err = w.start(ctx); err == nil {
		switch {
		case o.auto:
			err = auto(ctx, w, out)
		case scr != nil:
			err = scr.run(ctx, w)
		default:
			err = show(ctx, w, out)
		}
	}
	switch {
	case ctx.Err() == nil:
		return err
	case o.auto:
		return errors.New("interrupted")
	}
	return nil // Ctrl-C is how it ends
}

// show serves the page, and says where it is, until the end.
func show(ctx context.Context, w *world, out io.Writer) error {
	l, err := listenScene()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go newScene(w, l.Addr().String()).serve(ctx, l)
	fmt.Fprintf(out, "A kiosk is running; Ctrl-C ends it.\n\n  Open this in a browser:   http://%s/\n\n%s\n", l.Addr(),
		w.howTo())
	return w.wait(ctx)
}

// binaries is the folder of kioskd and glasesim: the given one, or else demo's own.
func binaries(given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("its own folder is not known: %w: say where kioskd and glasesim are with --bin", err)
	}
	return filepath.Dir(exe), nil
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
