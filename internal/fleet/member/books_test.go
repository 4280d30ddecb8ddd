package member

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kioskd/internal/debug/api"
	"kioskd/internal/fleet/protocol"
)

func TestTheFleetIsToldOfBooksThatHaveEnded(t *testing.T) {
	if balanced(nil) != nil {
		t.Error("a machine without books tells of some")
	}
	for _, step := range []string{"", api.ReportWaits} {
		if b := balanced(func() (api.Report, bool) { return api.Report{Step: step}, step != "" })(); b != nil {
			t.Errorf("of the step %q is told %+v", step, b)
		}
	}
	r := api.Report{Step: api.ReportDone, Number: 7, Ended: time.Date(2026, 11, 27, 6, 0, 0, 0, time.UTC),
		Verdicts: map[string]int{"settled": 61, "missing_here": 1, "amount_differs": 40}}
	r.Sales = append(r.Sales, api.Balance{Sale: "S", Verdict: "settled"}, api.Balance{ErsReference: "E",
		Verdict: "missing_here"})
	for range 40 {
		r.Sales = append(r.Sales, api.Balance{Sale: strings.Repeat("x", 999), Verdict: "amount_differs",
			Note: strings.Repeat("å", 999)})
	}
	b := balanced(func() (api.Report, bool) { return r, true })()
	if b == nil || b.Number != 7 || len(b.Open) != protocol.BooksMax ||
		b.Open[0] != (protocol.ConditionVerdict{Sale: "E",
			Verdict: "missing_here"}) || b.Verdicts["settled"] != 61 {
		t.Errorf("%+v", b)
	}
	text, err := json.Marshal(b)
	if err != nil || len(text) > protocol.ConditionMax/2 {
		t.Errorf("they take %d bytes of a condition, %v", len(text), err)
	}
}
