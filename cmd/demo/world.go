package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"text/template"
	"time"

	"kioskd/internal/proof/child"
)

//go:embed demo.toml
var configText string

const (
	token    = "123456"           // the machine's, in its QR code
	merchant = "public_test_shop" // Glase's public test credentials
	password = "12345678"         // of the public test terminal
	// of the documentation's public test reseller
	resellerPassword = "1234"
	pin              = "1234"  // glasesim takes any four digits
	seqrID           = "DEMO1" // of the sticker on the machine, with flow "sticker"
	amount           = "50.00" // what the customer lets the machine reserve at most
	currency         = "SEK"

	chooseTimeout     = 12 * time.Second // after the last product: long enough to choose, short enough to wait for
	chooseTimeoutAuto = 5 * time.Second  // nobody has to think

	readyWithin  = 20 * time.Second       // for a program to answer on a slow machine
	settleWithin = 25 * time.Second       // kioskd settles an open sale for at most 20 s
	endWithin    = 5 * time.Second        // glasesim ends at once
	settleSoon   = 500 * time.Millisecond // a kiosk without a sale has ended by then
	pollEvery    = 50 * time.Millisecond  // between two looks at what is waited for
)

// The flows: the values of [payment] flow.
const (
	reservation = "reservation"
	sticker     = "sticker"
	invoiceQR   = "invoice"
	web         = "web"
)

// slot is one product of the demo, and where its parts are wired.
type slot struct {
	ID, Name, Price     string
	Relay, Drop, Button int
}

// slots are the machine's front. What 50.00 does not buy is there too, to see what the machine makes of it.
func slots() []slot {
	return []slot{
		{"A1", "Still water 50 cl", "15.00", 17, 27, 5},
		{"A2", "Apple juice 33 cl", "22.50", 22, 23, 6},
		{"A3", "Cardamom bun", "25.00", 24, 25, 19},
		{"B1", "Salted almonds 60 g", "29.00", 26, 16, 18},
		{"B2", "Dark chocolate 100 g", "34.90", 12, 13, 4},
		{"B3", "Charging cable", "149.00", 20, 21, 7},
	}
}

// setup is what differs between the ways to run the demo.
type setup struct {
	Flow          string // [payment] flow
	Display       string // [display] driver
	Width, Height int    // of a terminal, in cells
	ChooseTimeout time.Duration
}

// world is the two programs and where they are.
type world struct {
	bin, dir          string
	glase, ups, debug string // base URLs without a slash at the end
	setup             setup

	glasesim, machine *process
	picture           *os.File // what kioskd draws; nil when it draws nothing
	held              []net.Listener

	dark atomic.Bool   // the power is cut: kioskd is not there, and will be again
	back chan struct{} // it is

	mu     sync.Mutex
	kioskd *process
	ending bool // nothing is started any more
}

// kiosk is the kioskd that runs, or ran last; nil before the first.
func (w *world) kiosk() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kioskd
}

