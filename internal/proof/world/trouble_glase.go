package world

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"kioskd/glase/glasetest"
)

var (
	// operations are as often as they matter.
	operations = []string{"sendInvoice", "sendInvoice", "getPaymentStatus", "updateInvoice", "updateInvoice",
		"commitReservation", "commitReservation",
		"cancelInvoice", "cancelInvoice", "refundPayment", "refundPayment", "refundPayment", "submitPaymentReceipt",
		"*"}
	// once are the calls that a sale makes once.
	once = []string{"sendInvoice", "sendInvoice", "updateInvoice", "commitReservation", "cancelInvoice",
		"refundPayment"}
	// passing are refusals that are over when the rule is.
	passing = []glasetest.Code{48, 48, 48, 90, 93, 94}
	final   = []glasetest.Code{0, 10, 11, 12, 20, 29, 33, 37, 49, 50, 51, 54, 55, 64, 92, 95, 96, 97, 98, 99, 777}
	// misled are the calls whose answers go astray. Of a refund's answer nobody can know, unless it names another
	// payment.
	misled = []string{"getPaymentStatus", "getPaymentStatus", "sendInvoice", "cancelInvoice", "updateInvoice",
		"commitReservation"}
	spoiled = []string{"latency", "lost_request", "lost_answer", "http", "soap_fault", "malformed", "html", "reset",
		"result_code", "result_code", "result_code"}
)

