package sim

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"kioskd/glase/glasetest"
	"kioskd/hw/gpio/simboard"
)

// harm is what was done to the kiosk: what may explain a sale that did not go well.
type harm struct {
	refusals  bool            // Glase refused for good, or said something that is not true
	noRefunds bool            // Glase takes none
	hasty     bool            // Glase takes back after 20 s what nobody asked for, commits and reservations included
	flaky     bool            // for as long as a visit took, most questions got no answer
	blind     map[string]bool // slots whose sensor may have missed a product
	stuck     map[string]bool // slots whose sensor may have stuck
	count     map[string]int  // by kind

	mu      sync.Mutex
	killed  bool
	stopped bool          // told to end
	silence time.Duration // the longest time in which no kiosk could talk to Glase
}

func (h *harm) ended(killed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.killed, h.stopped = h.killed || killed, h.stopped || !killed
}

func (h *harm) silent(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silence = max(h.silence, d)
}

// mayDoubt: a person may have to decide after a refusal for good, and after an end without a journal, since the next run cannot
// know what this one did.
func (h *harm) mayDoubt() bool {
	return h.refusals || h.noRefunds || (h.killed || h.stopped) && h.count[journalRefuses] > 0
}

// mayLose: a reservation that ended, or a charge that was taken back, before it could be charged or confirmed is the operator's
// loss. Five minutes are half of a reservation's life.
func (h *harm) mayLose() bool {
	return h.refusals || h.silence > 5*time.Minute || h.hasty && (h.flaky || h.silence > 10*time.Second)
}

const journalRefuses = "journal refuses"

var (
	operations = []string{"sendInvoice", "getPaymentStatus", "updateInvoice", "commitReservation", "cancelInvoice", "refundPayment", "submitPaymentReceipt", "*"}
	// passing are refusals that are over when the rule is.
	passing = []glasetest.Code{48, 90, 93, 94}
	final   = []glasetest.Code{0, 10, 11, 12, 20, 29, 33, 37, 49, 50, 51, 54, 55, 64, 92, 95, 96, 97, 98, 99, 777}
)

// troubleAtGlase makes Glase behave badly in up to three ways, and go any of the ways that its documentation leaves open.
func (w *world) troubleAtGlase(r *rand.Rand) {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	f := glasetest.Faults{Seed: r.Uint64()}
	if r.IntN(2) == 0 {
		f.Choices = glasetest.Choices{
			AcknowledgedBy: pick("asked", "latest_version"), CancelReserved: pick("accept", "refuse_48", "refuse_51", "ignore"),
			UnaskedCommit: pick("keep", "reverse"), UnaskedReserved: pick("keep", "release"), Notify: pick("all", "paid_only"),
			Refunds: pick("allow", "allow", "allow", "refuse_97", "refuse_99"), TestTerminal: pick("cash_register", "webshop"),
			CanceledSpelling: pick("CANCELED", "CANCELLED"),
		}
	}
	w.harm.hasty = w.harm.hasty || f.Choices.UnaskedCommit == "reverse" || f.Choices.UnaskedReserved == "release"
	if c := f.Choices.Refunds; c != "" && c != "allow" {
		w.harm.noRefunds = true
		w.harm.count["choice refunds "+c]++
	}
	for range r.IntN(4) {
		rule := randomRule(r)
		if rule.Fault == "result_code" {
			untrue := rule.Acts && !lies(*rule.Code) && *rule.Code != 90 && *rule.Code != 94 // those two claim nothing
			w.harm.refusals = w.harm.refusals || untrue || slices.Contains(final, *rule.Code)
		}
		w.harm.count[rule.Fault]++
		w.harm.flaky = w.harm.flaky || rule.Probability > 0.5 && (rule.Operation == "getPaymentStatus" || rule.Operation == "*")
		w.diary.note("Glase will have trouble: %s %s acts=%v delay=%v code=%v skip=%d count=%d p=%.1f", rule.Operation, rule.Fault, rule.Acts,
			time.Duration(rule.Delay), code(rule), rule.Skip, rule.Count, rule.Probability)
		f.Rules = append(f.Rules, rule)
	}
	w.choices = f.Choices
	w.setFaults(f)
}

func code(r glasetest.Fault) int {
	if r.Code == nil {
		return -1
	}
	return int(*r.Code)
}

