package crash

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/proof/phone"
)

var killsFlag = flag.Int("kills", 12, "send SIGKILL at least so many times, to all kiosks together")

// A sale of one product has some fifty writes into the journal's log and nine calls to Glase.
const (
	writesMax = 61 // neither is divided by the number of stories or of ways to die
	callsMax  = 11
)

// story is how a visit goes.
type story struct {
	name, fault string
	cancels     bool // on the phone, before the PIN
}

var stories = []story{{name: "delivered"}, {name: "jam", fault: "jam"}, {name: "cancelled", cancels: true}}

// buy is a customer's visit; errDead when the kiosk dies in it.
func (w *world) buy(s story) error {
	if err := w.board.Fault("A1", map[bool]string{true: s.fault, false: "none"}[s.fault != ""]); err != nil {
		w.t.Fatal(err)
	}
	before := len(w.sales())
	qr := phone.Shop
	if w.flow == "sticker" {
		qr = "HTTP://SEQR.SE/Q" + sticker
		if err := w.choose(func() bool { return w.step() == "awaiting" }); err != nil {
			return err
		}
	}
	var invoice string
	if err := w.wait(func() bool {
		var err error
		invoice, err = w.glase.Scan(w.t.Context(), qr, "50.00")
		return err == nil
	}); err != nil {
		return err
	}
	decide := w.glase.Confirm
	if s.cancels {
		decide = w.glase.Cancel
	}
	if err := decide(w.t.Context(), invoice); err != nil {
		return err
	}
	if w.flow == "reservation" && !s.cancels {
		if err := w.wait(func() bool { return w.step() == "choosing" }); err != nil {
			return err
		}
		if err := w.choose(func() bool {
			all := w.sales()
			return w.step() == "choosing" && len(all) > 0 && len(all[0].Items) > 0
		}); err != nil {
			return err
		}
		w.press("cancel")
	}
	return w.wait(func() bool {
		all := w.sales()
		return len(all) > before && all[0].State != "open"
	})
}

// choose presses the product's button, and again when nothing comes of it: a busy computer may see no finger that is as
// quick as this.
func (w *world) choose(ok func() bool) error {
	var pressed time.Time
	return w.wait(func() bool {
		if ok() {
			return true
		}
		if step := w.step(); (step == "ready" || step == "choosing") && time.Since(pressed) > 2*time.Second {
			w.press("A1")
			pressed = time.Now()
		}
		return false
	})
}

func (w *world) press(button string) {
	if err := w.board.Press(button); err != nil {
		w.t.Fatal(err)
	}
}

// A trap holds the process that it was set for: one that snaps late must not kill the next.

// trapCall kills at the n-th call to Glase from now: before it is carried out, or after it and before its answer.
func (w *world) trapCall(n int, after bool) {
	victim := w.kiosk
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = 0
	w.trap = func(call int, now bool) {
		if call == n && now == after {
			victim.Kill()
		}
	}
}

// trapWrite kills at the n-th write into the journal from now: somewhere within a transaction, before it is synced or
// just after.
func (w *world) trapWrite(n int) {
	victim := w.kiosk
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK) // so that Close ends a Read
	if err != nil {
		w.t.Fatal(err)
	}
	watch := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, filepath.Join(w.dir, "journal.db-wal"), unix.IN_MODIFY); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		<-victim.Ended()
		watch.Close()
	}()
	go func() {
		buf := make([]byte, unix.SizeofInotifyEvent)
		for ; n > 0; n-- {
			if _, err := watch.Read(buf); err != nil {
				return
			}
		}
		victim.Kill()
	}()
}

// recover starts the kiosk again, and sometimes kills it once more on its way, until it has settled all.
func (w *world) recover(programs string, r *rand.Rand) {
	for {
		<-w.kiosk.Ended()
		w.kills++
		w.off(programs)
		w.start(programs)
		if r.IntN(3) == 0 { // again, while it starts or recovers
			again := time.Duration(r.Int64N(int64(120 * time.Millisecond)))
			select {
			case <-w.kiosk.Ended():
			case <-time.After(again): // a moment is what this is about
			}
			w.kiosk.Kill()
			continue
		}
		w.settled()
		return
	}
}