// newWorld prepares everything and starts nothing. It holds the ports until their programs take them.
func newWorld(bin string, s setup) (w *world, err error) {
	dir, err := os.MkdirTemp("", "kioskd-demo-")
	if err != nil {
		return nil, err
	}
	w = &world{bin: bin, dir: dir, setup: s, back: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			w.release(len(w.held))
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		w.held = append(w.held, l)
	}
	address := func(i int) string { return w.held[i].Addr().String() }
	w.glase, w.ups, w.debug = "http://"+address(0), "http://"+address(1)+"/seqr", "http://"+address(2)
	for name, text := range map[string]string{"password": password, "reseller.password": resellerPassword} {
		if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	var b strings.Builder
	t, err := template.New("demo.toml").Option("missingkey=error").Parse(configText)
	if err == nil {
		err = t.Execute(&b, map[string]any{
			"Token": token, "Merchant": merchant, "Glase": w.glase, "UPS": w.ups, "UPSListen": address(1),
			"DebugListen": address(2), "Flow": s.Flow, "SeqrID": seqrID,
			"ChooseTimeout": s.ChooseTimeout, "Display": s.Display, "Width": s.Width, "Height": s.Height,
			"Slots": slots(),
		})
	}
	if err != nil {
		return nil, err
	}
	return w, os.WriteFile(w.path("kioskd.toml"), []byte(b.String()), 0o600)
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// address is where a base URL's program listens.
func address(base string) string { return strings.TrimPrefix(base, "http://") }

// release gives the next n of the held ports free, for the program that is about to take them.
func (w *world) release(n int) {
	for _, l := range w.held[:n] {
		l.Close()
	}
	w.held = w.held[n:]
}

// start starts the programs and waits until the kiosk sells. The machine's board is a process of its own, which
// outlives a kiosk that is killed, as relays and motors do.
func (w *world) start(ctx context.Context) error {
	w.release(1)
	var err error
	w.glasesim, err = start(filepath.Join(w.bin, "glasesim"), w.path("glasesim.log"), nil, nil,
		"--listen", address(w.glase), "--ups", token+"="+w.ups+"/createPurchase")
	if err != nil {
		return err
	}
	if err := w.until(ctx, readyWithin, "glasesim to answer", func() bool {
		_, err := w.ledger(ctx)
		return err == nil
	}); err != nil {
		return err
	}
	w.machine, err = start(filepath.Join(w.bin, "kioskd"), w.path("board.log"), nil, nil, "sim-board", "--config",
		w.path("kioskd.toml"))
	if err != nil {
		return err
	}
	if err := w.until(ctx, readyWithin, "the simulated board", func() bool {
		_, err := os.Stat(w.path("board.sock"))
		return err == nil
	}); err != nil {
		return err
	}
	if w.setup.Flow == sticker {
		if err := w.assign(ctx); err != nil {
			return err
		}
	}
	w.release(2)
	if err := w.startKiosk(); err != nil {
		return err
	}
	return w.until(ctx, readyWithin, "the kiosk to be ready", func() bool {
		s, err := w.status(ctx)
		return err == nil && s.Step == "ready"
	})
}

// assign sticks the sticker on the machine.
func (w *world) assign(ctx context.Context) error {
	_, err := w.command(ctx, "assign", seqrID)
	return err
}

// command is one of kioskd's, and gives what it says.
func (w *world) command(ctx context.Context, args ...string) (string, error) {
	args = append(args, "--config", w.path("kioskd.toml"))
	said, err := exec.CommandContext(ctx, filepath.Join(w.bin, "kioskd"), args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("kioskd %s: %w: %s", args[0], err, said)
	}
	return string(said), err
}

func (w *world) startKiosk() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ending {
		return errors.New("the demo ends")
	}
	env, args := os.Environ(), []string{"run", "--config", w.path("kioskd.toml")}
	if w.setup.Display != "terminal" {
		var err error
		w.kioskd, err = start(filepath.Join(w.bin, "kioskd"), w.path("kioskd.log"), nil, env, args...)
		return err
	}
	r, pipe, err := os.Pipe()
	if err != nil {
		return err
	}
	defer pipe.Close() // kioskd has its own
	if os.Getenv("NO_COLOR") == "" {
		env = append(env, "CLICOLOR_FORCE=1") // its output is a pipe, but what the pipe leads to is a terminal
	}
	w.picture = r
	w.kioskd, err = start(filepath.Join(w.bin, "kioskd"), w.path("kioskd.log"), pipe, env, args...)
	return err
}

// powerCut is SIGKILL for the kiosk, its outputs off, and after a while its start. One at a time.
func (w *world) powerCut() error {
	if !w.dark.CompareAndSwap(false, true) {
		return errors.New("the power is cut already")
	}
	p := w.kiosk()
	p.Kill()
	// a motor without power
	_ = exec.Command(filepath.Join(w.bin, "kioskd"), "outputs-off", "--config", w.path("kioskd.toml")).Run()
	time.AfterFunc(darkFor, func() {
		if w.startKiosk() == nil {
			w.back <- struct{}{}
		}
		w.dark.Store(false) // if it did not start, whoever waits for its end finds it dead
	})
	return nil
}

// until waits for something to be true, for at most the given time. A child that ends meanwhile is an error at once.
func (w *world) until(ctx context.Context, most time.Duration, what string, is func() bool) error {
	over := time.NewTimer(most)
	defer over.Stop()
	look := time.NewTicker(pollEvery)
	defer look.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-ended(w.glasesim):
			return w.glasesim.died()
		case <-ended(w.machine):
			return w.machine.died()
		case <-ended(w.kiosk()):
			return w.kiosk().died()
		case <-over.C:
			return fmt.Errorf("waited %v for %s in vain; the kiosk's log ends with\n%s", most, what,
				child.Tail(w.path("kioskd.log")))
		}
	}
	return nil
}