func randomRule(r *rand.Rand) glasetest.Fault {
	delay := glasetest.Duration(time.Duration(200+r.IntN(15000)) * time.Millisecond)
	rule := glasetest.Fault{Skip: r.IntN(4), Count: 1 + r.IntN(6)}
	switch r.IntN(8) {
	case 0:
		rule.Operation, rule.Fault = "confirm", "latency"
		rule.Delay = delay
		return rule
	case 1:
		rule.Operation, rule.Fault, rule.Skip, rule.Count = "confirm", "payment_fails", 0, 1
		return rule
	case 2:
		rule.Operation = []string{"notification", "createPurchase"}[r.IntN(2)]
		rule.Fault = []string{"late", "doubled", "missing"}[r.IntN(3)]
		if rule.Fault == "late" {
			rule.Delay = delay
		}
		return rule
	}
	rule.Operation = operations[r.IntN(len(operations))]
	rule.Fault = []string{"latency", "lost_request", "lost_answer", "http", "soap_fault", "malformed", "html", "reset", "result_code"}[r.IntN(9)]
	rule.Acts = rule.Fault != "lost_request" && rule.Fault != "lost_answer" && r.IntN(2) == 0
	switch rule.Fault {
	case "latency":
		rule.Delay = delay
	case "http":
		rule.Status = []int{400, 401, 403, 404, 429, 500, 502, 503, 504}[r.IntN(9)]
	case "result_code":
		c := passing[r.IntN(len(passing))]
		if r.IntN(3) == 0 {
			c = final[r.IntN(len(final))]
		}
		rule.Code = &c
		if lies(c) {
			rule.Acts = true
		}
	}
	if r.IntN(4) == 0 {
		rule.Count, rule.Probability = 0, 0.1+0.8*r.Float64()
	}
	return rule
}

// lies: "done" and "was done before" are only said here of what was done. No kiosk can see through a lie about a refund.
func lies(c glasetest.Code) bool { return c == 0 || c == 98 }

// troubleAround breaks what stands between the kiosk and the world, for some time that the customers may well meet.
func (w *world) troubleAround(r *rand.Rand) {
	if r.IntN(4) == 0 {
		c := []condition{refused, swallowed}[r.IntN(2)]
		begin, long := seconds(r, 60), seconds(r, 120)
		if r.IntN(4) == 0 {
			long = time.Duration(1+r.IntN(3)) * time.Hour
		}
		w.harm.silent(long)
		w.harm.count["no network"]++
		w.people.Go(func() {
			time.Sleep(begin)
			w.diary.note("the network goes away (%d) for %v", c, long)
			w.net.become(c)
			time.Sleep(long)
			w.net.become(open)
			w.diary.note("the network is back")
		})
	}
	if r.IntN(5) == 0 {
		begin, long, gone := seconds(r, 60), seconds(r, 300), r.IntN(3) == 0
		w.harm.count[journalRefuses]++
		if gone {
			w.harm.silent(long + time.Minute) // until the kiosk tries again
		}
		w.people.Go(func() {
			time.Sleep(begin)
			w.diary.note("the disk is full for %v, gone=%v", long, gone)
			w.store.trouble(true, gone)
			time.Sleep(long)
			w.store.trouble(false, false)
			w.diary.note("the disk is not full any more")
		})
	}
}

// troubleInTheMachine happens between customers: a sensor that breaks while a motor turns is the dispenser's own matter.
func (w *world) troubleInTheMachine(r *rand.Rand) {
	for _, slot := range slots {
		if r.IntN(4) != 0 {
			continue
		}
		fault := []string{simboard.FaultNone, simboard.FaultJam, simboard.FaultNoDrop, simboard.FaultLateDrop, simboard.FaultBounce, simboard.FaultStuckSensor}[r.IntN(6)]
		w.harm.count["machine "+fault]++
		w.harm.blind[slot] = w.harm.blind[slot] || fault == simboard.FaultNoDrop
		w.harm.stuck[slot] = w.harm.stuck[slot] || fault == simboard.FaultStuckSensor
		w.diary.note("board: %s has %s", slot, fault)
		if err := w.board.Fault(slot, fault); err != nil {
			panic(err) // a word of simboard's own
		}
	}
}

// calm is the end of all troubles but Glase's ways, which stay.
func (w *world) calm() {
	w.diary.note("all troubles end")
	w.setFaults(glasetest.Faults{Choices: w.choices})
	w.net.become(open)
	w.store.trouble(false, false)
	for _, slot := range slots {
		if err := w.board.Fault(slot, simboard.FaultNone); err != nil {
			panic(err)
		}
	}
}

func (w *world) setFaults(f glasetest.Faults) {
	if err := w.glase.SetFaults(f); err != nil {
		panic(err) // this package made them
	}
}

// seconds is a random time of up to n seconds, to the nanosecond, so that nothing happens at the same moment as something else.
func seconds(r *rand.Rand, n int) time.Duration {
	return time.Duration(r.Int64N(int64(n)*int64(time.Second))) + 1
}
