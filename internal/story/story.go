// Package story tells what is recorded of a sale as one would tell it to a colleague: to the technician at the machine
// and to the operator at the desk in the same words.
package story

import (
	"encoding/json"
	"fmt"
	"strings"

	"kioskd/fsm"
)

// Line says an event as one would tell it to a colleague: its name, its body, and the state after it or what of the
// state it changed, as the journal has them. An event that a newer program recorded keeps its name.
func Line(name string, body, after json.RawMessage) string {
	event, err := fsm.DecodeEvent(name, body)
	if err != nil {
		return name
	}
	switch e := event.(type) {
	case fsm.Booted:
		if e.Lost != "" {
			return "kioskd started, and records are lost: " + e.Lost
		}
		return "kioskd started"
	case fsm.PurchaseRequested:
		return fmt.Sprintf("a customer scanned: up to %v", e.Amount)
	case fsm.ProductChosen:
		return chosen(e, after)
	case fsm.CancelPressed:
		return "the customer pressed Cancel"
	case fsm.PageLeft:
		return "the page was left by its customer"
	case fsm.RetryPressed:
		return "the customer pressed Try again"
	case fsm.Notified:
		return "Glase notified"
	case fsm.Answered:
		return asked(e)
	case fsm.VendEnded:
		return strings.TrimSuffix(fmt.Sprintf("the product was %s: %s", strings.ReplaceAll(string(e.Outcome), "_", " "),
			e.Why), ": ")
	case fsm.FaultRaised:
		return "fault: " + string(e.Fault.Name)
	case fsm.FaultCleared:
		return "over: " + string(e.Name)
	case fsm.SlotsOpened:
		return "looked at by " + e.By
	case fsm.SaleStopped:
		return "stopped by " + e.By
	case fsm.SaleResolved:
		return e.Verdict.String()
	case fsm.LossAccepted:
		return fmt.Sprintf("%s accepted that records are lost: %s", e.By, e.Reason)
	case fsm.ServiceBegan:
		return begun(e.Service)
	case fsm.StockCounted:
		return counted(e)
	case fsm.PlanogramSet:
		return fmt.Sprintf("%s at the desk wants this sold: %s", e.Planogram.By, e.Planogram.Version)
	case fsm.Commanded:
		where := "desk"
		if e.Command.AtMachine {
			where = "machine"
		}
		order := strings.TrimSpace(strings.ReplaceAll(string(e.Command.Order), "_", " ") + " " + e.Command.Slot)
		return fmt.Sprintf("%s at the %s ordered %s: %s", e.Command.By, where, order, e.Command.Reason)
	case fsm.ServiceEnded:
		return strings.TrimSuffix(strings.TrimSpace("the technician's act has ended "+
			strings.ReplaceAll(string(e.Outcome), "_", " "))+": "+string(e.Why), ": ")
	case fsm.Remembered:
		return "recorded later what was settled while the journal failed"
	case fsm.Ticked:
		return "time ran out"
	}
	return name
}

// chosen says which product was chosen, as the sale has it after that.
func chosen(e fsm.ProductChosen, after json.RawMessage) string {
	var state struct {
		Sale struct {
			Items []fsm.Item `json:"items"`
		} `json:"sale"`
	}
	if json.Unmarshal(after, &state) == nil {
		for _, i := range state.Sale.Items {
			if i.ID == e.Item {
				return fmt.Sprintf("%s chosen, %s for %v", i.Slot, i.Name, i.Price)
			}
		}
	}
	return e.Slot + " chosen"
}

// asked is a call to the payment service and what is known about it.
func asked(e fsm.Answered) string {
	call := string(e.Operation) + ": "
	switch r := e.Result; {
	case r.Kind == fsm.Refused && r.Word != "":
		return call + "refused with " + r.Word
	case r.Kind == fsm.Refused:
		return call + "refused"
	case r.Kind == fsm.NotSent:
		return call + "Glase was not reached"
	case r.Kind == fsm.Misfit:
		return call + "not answered as asked: " + r.Text
	case r.Kind == fsm.ResultUnknown:
		return call + "no answer, outcome unknown"
	case e.Operation == fsm.SendInvoice:
		return call + "invoice " + e.Reference
	case e.Operation == fsm.AskStatus && !e.Amount.IsZero():
		return call + string(e.Status) + " " + e.Amount.String()
	case e.Operation == fsm.AskStatus:
		return call + string(e.Status)
	}
	return call + "done"
}

// begun says a technician's act in words.
func begun(v fsm.Service) string {
	switch v.Act {
	case fsm.TestVend:
		return fmt.Sprintf("%s tests %s: one product", v.By, v.Slot)
	case fsm.PulseRelay:
		return fmt.Sprintf("%s tests the relay of %s for %v", v.By, v.Slot, v.On)
	}
	return fmt.Sprintf("%s asks for %q of %s", v.By, v.Act, v.Slot)
}

// counted says what a technician found in a slot.
func counted(e fsm.StockCounted) string {
	if e.More {
		return fmt.Sprintf("%s counted %s: %+d", e.By, e.Slot, e.Count)
	}
	return fmt.Sprintf("%s counted %s: %d", e.By, e.Slot, e.Count)
}
