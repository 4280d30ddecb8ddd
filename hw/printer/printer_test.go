package printer_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/hw/printer"
	"kioskd/hw/printer/printertest"
	"kioskd/hw/vend/serialport"
	"kioskd/hw/vend/vendtest"
)

const device = "/dev/usb/lp0"

func driver(t *testing.T, open func() (io.ReadWriteCloser, error), page string) *printer.Printer {
	t.Helper()
	p, err := printer.New(printer.Config{Device: device, Open: open, CodePage: page})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var slip = []string{"Kvitto", "Smörgås                 15,00 kr", "", "Tack!"}

// clean says that a printer was told nothing that it would not have printed as it was meant.
func clean(t *testing.T, p *printertest.Printer) {
	t.Helper()
	if r := p.Refused(); len(r) > 0 {
		t.Errorf("refused: %q", r)
	}
}

func TestSwedishLettersArePrinted(t *testing.T) {
	lines := []string{"åäö ÅÄÖ éüÜß æÆ", "[1] \\2 {3} |4| ~", "ordinary: 15,00 kr"}
	for _, page := range printer.CodePages() {
		synctest.Test(t, func(t *testing.T) {
			sim := printertest.New(32)
			if err := driver(t, sim.Open, page).Print(t.Context(), lines); err != nil {
				t.Fatal(err)
			}
			if got := sim.Pieces(); !reflect.DeepEqual(got, [][]string{lines}) {
				t.Errorf("%s: %q", page, got)
			}
			clean(t, sim)
		})
	}
}

// TestWhatAPageDoesNotHaveIsStillReadable and takes one column each.
func TestWhatAPageDoesNotHaveIsStillReadable(t *testing.T) {
	for page, want := range map[string]string{
		"cp437":  "?: 5 ?, \"-5\", ???, ?ukasz ??",
		"cp1252": "€: 5 ?, \"-5\", ???, ?ukasz ??",
	} {
		synctest.Test(t, func(t *testing.T) {
			sim := printertest.New(32)
			// what steers a printer comes out as nothing worse than a question mark
			line := "€: 5 \u2126, \"\u22125\", \x1b\x10\x04, Łukasz \u0301龍"
			if err := driver(t, sim.Open, page).Print(t.Context(), []string{line}); err != nil {
				t.Fatal(err)
			}
			if got := sim.Pieces(); !reflect.DeepEqual(got, [][]string{{want}}) {
				t.Errorf("%s: %q", page, got)
			}
			clean(t, sim)
		})
	}
}

// TestAPrinterInTroubleIsGivenUpAndSaysWhatHelps within a bounded time, and prints again once it is helped.
func TestAPrinterInTroubleIsGivenUpAndSaysWhatHelps(t *testing.T) {
	const most = printer.Patience + 2*time.Second
	for name, c := range map[string]struct {
		harm func(*printertest.Printer)
		want error
		says string
	}{
		"no paper":       {func(p *printertest.Printer) { p.Paper(0) }, printer.ErrPaperOut, "new roll"},
		"its last paper": {func(p *printertest.Printer) { p.Paper(2) }, printer.ErrPaperOut, "new roll"},
		"an open cover":  {func(p *printertest.Printer) { p.Cover(true) }, printer.ErrCover, "close it"},
		"a cover and no paper": {func(p *printertest.Printer) { p.Cover(true); p.Paper(0) }, printer.ErrCover,
			"close it"},
		"a jammed cutter": {func(p *printertest.Printer) { p.Break(true) }, printer.ErrFault, "cutter"},
		"no plug":         {(*printertest.Printer).Unplug, printer.ErrGone, "plugged in"},
		"a plug that is pulled in the middle": {func(p *printertest.Printer) { p.UnplugAfter(20) }, printer.ErrGone,
			"plugged in"},
		"one that takes nothing":      {func(p *printertest.Printer) { p.Deaf(true) }, printer.ErrStuck, "on-line"},
		"one that dies in the middle": {func(p *printertest.Printer) { p.DeafAfter(20) }, printer.ErrStuck, "on-line"},
		"one that is far too slow": {func(p *printertest.Printer) { p.Slow(time.Second) }, printer.ErrStuck,
			"on-line"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := printertest.New(32)
				p := driver(t, sim.Open, "cp1252")
				c.harm(sim)
				began := time.Now()
				err := p.Print(t.Context(), slip)
				if took := time.Since(began); took > most {
					t.Errorf("it took %v", took)
				}
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) ||
					!strings.Contains(err.Error(), device) {
					t.Errorf("%v, want %v", err, c.want)
				}
				if n := len(sim.Pieces()); n != 0 {
					t.Errorf("%d pieces are printed: %q", n, sim.Pieces())
				}
				sim.Paper(100)
				sim.Cover(false)
				sim.Break(false)
				sim.Plug()
				sim.Deaf(false)
				sim.Slow(0)
				if err := p.Check(t.Context()); err != nil {
					t.Errorf("it was helped, and: %v", err)
				}
				if err := p.Print(t.Context(), slip); err != nil {
					t.Errorf("it was helped, and: %v", err)
				}
				last := slices.Concat(sim.Pieces()...) // below what is left of the first, as on a real one
				if !reflect.DeepEqual(last[max(0, len(last)-len(slip)):], slip) {
					t.Errorf("printed afterwards: %q", sim.Pieces())
				}
			})
		})
	}
}

