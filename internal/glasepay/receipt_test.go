package glasepay

import (
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/money"
)

// TestASubmittedReceiptSaysWhatWasPaid: amount, reference, "Glase payment" and time, which Glase's certification asks
// for, the products with their VAT, and no time by a clock that nobody has set.
func TestASubmittedReceiptSaysWhatWasPaid(t *testing.T) {
	synced := true
	p := Service{Name: "Lobby <1>", Language: "sv", Timezone: time.FixedZone("CET", 3600),
		Wall:   func() time.Time { return time.Date(2026, 11, 27, 11, 30, 5, 0, time.UTC) },
		Synced: func() bool { return synced }}
	c := fsm.Call{Operation: fsm.SubmitReceipt, Sale: "7GQ2K4MX", ErsReference: "1397222701693",
		Total: money.Amount{Minor: 1500, Currency: "SEK"},
		Items: []fsm.Item{{Name: "Vatten & is", Price: money.Amount{Minor: 1500, Currency: "SEK"}, VAT: 12,
			Outcome: fsm.Delivered}}}
	doc := p.receipt(c)
	if doc.MimeType != "text/html" || doc.Type != "receipt" {
		t.Errorf("%+v", doc)
	}
	for _, want := range []string{"Lobby &lt;1&gt;", "Vatten &amp; is", "15,00", "1,61", "Moms 12%", "Glase payment",
		"1397222701693", "2026-11-27 12:30:05 CET", "7GQ2K4MX"} {
		if !strings.Contains(string(doc.Data), want) {
			t.Errorf("%q is missing in\n%s", want, doc.Data)
		}
	}
	synced = false
	if doc = p.receipt(c); strings.Contains(string(doc.Data), "2026") || !strings.Contains(string(doc.Data), "okänd") {
		t.Errorf("a clock that nobody has set tells the time:\n%s", doc.Data)
	}
}
