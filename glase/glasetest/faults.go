package glasetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

const (
	// faultsMax bounds the rules of one setting.
	faultsMax = 100
	// delayMax bounds a fault's delay, so that a slip of the pen does not hang a test for a day.
	delayMax = 10 * time.Minute
)

// Duration is a time.Duration that JSON writes as "2.5s".
type Duration time.Duration

// MarshalJSON writes Go's spelling of a duration.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads Go's spelling of a duration.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New(`a delay is written like "2.5s"`)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf(`%q is no delay; write it like "2.5s"`, clip(s))
	}
	*d = Duration(v)
	return nil
}

// Faults is what goes wrong, and which of the undocumented ways Glase goes. The package documentation describes its
// JSON.
type Faults struct {
	Seed    uint64  `json:"seed,omitempty"` // of the probabilities; 0 takes Config.Seed
	Rules   []Fault `json:"rules"`
	Choices Choices `json:"choices"`
	Front   Front   `json:"front,omitzero"` // on connections only: see Serve
}

// Fault is one rule: what goes wrong, with which operation, how often.
type Fault struct {
	// a SOAP operation, "*" for any of them, "confirm", "notification" or "createPurchase"
	Operation   string   `json:"operation"`
	Fault       string   `json:"fault"`                 // what happens; see the package documentation
	Acts        bool     `json:"acts,omitempty"`        // the operation is done all the same, before the fault shows
	Delay       Duration `json:"delay,omitempty"`       // of "latency" and "late"
	Status      int      `json:"status,omitempty"`      // of "http": 400 to 599
	Code        *Code    `json:"code,omitempty"`        // of "result_code"; 0 is a code too
	Skip        int      `json:"skip,omitempty"`        // this many matching calls pass before the rule counts
	Count       int      `json:"count,omitempty"`       // this many times, then the rule is gone; 0 is for ever
	Probability float64  `json:"probability,omitempty"` // of each matching call, above 0 and at most 1; 0 is certainty
}

// Choices are what Glase's documentation leaves open. An empty one takes the default, the first named.
type Choices struct {
	// "asked": any getPaymentStatus acknowledges a payment; "latest_version": only one that carries its version
	AcknowledgedBy string `json:"acknowledged_by"`
	// what cancelInvoice does to a reservation: "accept", "refuse_48", "refuse_51", "ignore" (answers 0)
	CancelReserved  string `json:"cancel_reserved"`
	UnaskedCommit   string `json:"unasked_commit"`   // "keep", or "reverse" 20 s after commitReservation
	UnaskedReserved string `json:"unasked_reserved"` // "keep", or "release" 20 s after the PIN
	Notify          string `json:"notify"`           // "all", or "paid_only"
	// what commitReservation charges: "asked", what it is asked for; "reserved", all that is reserved
	Commits          string `json:"commits"`
	Refunds          string `json:"refunds"`           // "allow", "refuse_97", "refuse_99"
	TestTerminal     string `json:"test_terminal"`     // "cash_register": one invoice at a time; "webshop": many
	CanceledSpelling string `json:"canceled_spelling"` // "CANCELED", or "CANCELLED", which the schema does not know
	// what a clientInvoiceId that was sent before brings: "same_invoice", or "new_invoice" as any other
	ClientInvoiceID string `json:"client_invoice_id"`
}

// The operations that are not SOAP, and the faults that each kind of operation can have.
const (
	opConfirm        = "confirm"
	opNotification   = "notification"
	opCreatePurchase = "createPurchase"
)

// normal fills the defaults in and says what is wrong with the rest.
func (f *Faults) normal() error {
	if len(f.Rules) > faultsMax {
		return fmt.Errorf("more than %d rules", faultsMax)
	}
	if f.Rules = slices.Clone(f.Rules); f.Rules == nil {
		f.Rules = []Fault{}
	}
	for n, r := range f.Rules {
		if err := r.check(); err != nil {
			return fmt.Errorf("rule %d: %w", n+1, err)
		}
	}
	if err := f.Front.check(); err != nil {
		return err
	}
	c := &f.Choices
	for _, choice := range []struct {
		name  string
		value *string
		known []string
	}{
		{"acknowledged_by", &c.AcknowledgedBy, []string{"asked", "latest_version"}},
		{"cancel_reserved", &c.CancelReserved, []string{"accept", "refuse_48", "refuse_51", "ignore"}},
		{"unasked_commit", &c.UnaskedCommit, []string{"keep", "reverse"}},
		{"unasked_reserved", &c.UnaskedReserved, []string{"keep", "release"}},
		{"notify", &c.Notify, []string{"all", "paid_only"}},
		{"commits", &c.Commits, []string{"asked", "reserved"}},
		{"refunds", &c.Refunds, []string{"allow", "refuse_97", "refuse_99"}},
		{"test_terminal", &c.TestTerminal, []string{"cash_register", "webshop"}},
		{"canceled_spelling", &c.CanceledSpelling, []string{"CANCELED", "CANCELLED"}},
		{"client_invoice_id", &c.ClientInvoiceID, []string{"same_invoice", "new_invoice"}},
	} {
		if *choice.value == "" {
			*choice.value = choice.known[0]
		}
		if !slices.Contains(choice.known, *choice.value) {
			return fmt.Errorf("choices.%s is %q; it can be %q", choice.name, clip(*choice.value), choice.known)
		}
	}
	return nil
}

