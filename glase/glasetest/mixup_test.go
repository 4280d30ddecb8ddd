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
	s.faulty(glasetest.Faults{Rules: []glasetest.Fault{{Operation: "getPaymentStatus", Fault: "other_answer", Count: 1}}})
	if r := s.ask(ours, 0); !strings.Contains(r.body, other) || r.text("ersReference") != ers {
		t.Errorf("not the answer about %s: %s", other, r.body)
	}
	if r := s.ask(ours, 0); r.text("status") != string(glasetest.Issued) {
		t.Errorf("the rule was for once: %s", r.body)
	}
	s.faulty(glasetest.Faults{Rules: []glasetest.Fault{{Operation: "cancelInvoice", Fault: "previous_answer", Count: 1}}})
	r, err := s.try("cancelInvoice", asTerminal, "<invoiceReference>"+ours+"</invoiceReference>")
	if err != nil || !strings.Contains(r.body, "getPaymentStatusResponse") {
		t.Errorf("not the answer before: %v, %s", err, r.body)
	}
	s.status(ours, glasetest.Canceled)
}

func TestRulesOfAnswersThatGoAstrayAreChecked(t *testing.T) {
	g := glasetest.New(glasetest.Config{})
	defer g.Close()
	for _, fault := range []string{"other_answer", "previous_answer"} {
		for op, ok := range map[string]bool{"getPaymentStatus": true, "*": true, "confirm": false, "notification": false} {
			if err := g.SetFaults(glasetest.Faults{Rules: []glasetest.Fault{{Operation: op, Fault: fault}}}); (err == nil) != ok {
				t.Errorf("%s of %s: %v", fault, op, err)
			}
		}
		if err := g.SetFaults(glasetest.Faults{Rules: []glasetest.Fault{{Operation: "*", Fault: fault, Acts: true}}}); err == nil {
			t.Errorf("%s takes acts, and always acts", fault)
		}
	}
}
