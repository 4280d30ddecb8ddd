package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
	"kioskd/internal/proof/phone"
)

const (
	glase    = phone.Phone("http://127.0.0.1:8080")
	patience = 2 * time.Minute // for a fact that must come: the processor is emulated
)

// config is a machine of two slots: A1 with an active-low relay, named by the header's position; A2 with the other
// kind. Both relays turn for at most a second.
const config = `[machine]
name = "Bench"
token = "123456"
currency = "SEK"
[glase]
endpoint = "http://127.0.0.1:8080/soap/merchant/cashregister-2"
merchant_id = "public_test_shop"
client_id = "Bar AB"
terminal_id = "public_test_shop_terminal"
password_file = "glase.password"
[ups]
listen = "127.0.0.1:8082"
public_url = "http://127.0.0.1:8082/seqr"
path_prefix = "/seqr"
[payment]
reserve_max = "200.00"
[journal]
path = "journal.db"
[debug]
socket = "debug.sock"
[gpio]
driver = "host"
door = "SDA1"
cancel = "GPIO16"
[[slot]]
id = "A1"
name = "Water"
price = "15.00"
stock = 9
button = "GPIO5"
max_on = "1s"
[slot.vend]
driver = "relay"
relay = "P1_11"
drop = "GPIO27"
[[slot]]
id = "A2"
name = "Juice"
price = "22.50"
stock = 9
button = "GPIO6"
max_on = "1s"
[slot.vend]
driver = "relay"
relay = "GPIO22"
drop = "GPIO23"
[[pin]]
name = "GPIO17"
active_low = true
[[pin]]
name = "GPIO27"
debounce = "1ms"
[[pin]]
name = "SDA1"
pull = "none"
`

// slot is what stands at a slot of the config: lines, and the level of the relay's wire while the motor turns.
type slot struct{ relay, on, drop, button int }

var (
	a1 = slot{17, 0, 27, 5}
	a2 = slot{22, 1, 23, 6}
)

const door, cancel = 2, 16

// world is a machine whose lines are a chip's, with the built programs as its software.
type world struct {
	*chip
	t     *testing.T
	dir   string
	kiosk *exec.Cmd
	dead  chan struct{}
	debug *client.Client
}

// newWorld has everything but the kiosk running.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{chip: newChip(t, "pinctrl-bcm2835", header()...), t: t, dir: t.TempDir()}
	w.debug = client.Socket(w.dir + "/debug.sock")
	w.pull(a1.relay, 1) // the relay board's own resistor: off
	w.pull(door, 0)     // closed
	for file, text := range map[string]string{"kioskd.toml": config, "glase.password": "12345678"} {
		w.must(os.WriteFile(filepath.Join(w.dir, file), []byte(text), 0o600))
	}
	sim := w.command("/glasesim", "--listen", "127.0.0.1:8080", "--ups",
		"123456=http://127.0.0.1:8082/seqr/createPurchase")
	w.must(sim.Start())
	t.Cleanup(func() { _, _ = sim.Process.Kill(), sim.Wait() })
	w.until("Glase is there", func() bool { _, err := glase.Ledger(t.Context()); return err == nil })
	return w
}

func (w *world) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	log, err := os.OpenFile(filepath.Join(w.dir, filepath.Base(program)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY,
		0o600)
	w.must(err)
	w.t.Cleanup(func() { _ = log.Close() })
	c.Stdout, c.Stderr = log, log
	return c
}

// start runs the kiosk until the test ends.
func (w *world) start() {
	w.kiosk, w.dead = w.command("/kioskd", "run", "--config", filepath.Join(w.dir, "kioskd.toml")), make(chan struct{})
	w.must(w.kiosk.Start())
	go func(c *exec.Cmd, dead chan struct{}) {
		defer close(dead)
		_ = c.Wait() // how it ended, its log says
	}(w.kiosk, w.dead)
	w.t.Cleanup(func() {
		w.kill()
		if w.t.Failed() {
			log, _ := os.ReadFile(filepath.Join(w.dir, "kioskd.log"))
			w.t.Logf("the kiosk's log:\n%s", log)
		}
	})
}

func (w *world) kill() {
	_ = w.kiosk.Process.Kill() // it may have ended before
	<-w.dead
}