// TestAPrinterThatSaysNothingIsGivenThePaperAllTheSame, and so is one that does not know how to say that it is done.
func TestAPrinterThatSaysNothingIsGivenThePaperAllTheSame(t *testing.T) {
	for name, change := range map[string]func(*printertest.Printer){
		"mute": func(p *printertest.Printer) { p.Mute(true) }, "no GS r": (*printertest.Printer).NoFinish,
		"slow": func(p *printertest.Printer) { p.Slow(20 * time.Millisecond) },
	} {
		synctest.Test(t, func(t *testing.T) {
			sim := printertest.New(32)
			change(sim)
			p := driver(t, sim.Open, "cp1252")
			for range 2 {
				if err := errors.Join(p.Check(t.Context()), p.Print(t.Context(), slip)); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if got := sim.Pieces(); !reflect.DeepEqual(got, [][]string{slip, slip}) {
				t.Errorf("%s: %q", name, got)
			}
			clean(t, sim)
		})
	}
}

// hung is a device that the kernel does not give back, whatever is done to it.
type hung struct{ never chan struct{} }

func (h hung) Read([]byte) (int, error)  { <-h.never; return 0, io.EOF }
func (h hung) Write([]byte) (int, error) { <-h.never; return 0, io.EOF }
func (h hung) Close() error              { <-h.never; return nil }

func TestADeviceThatHangsInTheKernelHangsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := make(chan struct{})
		p := driver(t, func() (io.ReadWriteCloser, error) { return hung{never}, nil }, "cp1252")
		began := time.Now()
		if err := p.Print(t.Context(), slip); !errors.Is(err, printer.ErrStuck) {
			t.Error(err)
		}
		if took := time.Since(began); took > printer.Patience+2*time.Second {
			t.Errorf("it took %v", took)
		}
		began = time.Now()
		for range 100 { // and no goroutine each
			if err := p.Print(t.Context(), slip); !errors.Is(err, printer.ErrStuck) || time.Since(began) > 0 {
				t.Fatal(err, time.Since(began))
			}
		}
		close(never)
		synctest.Wait()
	})
}

func TestTheEndOfTheDaemonEndsAPrint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := printertest.New(32)
		sim.Deaf(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := driver(t, sim.Open, "cp1252").Print(ctx, slip); err == nil || time.Since(began) > 3*time.Second {
			t.Error(err, time.Since(began))
		}
	})
}

// TestTheKernelsWordsAreSaidWithTheRemedy, whatever they are.
func TestTheKernelsWordsAreSaidWithTheRemedy(t *testing.T) {
	for kernel, want := range map[error]error{
		syscall.ENOENT: printer.ErrGone, syscall.ENODEV: printer.ErrGone, syscall.ENXIO: printer.ErrGone,
		syscall.EIO: printer.ErrGone, serialport.ErrUnplugged: printer.ErrGone, syscall.EBUSY: printer.ErrInUse,
		serialport.ErrInUse: printer.ErrInUse, syscall.EACCES: printer.ErrDenied, syscall.EPERM: printer.ErrDenied,
		syscall.ENOSPC: printer.ErrPaperOut, os.ErrDeadlineExceeded: printer.ErrStuck, syscall.EINVAL: nil,
	} {
		open := func() (io.ReadWriteCloser, error) {
			return nil, &os.PathError{Op: "open", Path: device, Err: kernel}
		}
		err := driver(t, open, "cp1252").Check(t.Context())
		if err == nil || want != nil && !errors.Is(err, want) || !errors.Is(err, kernel) {
			t.Errorf("%v is said as: %v", kernel, err)
		}
	}
	if _, err := printer.New(printer.Config{CodePage: "latin1"}); err == nil ||
		!strings.Contains(err.Error(), "cp1252") {
		t.Error(err)
	}
}

// TestThroughARealPort prints through the kernel: as a serial port, and as a character device like usblp's.
func TestThroughARealPort(t *testing.T) {
	for name, open := range map[string]func(path string) (io.ReadWriteCloser, error){
		"serial": func(path string) (io.ReadWriteCloser, error) { return serialport.Open(path, 9600) },
		"usb":    printer.OpenUSB,
	} {
		t.Run(name, func(t *testing.T) {
			pty, err := vendtest.OpenPty()
			if err != nil {
				t.Fatal(err)
			}
			sim := printertest.New(32)
			served := make(chan error, 1)
			go func() { served <- sim.Serve(pty) }()
			p := driver(t, func() (io.ReadWriteCloser, error) { return open(pty.Name) }, "cp865")
			if err := p.Print(t.Context(), slip); err != nil {
				t.Error(err)
			}
			if got := sim.Pieces(); !reflect.DeepEqual(got, [][]string{slip}) {
				t.Errorf("%q", got)
			}
			clean(t, sim)
			sim.Paper(0)
			if err := p.Check(t.Context()); !errors.Is(err, printer.ErrPaperOut) {
				t.Errorf("without paper: %v", err)
			}
			if err := pty.Close(); err != nil {
				t.Error(err)
			}
			<-served
			if err := p.Check(t.Context()); !errors.Is(err, printer.ErrGone) {
				t.Errorf("unplugged: %v", err)
			}
		})
	}
	file := filepath.Join(t.TempDir(), "lp0")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := printer.OpenUSB(file); err == nil || !strings.Contains(err.Error(), "no printer") {
		t.Errorf("a file: %v", err)
	}
}