func (r Fault) check() error {
	kinds := []string{"latency", "lost_request", "lost_answer", "http", "soap_fault", "malformed", "html", "reset",
		"result_code", "gzip", otherAnswer, previousAnswer, unproven}
	switch {
	case r.Operation == opConfirm:
		kinds = []string{"latency", "payment_fails"}
	case r.Operation == opNotification || r.Operation == opCreatePurchase:
		kinds = []string{"late", "doubled", "missing"}
	case r.Operation != "*" && !isOperation(r.Operation):
		return fmt.Errorf("operation %q is none of Glase's twelve, nor %q, %q, %q or %q", clip(r.Operation), "*",
			opConfirm, opNotification, opCreatePurchase)
	}
	delayed := r.Fault == "latency" || r.Fault == "late"
	switch {
	case !slices.Contains(kinds, r.Fault):
		return fmt.Errorf("fault %q of %q is none of %q", clip(r.Fault), r.Operation, kinds)
	case delayed != (r.Delay > 0) || r.Delay < 0 || time.Duration(r.Delay) > delayMax:
		return fmt.Errorf("latency and late, and they alone, have a delay of up to %v", delayMax)
	case (r.Fault == "http") != (r.Status != 0) || r.Status != 0 && (r.Status < 400 || r.Status > 599):
		return errors.New("http, and it alone, has a status from 400 to 599")
	case (r.Fault == "result_code") != (r.Code != nil):
		return errors.New("result_code, and it alone, has a code")
	case r.Acts && (r.Fault == "lost_request" || r.Fault != "lost_answer" && slices.Contains(doneFirst, r.Fault) ||
		r.Operation != "*" && !isOperation(r.Operation)):
		return fmt.Errorf("fault %q of %q has no acts", r.Fault, r.Operation)
	case r.Skip < 0 || r.Count < 0 || !(r.Probability >= 0 && r.Probability <= 1):
		return errors.New("skip and count are whole numbers from 0, probability is from 0 to 1")
	}
	return nil
}

// SetFaults replaces everything that was set before; the zero Faults makes Glase behave. Anybody may call it at any
// time, what is under way goes on as it began. The error says what is wrong, and then nothing has changed.
func (g *Glase) SetFaults(f Faults) error {
	if err := f.normal(); err != nil {
		return fmt.Errorf("glasetest: faults: %w", err)
	}
	defer g.enter()()
	g.faults = f
	seed := f.Seed
	if seed == 0 {
		seed = g.cfg.Seed
	}
	g.chance = rand.New(rand.NewPCG(seed, 0))
	return nil
}

// Faults is what is set now, the defaults written out; skip and count are what is left of them, and a rule whose count
// is used up is gone.
func (g *Glase) Faults() Faults {
	defer g.enter()()
	f := g.faults
	f.Rules = slices.Clone(f.Rules)
	return f
}

// draw decides what goes wrong with one call: every latency that fires, and the first other fault that fires. The
// caller holds the lock.
func (g *Glase) draw(operation string) (slow []Fault, wrong *Fault) {
	keep := g.faults.Rules[:0:0]
	for _, r := range g.faults.Rules {
		matches := r.Operation == operation || r.Operation == "*" && isOperation(operation)
		skipped := matches && r.Skip > 0
		if skipped {
			r.Skip--
		}
		fires := matches && !skipped && (r.Fault == "latency" || wrong == nil)
		if fires && r.Probability > 0 && g.chance.Float64() >= r.Probability {
			fires = false
		}
		if fires {
			if fired := r; r.Fault == "latency" {
				slow = append(slow, fired)
			} else {
				wrong = &fired
			}
			if r.Count == 1 {
				continue
			}
			if r.Count > 1 {
				r.Count--
			}
		}
		keep = append(keep, r)
	}
	g.faults.Rules = keep
	return slow, wrong
}

func (g *Glase) serveFaults(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		var f Faults
		if !readJSON(w, r, &f) {
			return
		}
		if err := g.SetFaults(f); err != nil {
			writeJSON(w, http.StatusBadRequest, problem{Code: "BAD_REQUEST", Message: err.Error()})
			return
		}
	}
	writeJSON(w, http.StatusOK, g.Faults())
}
