package printing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/hw/printer"
	"kioskd/hw/printer/printertest"
	"kioskd/internal/config"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
	"kioskd/internal/receipt"
)

// counter is a desk with a printer, in a bubble of virtual time.
type counter struct {
	*Desk
	printer *printertest.Printer
	updates chan kiosk.Update
	synced  bool
	mu      sync.Mutex
	text    bytes.Buffer
}

func (c *counter) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(b)
}

func (c *counter) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// open lets a story happen at a counter whose first update finds this sale.
func open(t *testing.T, found fsm.Sale, story func(c *counter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{printer: printertest.New(32), updates: make(chan kiosk.Update, 64), synced: true}
		cfg := config.Config{
			Machine: config.Machine{Name: "Lobby", Language: "sv", Timezone: time.UTC},
			Printer: config.Printer{Device: "/dev/ttyP", Baud: 9600, Width: 32, CodePage: "cp1252"}}
		serial := func(section, device string, baud int) func() (io.ReadWriteCloser, error) {
			if section != "printer" || device != "/dev/ttyP" || baud != 9600 {
				t.Errorf("opened %s %s %d", section, device, baud)
			}
			return c.printer.Open
		}
		var err error
		c.Desk, err = New(cfg, serial, zerolog.New(c), time.Now, func() bool { return c.synced })
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.Run(ctx, c.updates)
		}()
		c.step(found)
		time.Sleep(time.Second)
		story(c)
		cancel()
		<-ended
	})
}

func (c *counter) step(s fsm.Sale) {
	c.updates <- kiosk.Update{Wall: time.Now(), State: fsm.State{Sale: s}}
}

func paid(id string) fsm.Sale {
	price := money.Amount{Minor: 1500, Currency: "SEK"}
	return fsm.Sale{ID: id, State: fsm.Charged, Ended: true, Flow: fsm.InvoiceQR,
		Items:   []fsm.Item{{Name: "Water", Price: price, Outcome: fsm.Delivered}},
		Payment: fsm.Payment{Charged: price, ErsReference: "E-" + id}}
}

// printed are the ids of the sales whose receipts came out.
func (c *counter) printed() string {
	var ids []string
	for _, piece := range c.printer.Pieces() {
		for _, line := range piece {
			if rest, ok := strings.CutPrefix(line, "Köp "); ok {
				ids = append(ids, strings.TrimSpace(rest))
			}
		}
	}
	return strings.Join(ids, " ")
}

// TestOnlyASaleThatEndsBeforeItsEyesIsPrinted, and only once, however often its state is told.
func TestOnlyASaleThatEndsBeforeItsEyesIsPrinted(t *testing.T) {
	open(t, paid("OLD"), func(c *counter) {
		c.step(paid("OLD"))
		going := paid("A")
		going.Ended, going.State = false, fsm.Open
		c.step(going)
		c.step(paid("A"))
		c.step(paid("A"))
		recovered, verdict, unpaid, doubt := paid("B"), paid("C"), paid("D"), paid("E")
		recovered.Recovered = true
		verdict.Verdict = fsm.Verdict{Decision: fsm.Charge, By: "anna", Reason: "r"}
		unpaid.Charged, unpaid.State = money.Amount{}, fsm.Released
		doubt.State = fsm.InDoubt
		for _, s := range []fsm.Sale{recovered, verdict, unpaid, doubt, paid("F")} {
			c.step(s)
		}
		time.Sleep(time.Minute)
		if got := c.printed(); got != "A F" {
			t.Errorf("printed %s", got)
		}
		if p := c.Parts()[0]; !p.OK || !strings.Contains(p.What, "2 receipts") {
			t.Errorf("%+v", p)
		}
	})
	going := paid("HALF") // the restart found it open
	going.Ended, going.State = false, fsm.Open
	open(t, going, func(c *counter) {
		c.step(paid("HALF"))
		time.Sleep(time.Minute)
		if got := c.printed(); got != "" {
			t.Errorf("printed %s", got)
		}
	})
}

