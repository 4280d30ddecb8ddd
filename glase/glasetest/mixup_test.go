package glasetest_test

import (
	"strings"
	"testing"

	"kioskd/glase/glasetest"
)

func TestAnswersGoAstrayAsAskedAndOperationsAreDone(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	other, ers := s.paid("a", "15.00")
	s.ask(other, 0)
	ours := s.send("IMMEDIATE_DEBIT", "b", "22.50", "")
	s.faulty(glasetest.Faults{Rules: []glasetest.Fault{
		{Operation: "getPaymentStatus", Fault: "other_answer", Count: 1}}})
	if r := s.ask(ours, 0); !strings.Contains(r.body, other) || r.text("ersReference") != ers {
		t.Errorf("not the answer about %s: %s", other, r.body)
	}
	if r := s.ask(ours, 0); r.text("status") != string(glasetest.Issued) {
		t.Errorf("the rule was for once: %s", r.body)
	}
	s.faulty(glasetest.Faults{Rules: []glasetest.Fault{
		{Operation: "cancelInvoice", Fault: "previous_answer", Count: 1}}})
	r, err := s.try("cancelInvoice", asTerminal, "<invoiceReference>"+ours+"</invoiceReference>")
	if err != nil || !strings.Contains(r.body, "getPaymentStatusResponse") {
		t.Errorf("not the answer before: %v, %s", err, r.body)
	}
	s.status(ours, glasetest.Canceled)
}

// TestAnUnprovenPaymentIsPaidAllTheSame: something is missing in each answer, not always the same, and in none before
// the payment.
func TestAnUnprovenPaymentIsPaidAllTheSame(t *testing.T) {
	s := newStranger(t, glasetest.Config{Seed: 1})
	ref, ers := s.paid("a", "22.50")
	s.faulty(glasetest.Faults{Rules: []glasetest.Fault{{Operation: "getPaymentStatus", Fault: "unproven"}}})
	missing := map[string]int{}
	for range 30 {
		r := s.ask(ref, 0)
		switch {
		case r.text("status") != string(glasetest.Paid):
			t.Fatalf("not PAID: %s", r.body)
		case !strings.Contains(r.body, "<receipt>"):
			missing["receipt"]++
		case r.text("ersReference") != ers:
			missing["reference"]++
		case strings.Contains(r.body, "<totalAmount><currency>EUR<"):
			missing["currency"]++
		default:
			t.Fatalf("nothing is missing: %s", r.body)
		}
	}
	if len(missing) != 3 {
		t.Errorf("missing were %v", missing)
	}
	if r := s.ask(s.send("IMMEDIATE_DEBIT", "b", "15.00", ""), 0); r.text("status") != string(glasetest.Issued) {
		t.Errorf("before the payment: %s", r.body)
	}
	s.faulty(glasetest.Faults{})
	s.status(ref, glasetest.Paid)
}

func TestRulesOfAnswersThatGoAstrayAreChecked(t *testing.T) {
	g := glasetest.New(glasetest.Config{})
	defer g.Close()
	for _, fault := range []string{"other_answer", "previous_answer", "unproven"} {
		for op, ok := range map[string]bool{"getPaymentStatus": true, "*": true, "confirm": false,
			"notification": false} {
			rule := glasetest.Fault{Operation: op, Fault: fault}
			if err := g.SetFaults(glasetest.Faults{Rules: []glasetest.Fault{rule}}); (err == nil) != ok {
				t.Errorf("%s of %s: %v", fault, op, err)
			}
		}
		if err := g.SetFaults(glasetest.Faults{
			Rules: []glasetest.Fault{{Operation: "*", Fault: fault, Acts: true}}}); err == nil {
			t.Errorf("%s takes acts, and always acts", fault)
		}
	}
}
