package member

import (
	"cmp"
	"strings"

	"kioskd/internal/debug/api"
	"kioskd/internal/fleet/protocol"
)

// noteMax bounds a note of the books as it is told, in bytes.
const noteMax = 300

// balanced gives the last period's books once they have ended, as the fleet is told of them.
func balanced(last func() (api.Report, bool)) func() *protocol.ConditionBooks {
	if last == nil {
		return nil
	}
	return func() *protocol.ConditionBooks {
		r, is := last()
		if !is || r.Step != api.ReportDone && r.Step != api.ReportFailed {
			return nil
		}
		b := &protocol.ConditionBooks{Number: r.Number, Ended: r.Ended.UTC(), Problem: short(r.Problem),
			Verdicts: r.Verdicts}
		open := r.Open()
		for _, v := range open[:min(len(open), protocol.BooksMax)] {
			b.Open = append(b.Open, protocol.ConditionVerdict{Sale: short(cmp.Or(v.Sale, v.ErsReference)),
				Verdict: short(v.Verdict), Note: short(v.Note)})
		}
		return b
	}
}

func short(text string) string { return strings.ToValidUTF8(text[:min(len(text), noteMax)], "") }