// TestWhatCannotBePrintedIsDroppedAndSaid: the queue is short, and nobody finds somebody else's receipt.
func TestWhatCannotBePrintedIsDroppedAndSaid(t *testing.T) {
	open(t, fsm.Sale{}, func(c *counter) {
		c.printer.Deaf(true)
		time.Sleep(time.Minute)
		began := time.Now()
		for n := range 20 {
			c.step(paid(fmt.Sprint("S", n)))
			synctest.Wait()
		}
		if d := time.Since(began); d > 0 {
			t.Errorf("the kiosk's steps waited for %v", d)
		}
		time.Sleep(10 * time.Minute)
		if p := c.Parts()[0]; p.OK || !strings.Contains(p.What, "20 were not printed") || p.Do == "" {
			t.Errorf("%+v", p)
		}
		if n := strings.Count(c.said(), "a receipt is not printed"); n != 20 {
			t.Errorf("the log says it %d times:\n%s", n, c.said())
		}
		if n := strings.Count(c.said(), "no receipts"); n != 1 {
			t.Errorf("what is wrong is logged %d times:\n%s", n, c.said())
		}
		c.printer.Deaf(false)
		time.Sleep(time.Minute)
		if got := c.printed(); got != "" {
			t.Errorf("printed long after: %s", got)
		}
		c.step(paid("NEW"))
		time.Sleep(time.Minute)
		if p := c.Parts()[0]; !p.OK || c.printed() != "NEW" {
			t.Errorf("%+v, printed %s", p, c.printed())
		}
	})
}

// TestAClockThatNobodyHasSetIsOnNoReceipt.
func TestAClockThatNobodyHasSetIsOnNoReceipt(t *testing.T) {
	open(t, fsm.Sale{}, func(c *counter) {
		c.synced = false
		c.step(paid("A"))
		time.Sleep(time.Minute)
		if text := fmt.Sprint(c.printer.Pieces()); !strings.Contains(text, "okänd") || strings.Contains(text, "2000") {
			t.Error(text)
		}
	})
}

// TestWhoAsksForACopyHearsWhatBecameOfIt in time.
func TestWhoAsksForACopyHearsWhatBecameOfIt(t *testing.T) {
	open(t, fsm.Sale{}, func(c *counter) {
		r, err := receipt.Head{Machine: "Lobby", Language: "sv"}.Of(paid("A"), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		if err := c.Print(ctx, r); err != nil {
			t.Error(err)
		}
		if text := fmt.Sprint(c.printer.Pieces()); !strings.Contains(text, "Kopia") {
			t.Error(text)
		}
		c.printer.Paper(0)
		if err := c.Print(ctx, r); !errors.Is(err, printer.ErrPaperOut) {
			t.Error(err)
		}
		c.printer.Deaf(true)
		began := time.Now()
		if err := c.Print(ctx, r); !errors.Is(err, ErrLater) || time.Since(began) > awaitMax {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		for range queueMax {
			go func() { _ = c.Print(ctx, r) }()
		}
		synctest.Wait()
		if err := c.Print(ctx, r); !errors.Is(err, ErrFull) {
			t.Error(err)
		}
		if p := c.Parts()[0]; strings.Contains(p.What, "not printed") {
			t.Errorf("a copy counts as a customer's: %+v", p)
		}
	})
}

// TestWithoutAPrinterThereIsNothing to see or to ask.
func TestWithoutAPrinterThereIsNothing(t *testing.T) {
	d, err := New(config.Config{}, nil, zerolog.Nop(), time.Now, nil)
	if d != nil || err != nil || d.Parts() != nil || d.Copier() != nil {
		t.Errorf("%v, %v", d, err)
	}
	_, err = New(config.Config{Printer: config.Printer{Device: "/dev/usb/lp0", CodePage: "x"}}, nil, zerolog.Nop(),
		time.Now, nil)
	if err == nil {
		t.Error("an unknown code page is taken")
	}
}
