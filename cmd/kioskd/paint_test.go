package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"kioskd/internal/debug/api"
)

// TestColourChangesNoWordAndNoColumn: what is told in colour is the same, in the same places, as without.
func TestColourChangesNoWordAndNoColumn(t *testing.T) {
	s := standing{
		Status: api.Status{Phase: "idle", Step: "out_of_service", Reason: "charge_refused"},
		InDoubt: []api.Sale{{ID: "7GQ2K4MX", Note: "updateInvoice refused with code 11", Ended: time.Now(),
			Items: []api.Item{{Slot: "A1", Price: "15.00", Outcome: "delivered"}}}},
		Health: []api.Part{{Name: "Glase", OK: true, What: "answers", Since: time.Now()},
			{Name: "Clock", What: "stands in 1970", Do: "let the machine reach a time server"}},
		Pins: []api.Pin{{Name: "GPIO26", Role: "door", Level: "high", Active: true, Means: "open"},
			{Name: "GPIO5", Role: "A1 button", Level: "high", Means: "free"}},
	}
	var coloured, bare bytes.Buffer
	if err := s.tell(&coloured, true); err != nil {
		t.Fatal(err)
	}
	if err := s.tell(&bare, false); err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`\x1b\[\d+m`)
	trim := func(s string) string { return regexp.MustCompile(`(?m) +$`).ReplaceAllString(s, "") }
	if got := trim(codes.ReplaceAllString(coloured.String(), "")); got != trim(bare.String()) {
		t.Errorf("in colour:\n%s\nwithout:\n%s", got, bare.String())
	}
	for _, want := range []string{red + "Sale 7GQ2K4MX stands in doubt", red + "[idle]", green + "well", yellow +
		"look", cyan + "open"} {
		if !strings.Contains(coloured.String(), want) {
			t.Errorf("no %q in\n%q", want, coloured.String())
		}
	}
	if painting(&bare) {
		t.Error("a file is painted")
	}
}
