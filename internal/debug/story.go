package debug

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
)

// storyMax bounds a story's lines; a sale of many products has some fifty.
const storyMax = 400

// story answers what happened in a sale, line by line, oldest first: 404 for a sale that the journal does not know.
func (p *port) story(w http.ResponseWriter, r *http.Request) {
	var entries []journal.Entry
	err := p.read(r.Context(), func(ctx context.Context) (err error) {
		entries, err = p.Sales.Entries(ctx, r.PathValue("id"))
		return err
	})
	switch {
	case err != nil:
		p.Log.Warn().Err(err).Msg("a technician could not be shown a sale")
		refuse(w, http.StatusServiceUnavailable, "the sale cannot be read: "+err.Error())
		return
	case len(entries) == 0:
		refuse(w, http.StatusNotFound, noSale)
		return
	}
	lines := []api.Line{}
	for _, e := range entries[max(0, len(entries)-storyMax):] {
		lines = append(lines, api.Line{Seq: e.Seq, Time: e.Wall, Event: e.Event, Text: inWords(e)})
	}
	answer(w, http.StatusOK, lines)
}

// inWords says an event as one would tell it to a colleague. An event that a newer program recorded keeps its name.
func inWords(entry journal.Entry) string {
	event, err := fsm.DecodeEvent(entry.Event, entry.Body)
	if err != nil {
		return entry.Event
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
		return chosen(e, entry.After)
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
	case fsm.ServiceEnded:
		return strings.TrimSuffix(strings.TrimSpace("the technician's act has ended "+
			strings.ReplaceAll(string(e.Outcome), "_", " "))+": "+string(e.Why), ": ")
	case fsm.Remembered:
		return "recorded later what was settled while the journal failed"
	case fsm.Ticked:
		return "time ran out"
	}
	return entry.Event
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