// settled waits until the machine rests, has a technician open and close its door if a slot needs that, and calls the
// referee.
func (w *world) settled() {
	w.t.Helper()
	w.until("the last sale is settled", func() bool {
		all := w.sales()
		return w.step() == "ready" && (len(all) == 0 || all[0].State != "open")
	})
	w.judge()
	w.press("door")
	w.until("the door is open", func() bool { return w.step() == "maintenance" })
	w.press("door")
	w.until("the door is closed", func() bool { return w.step() == "ready" })
}

func (w *world) judge() {
	w.t.Helper()
	ledger, err := w.glase.Ledger(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	board, err := w.board.Snapshot()
	if err != nil {
		w.t.Fatal(err)
	}
	sales := w.sales()
	if broken := audit(sales, ledger, board); broken != nil {
		w.t.Fatalf("%s, after %d kills:\n%q\nsales %+v\nledger %+v\nboard %+v", w.name, w.kills, broken,
			sales[:min(3, len(sales))], ledger[max(0, len(ledger)-8):], board)
	}
}

// play kills a kiosk so many times, with the n-th story and the n-th trap first.
func (w *world) play(programs string, n, kills int, r *rand.Rand) {
	w.start(programs)
	w.settled()
	outcomes := map[string]int{}
	for ; w.kills < kills; n++ {
		s := stories[n%len(stories)]
		write, call := 1+(7*n)%writesMax, 1+(5*n)%callsMax // all of them, in an order that begins with a mixture
		var what string
		var moments *time.Timer
		switch n % 4 {
		case 0:
			what = fmt.Sprintf("at write %d", write)
			w.trapWrite(write)
		case 1:
			what = fmt.Sprintf("before call %d", call)
			w.trapCall(call, false)
		case 2:
			what = fmt.Sprintf("after call %d", call)
			w.trapCall(call, true)
		case 3:
			moment := time.Duration(r.Int64N(int64(3 * time.Second)))
			what = fmt.Sprintf("after %v", moment.Round(time.Millisecond))
			moments = time.AfterFunc(moment, w.kiosk.Kill)
		}
		err := w.buy(s)
		if moments != nil {
			moments.Stop()
		}
		switch {
		case errors.Is(err, errDead):
			w.recover(programs, r)
		case err != nil:
			w.t.Fatalf("%s, %s, killed %s: %v", w.name, s.name, what, err)
		default: // the sale ended before the trap
			w.kiosk.Kill()
			w.recover(programs, r)
		}
		if all := w.sales(); len(all) > 0 {
			outcomes[all[0].State]++
		}
		if n%10 == 9 {
			w.t.Logf("%s: %d kills, the last %s in a sale that was to be %s; sales so far %v", w.name, w.kills, what,
				s.name, outcomes)
		}
	}
	w.honest()
	w.kiosk.Kill()
	out, err := exec.Command(filepath.Join(programs, "kioskd"), "replay", filepath.Join(w.dir, "journal.db")).
		CombinedOutput()
	if err != nil {
		w.t.Errorf("%s: replay: %v\n%s", w.name, err, out)
	}
	w.t.Logf("%s: %d kills, sales %v; %s", w.name, w.kills, outcomes, out)
}

// honest is a sale in which nothing goes wrong: after all that the machine sells.
func (w *world) honest() {
	if err := w.buy(story{name: "honest"}); err != nil {
		w.t.Fatalf("%s: after %d kills nothing can be sold: %v", w.name, w.kills, err)
	}
	if s := w.sales()[0]; s.State != "charged" || s.Charged != "15.00" {
		w.t.Errorf("%s: after %d kills an honest sale ends %+v", w.name, w.kills, s)
	}
	w.judge()
}

// TestNoKillLosesMoney kills two kiosks of each flow at the same time: they mostly wait.
func TestNoKillLosesMoney(t *testing.T) {
	programs := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", programs, "kioskd/cmd/kioskd", "kioskd/cmd/glasesim").
		CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	kiosks := []string{"reservation", "sticker", "sticker", "reservation"}
	t.Run("flows", func(t *testing.T) {
		for n, flow := range kiosks {
			t.Run(fmt.Sprintf("%s_%d", flow, n), func(t *testing.T) {
				t.Parallel()
				kills := (*killsFlag + len(kiosks) - 1) / len(kiosks)
				newWorld(t, programs, flow).play(programs, n*kills, kills, rand.New(rand.NewPCG(uint64(n), 1)))
			})
		}
	})
}