// off is what the unit's ExecStopPost does, as a user; it answers what was said.
func (w *world) off(uid uint32) (string, error) {
	c := exec.Command("/kioskd", "outputs-off", "--config", filepath.Join(w.dir, "kioskd.toml"))
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := c.CombinedOutput()
	return string(out), err
}

// until waits for a fact that must come.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) { // between two questions over HTTP
		select {
		case <-w.dead:
			w.t.Fatalf("the kiosk ended by itself before %s", what)
		default:
		}
		if time.Now().After(end) {
			w.t.Fatalf("never: %s", what)
		}
	}
}

func (w *world) step() string {
	s, _ := w.debug.Status(w.t.Context()) // no answer is no step
	return s.Step
}

// outcomes are "A1 delivered" and so on.
func outcomes(s api.Sale) string {
	var all []string
	for _, i := range s.Items {
		all = append(all, i.Slot+" "+i.Outcome)
	}
	return strings.Join(all, ", ")
}

// sales are the kiosk's, newest first.
func (w *world) sales() []api.Sale {
	all, _ := w.debug.Sales(w.t.Context(), 50) // no answer is no sale
	return all
}

// reserve is a customer with a phone, who may choose soon.
func (w *world) reserve() {
	w.t.Helper()
	w.until("the machine is ready", func() bool { return w.step() == "ready" })
	var invoice string
	w.until("the QR code can be scanned", func() bool {
		var err error
		invoice, err = glase.Scan(w.t.Context(), phone.Shop, "50.00")
		return err == nil
	})
	w.must(glase.Confirm(w.t.Context(), invoice))
}

// press is a finger on a button, for a time that a finger takes, and again when nothing comes of it: a computer as busy
// as this one may see no finger that is so quick. Ok is asked very often: it must be quick.
func (w *world) press(button int, what string, step string, ok func() bool) {
	w.t.Helper()
	w.until("the step "+step, func() bool { return w.step() == step })
	for end := time.Now().Add(patience); w.step() == step; {
		w.pull(button, 0)
		time.Sleep(150 * time.Millisecond)
		w.pull(button, 1)
		for again := time.Now().Add(3 * time.Second); time.Now().Before(again); time.Sleep(200 * time.Microsecond) {
			if ok() {
				return
			}
		}
		if time.Now().After(end) {
			w.t.Fatalf("never: %s", what)
		}
	}
}

// turn is what a motor was seen to do.
type turn struct {
	dropped time.Duration // when the sensor's wire went low
	pulse   time.Duration // how long it was there
}

// choose presses a slot's button, and is the motor and the product: when the motor turns, falls happens. It answers
// when the item has its outcome, of n in this sale.
func (w *world) choose(s slot, n int, falls func() turn) turn {
	w.t.Helper()
	w.press(s.button, "the motor turns", "choosing", func() bool { return w.level(s.relay) == s.on })
	seen := falls()
	w.until("the outcome", func() bool {
		all := w.sales()
		return len(all) > 0 && len(all[0].Items) == n && all[0].Items[n-1].Outcome != "pending"
	})
	return seen
}

// falls is a product that falls through a slot's sensor some time after the motor's start: pulses of a length, with
// pauses of the same.
func (w *world) falls(s slot, after, pulse time.Duration, pulses int) func() turn {
	return func() (seen turn) {
		time.Sleep(after)
		seen.dropped = mono(w.t)
		for n := range pulses {
			if n > 0 {
				time.Sleep(pulse)
			}
			w.pull(s.drop, 0)
			time.Sleep(pulse)
			w.pull(s.drop, 1)
			if n == 0 {
				seen.pulse = mono(w.t) - seen.dropped
			}
		}
		return seen
	}
}

// cancels is a customer who wants nothing more.
func (w *world) cancels() {
	w.t.Helper()
	w.press(cancel, "the sale ends", "choosing", func() bool { return w.step() != "choosing" })
}

// ends waits for the end of the newest sale, which is the n-th, and answers it.
func (w *world) ends(n int) api.Sale {
	w.t.Helper()
	w.until("the sale's end", func() bool { all := w.sales(); return len(all) == n && all[0].State != "open" })
	return w.sales()[0]
}

// money is what Glase's ledger says, by kind.
func (w *world) money() map[string][]string {
	all, err := glase.Ledger(w.t.Context())
	w.must(err)
	by := map[string][]string{}
	for _, m := range all {
		by[m.Kind] = append(by[m.Kind], m.Amount)
	}
	return by
}
