package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"kioskd/glase/glasetest"
)

var (
	operations = []string{"sendInvoice", "getPaymentStatus", "updateInvoice", "commitReservation", "cancelInvoice", "refundPayment", "submitPaymentReceipt", "*"}
	// passing are refusals that are over when the rule is.
	passing = []glasetest.Code{48, 90, 93, 94}
	final   = []glasetest.Code{0, 10, 11, 12, 20, 29, 33, 37, 49, 50, 51, 54, 55, 64, 92, 95, 96, 97, 98, 99, 777}
	spoiled = []string{"latency", "lost_request", "lost_answer", "http", "soap_fault", "malformed", "html", "reset", "result_code"}
)

// troubleAtGlase makes Glase behave badly in up to three ways, and go any of the ways that its documentation leaves open.
func (w *world) troubleAtGlase(visit string) {
	w.glaseMu.Lock()
	defer w.glaseMu.Unlock()
	w.rulesEnd()
	f := glasetest.Faults{Seed: w.numbers(visit + "/glase").Uint64()}
	if r, yes := w.maybe(50, visit+"/ways"); yes {
		pick := func(s ...string) string { return s[r.IntN(len(s))] }
		f.Choices = glasetest.Choices{
			AcknowledgedBy: pick("asked", "latest_version"), CancelReserved: pick("accept", "refuse_48", "refuse_51", "ignore"),
			UnaskedCommit: pick("keep", "reverse"), UnaskedReserved: pick("keep", "release"), Notify: pick("all", "paid_only"),
			Refunds: pick("allow", "allow", "allow", "refuse_97", "refuse_99"), TestTerminal: pick("cash_register", "webshop"),
			CanceledSpelling: pick("CANCELED", "CANCELLED"),
		}
		w.diary.note("Glase's ways: %+v", f.Choices)
	}
	for n := range 3 {
		if r, yes := w.maybe(50, fmt.Sprintf("%s/glase %d", visit, n+1)); yes {
			f.Rules = append(f.Rules, w.rule(randomRule(r)))
		}
	}
	if c := f.Choices.Refunds; c != "" && c != "allow" {
		w.harm.met("choice refunds " + c)
		w.refundsEnd = w.harm.begin(refundsChoice)
	}
	w.setFaults(f)
	if r, yes := w.maybe(10, visit+"/outage"); yes {
		w.people.Go(func() { w.outage(r) })
	}
}

// rule notes a rule that is set. Called with glaseMu locked.
func (w *world) rule(rule glasetest.Fault) glasetest.Fault {
	w.harm.met(rule.Fault)
	w.diary.note("Glase will have trouble: %s %s acts=%v delay=%v code=%v skip=%d count=%d p=%.1f", rule.Operation, rule.Fault, rule.Acts,
		time.Duration(rule.Delay), code(rule), rule.Skip, rule.Count, rule.Probability)
	w.armed = append(w.armed, w.harm.begin(ruleKind(rule)))
	return rule
}

// ruleKind is the name of a rule's span.
func ruleKind(rule glasetest.Fault) string {
	switch c := rule.Code; {
	case c == nil:
	case rule.Acts && !lies(*c) && *c != 90 && *c != 94: // those two claim nothing
		return rule.Operation + untrue
	default:
		return fmt.Sprintf("%s says %d", rule.Operation, *c)
	}
	return rule.Operation + " " + rule.Fault
}

// outage is Glase as a whole, or one operation, out of order for minutes.
func (w *world) outage(r *rand.Rand) {
	begin, long := seconds(r, 60), seconds(r, 600)
	rule := glasetest.Fault{Operation: "*", Fault: []string{"result_code", "result_code", "http", "soap_fault", "malformed", "html", "lost_request", "lost_answer", "latency"}[r.IntN(9)]}
	if r.IntN(3) == 0 {
		rule.Operation = operations[r.IntN(len(operations))]
	}
	c := []glasetest.Code{48, 93, 90, 94}[r.IntN(4)]
	switch rule.Fault {
	case "result_code":
		rule.Code = &c
	case "http":
		rule.Status = 503
	case "latency":
		rule.Delay = glasetest.Duration(2*time.Second + seconds(r, 4))
	}
	time.Sleep(begin)
	w.glaseMu.Lock()
	w.harm.met("outage " + rule.Fault)
	f := w.glase.Faults()
	f.Rules = append([]glasetest.Fault{w.rule(rule)}, f.Rules...)
	w.setFaults(f)
	w.glaseMu.Unlock()
	time.Sleep(long)
	w.glaseMu.Lock()
	defer w.glaseMu.Unlock()
	w.diary.note("Glase's outage is over")
	f = w.glase.Faults()
	f.Rules = slices.DeleteFunc(f.Rules, func(o glasetest.Fault) bool { return o.Count == 0 && o.Probability == 0 }) // only outages are for ever and sure
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
	rule.Fault = spoiled[r.IntN(len(spoiled))]
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

// glaseBehaves ends all troubles at Glase. Its ways stay.
func (w *world) glaseBehaves() {
	w.glaseMu.Lock()
	defer w.glaseMu.Unlock()
	w.setFaults(glasetest.Faults{Choices: w.glase.Faults().Choices})
	w.disarm()
}

// rulesEnd ends the spans of what Glase did until now. Called with glaseMu locked.
func (w *world) rulesEnd() {
	w.disarm()
	if w.refundsEnd != nil {
		w.refundsEnd()
		w.refundsEnd = nil
	}
}

// disarm is called with glaseMu locked.
func (w *world) disarm() {
	for _, end := range w.armed {
		end()
	}
	w.armed = nil
}

func (w *world) setFaults(f glasetest.Faults) {
	if err := w.glase.SetFaults(f); err != nil {
		panic(err) // this package made them
	}
}