// troubleAtGlase makes Glase behave badly in up to three ways, and go any of the ways that its documentation leaves
// open.
func (w *world) troubleAtGlase(visit string) {
	w.glaseMu.Lock()
	defer w.glaseMu.Unlock()
	w.rulesEnd()
	f := glasetest.Faults{Seed: w.numbers(visit + "/glase").Uint64()}
	if r, yes := w.maybe(50, visit+"/ways"); yes {
		pick := func(s ...string) string { return s[r.IntN(len(s))] }
		f.Choices = glasetest.Choices{
			AcknowledgedBy: pick("asked", "latest_version"),
			CancelReserved: pick("accept", "refuse_48", "refuse_51", "ignore"),
			UnaskedCommit:  pick("keep", "reverse"), UnaskedReserved: pick("keep", "release"),
			Notify:           pick("all", "paid_only"),
			Refunds:          pick("allow", "allow", "allow", "refuse_97", "refuse_99"),
			TestTerminal:     pick("cash_register", "webshop"),
			CanceledSpelling: pick("CANCELED", "CANCELLED"),
		}
		w.diary.note("Glase's ways: %+v", f.Choices)
	}
	w.forgetful(visit, &f)
	if r, yes := w.maybe(20, visit+"/glase charges all"); yes {
		f.Choices.Commits = "reserved"
		w.harm.met("choice commits reserved")
		w.armed = append(w.armed, w.harm.begin(chargesAll))
		if l := w.running(); l != nil && w.restless && r.IntN(2) == 0 { // while the difference goes back
			l.gate.aimAt("hear refundPayment")
		}
	}
	if r, yes := w.maybe(20, visit+"/slow answers"); yes { // in time, but some after what they speak of
		f.Rules = append(f.Rules, w.rule(glasetest.Fault{Operation: "getPaymentStatus", Fault: "latency",
			Acts: r.IntN(2) == 0, Probability: 0.6,
			Delay: glasetest.Duration(questionMax/2) +
				glasetest.Duration(r.Int64N(int64(questionMax/2-200*time.Millisecond)))}))
	}
	if r, yes := w.maybe(10, visit+"/silence and refusal"); yes { // the refusal says nothing about the call before it
		op := once[r.IntN(len(once))]
		c := final[r.IntN(len(final))]
		if !believable(op, c) || claims(op, c) {
			c = 777
		}
		for _, rule := range []glasetest.Fault{{Operation: op, Fault: "lost_answer", Count: 1},
			{Operation: op, Fault: "result_code", Code: &c, Count: 1 + r.IntN(3)}} {
			f.Rules = append(f.Rules, w.rule(rule))
		}
	}
	// one: what two in a row say that name nothing, nobody can doubt
	if r, yes := w.maybe(20, visit+"/an answer astray"); yes {
		f.Rules = append(f.Rules, w.rule(glasetest.Fault{Operation: misled[r.IntN(len(misled))],
			Fault: []string{"other_answer", "previous_answer"}[r.IntN(2)],
			Skip:  r.IntN(6), Count: 1}))
	}
	for n := range 3 {
		if r, yes := w.maybe(50, fmt.Sprintf("%s/glase %d", visit, n+1)); yes {
			rule := randomRule(r)
			if c := f.Choices.Refunds; rule.Code != nil && *rule.Code == 98 && c != "" && c != "allow" {
				continue // it would say of a refund that was refused that it was made
			}
			f.Rules = append(f.Rules, w.rule(rule))
		}
	}
	if r, yes := w.maybe(10, visit+"/unproven"); yes {
		f.Rules = append(f.Rules, w.rule(glasetest.Fault{Operation: "getPaymentStatus", Fault: "unproven",
			Count: []int{1, 3, 0, 0}[r.IntN(4)]}))
	}
	if r, yes := w.maybe(10, visit+"/gzip"); yes { // the last, so that it takes no other's place
		f.Rules = append(f.Rules, w.rule(glasetest.Fault{Operation: "*", Fault: "gzip",
			Probability: 0.2 + 0.7*r.Float64()}))
	}
	if w.sockets != nil {
		if r, yes := w.maybe(75, visit+"/front"); yes {
			f.Front = w.frontOf(r)
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
	w.diary.note("Glase will have trouble: %s %s acts=%v delay=%v code=%v skip=%d count=%d p=%.1f", rule.Operation,
		rule.Fault, rule.Acts,
		time.Duration(rule.Delay), code(rule), rule.Skip, rule.Count, rule.Probability)
	w.armed = append(w.armed, w.harm.begin(ruleKind(rule)))
	return rule
}

// ruleKind is the name of a rule's span.
func ruleKind(rule glasetest.Fault) string {
	switch c := rule.Code; {
	case c == nil:
	case rule.Acts && !claims(rule.Operation, *c) && *c != 90 && *c != 94: // those two claim nothing
		return rule.Operation + untrue
	default:
		return fmt.Sprintf("%s says %d", rule.Operation, *c)
	}
	return rule.Operation + " " + rule.Fault
}

// outage is Glase as a whole, or one operation, out of order for minutes.
func (w *world) outage(r *rand.Rand) {
	begin, long := seconds(r, 60), seconds(r, 600)
	rule := glasetest.Fault{Operation: "*",
		Fault: []string{"result_code", "result_code", "http", "soap_fault", "malformed", "html", "lost_request",
			"lost_answer", "latency"}[r.IntN(9)]}
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
	// only outages are for ever and sure
	f.Rules = slices.DeleteFunc(f.Rules, func(o glasetest.Fault) bool { return o.Count == 0 && o.Probability == 0 })
	w.setFaults(f)
}

func code(r glasetest.Fault) int {
	if r.Code == nil {
		return -1
	}
	return int(*r.Code)
}

// latencyMax is longer than any call takes until Glase does it.
const latencyMax = 16 * time.Second

func randomRule(r *rand.Rand) glasetest.Fault {
	delay := glasetest.Duration(time.Duration(200+r.IntN(15000)) * time.Millisecond)
	rule := glasetest.Fault{Skip: max(0, r.IntN(8)-4), Count: 1 + r.IntN(6)} // most calls are made once in a sale
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
	if rule.Operation == "getPaymentStatus" { // a sale has many
		rule.Skip = r.IntN(16)
	}
	if r.IntN(3) == 0 { // longer than a call's own patience
		rule.Count += 10
	}
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
		if !believable(rule.Operation, c) {
			c = 777
		}
		switch {
		case claims(rule.Operation, c):
			rule.Acts = true
		case (c == 48 || c == 93) && (rule.Operation == "refundPayment" || rule.Operation == "*"):
			rule.Acts = false // who believes "not now" refunds a part again
		}
	}
	if r.IntN(4) == 0 {
		rule.Count, rule.Probability = 0, 0.1+0.8*r.Float64()
	}
	return rule
}

// claims: "done" and, of a refund, "was done before" are only said here of what was tried.
func claims(op string, c glasetest.Code) bool {
	return c == 0 || c == 98 && (op == "refundPayment" || op == "*")
}

// believable: no kiosk can see through "cancelled" about an invoice that is paid, or "done" about what Glase refused.
// Of an answer that should carry something else, "done" alone says nothing.
func believable(op string, c glasetest.Code) bool {
	switch c {
	case 0:
		return op == "sendInvoice" || op == "getPaymentStatus"
	case 55, 95:
		return op != "cancelInvoice" && op != "*"
	}
	return true
}

// glaseBehaves ends all troubles at Glase. Its ways stay.
func (w *world) glaseBehaves() {
	w.glaseMu.Lock()
	defer w.glaseMu.Unlock()
	w.setFaults(glasetest.Faults{Choices: w.glase.Faults().Choices})
	w.disarm()
}

// loseAnAnswer is nothing: one question of many, and a notification that does not come.
func (w *world) loseAnAnswer() {
	w.glaseMu.Lock()
	defer w.glaseMu.Unlock()
	w.setFaults(glasetest.Faults{Choices: w.glase.Faults().Choices, Rules: []glasetest.Fault{
		{Operation: "getPaymentStatus", Fault: "lost_answer", Count: 1},
		{Operation: "notification", Fault: "missing", Count: 1},
	}})
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