// wait waits for the end: ctx's, which is no error, or a child's.
func (w *world) wait(ctx context.Context) error {
	for {
		kiosk := w.kiosk()
		select {
		case <-ctx.Done():
			return nil
		case <-w.glasesim.Ended():
			return w.glasesim.died()
		case <-w.machine.Ended():
			return w.machine.died()
		case <-kiosk.Ended():
			if !w.dark.Load() {
				return kiosk.died()
			}
			select {
			case <-w.back:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// ended is closed when a process has ended, or never when there is no process.
func ended(p *process) <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.Ended()
}

// end ends the kiosk, which settles its sale first, and then Glase. Once hurry is closed it kills. It returns when both
// are gone.
func (w *world) end(hurry <-chan struct{}, out io.Writer) {
	w.release(len(w.held))
	w.mu.Lock()
	w.ending = true
	w.mu.Unlock()
	if p := w.kiosk(); p != nil {
		p.signal(syscall.SIGTERM)
		if !p.EndsWithin(settleSoon, hurry) {
			fmt.Fprintln(out, "The kiosk settles its sale, which takes at most 20 s; Ctrl-C kills it.")
			p.finish(settleWithin, hurry, out)
		}
	}
	if w.picture != nil {
		w.picture.Close()
	}
	if p := w.glasesim; p != nil {
		w.tellMoney(hurry, out) // the kiosk is gone, so nothing moves any more
		p.signal(syscall.SIGTERM)
		p.finish(endWithin, hurry, out)
	}
	if p := w.machine; p != nil {
		p.signal(syscall.SIGTERM)
		p.finish(endWithin, hurry, out)
	}
}

// tellMoney tells what the ledger says, unless somebody is in a hurry.
func (w *world) tellMoney(hurry <-chan struct{}, out io.Writer) {
	select {
	case <-hurry:
		return
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	if ledger, err := w.ledger(ctx); err == nil && len(ledger) > 0 { // Glase may be what died
		fmt.Fprintln(out, ledgerSays(ledger))
	}
}

// finish waits for a process's end and kills it when that takes too long.
func (p *process) finish(most time.Duration, hurry <-chan struct{}, out io.Writer) {
	if !p.EndsWithin(most, hurry) {
		fmt.Fprintf(out, "%s is killed.\n", p.name)
		p.Kill()
	}
}

// howTo says how to be the customer without the demo's keys, and where everything is.
func (w *world) howTo() string {
	var b strings.Builder
	scan, press := w.curls()
	switch w.setup.Flow {
	case reservation:
		fmt.Fprintf(&b, "Be the customer, in another terminal: scan, confirm with the PIN, press the button of A1.\n\n%s%s",
			scan, press)
	case web:
		fmt.Fprintf(&b, "Be the customer: open the address that the machine's code says, choose, and pay by phone.\n\n")
		fmt.Fprintf(&b, "  curl -s %s/api/screen | grep -o '\"qr\":\"[^\"]*'\n%s", w.debug, scan)
	default:
		fmt.Fprintf(&b, "Be the customer, in another terminal: press the button of A1, scan, confirm with the PIN.\n\n%s%s",
			press, scan)
	}
	fmt.Fprintf(&b, "\n  the phone, in a browser   %s/\n", w.glase)
	fmt.Fprintf(&b, "  Glase's ledger            %s/ledger\n", w.glase)
	fmt.Fprintf(&b, "  the kiosk's state         %s/api/status\n", w.debug)
	fmt.Fprintf(&b, "  its sales                 %s/api/sales\n", w.debug)
	fmt.Fprintf(&b, "  its steps as they happen  curl -N %s/api/events\n", w.debug)
	fmt.Fprintf(&b, "  its config and logs       %s\n", w.dir)
	return b.String()
}

// curls are the customer's commands: to scan and confirm, and to press A1.
func (w *world) curls() (scan, press string) {
	code := "$(curl -s " + w.debug + "/api/screen | sed 's/.*\"qr\":\"\\([^\"]*\\)\".*/\\1/')"
	switch w.setup.Flow {
	case sticker:
		code = stickerQR
	case reservation:
		code = machineQR
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  ref=$(curl -s %s/phone/scan -d '{\"amount\": \"%s\",\n    \"qr\": \"'\"%s\"'\"}' |\n", w.glase,
		amount, code)
	fmt.Fprintf(&b, "    sed 's/.*\"invoiceReference\":\"\\([0-9]*\\)\".*/\\1/'); echo $ref\n")
	fmt.Fprintf(&b, "  curl %s/phone/confirm \\\n    -d '{\"invoiceReference\": \"'$ref'\", \"pin\": \"%s\"}'\n",
		w.glase, pin)
	return b.String(), fmt.Sprintf("  curl %s/sim/press \\\n    -H 'Content-Type: application/json' "+
		"-d '{\"slot\": \"A1\"}'\n", w.debug)
}
