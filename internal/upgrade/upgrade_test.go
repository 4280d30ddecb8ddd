package upgrade

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/internal/debug/api"
)

func TestWhatTheUnitWroteIsToldAndNothingElse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	if told := Told(file)(); told != nil {
		t.Errorf("nothing was ever changed, and %+v is told", told)
	}
	for text, want := range map[string]api.Upgrade{
		`{"state":"back","from":"1.0.0","to":"1.1.0","why":"not_ready","at":"2026-11-27T03:04:05Z"}` + "\n": {State: Back, From: "1.0.0",
			To: "1.1.0", Why: "not_ready", At: time.Date(2026, 11, 27, 3, 4, 5, 0, time.UTC)},
		"":                       {State: "unknown"}, // the power went
		`{"state":"gone"}`:       {State: "unknown"},
		`{"state":"done"} {}`:    {State: "unknown"},
		`{"state":"done","at":1`: {State: "unknown"},
		`{"state":"done","to":"` + strings.Repeat("1", sizeMax) + `"}`: {State: "unknown"},
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		told := Told(file)()
		if told == nil || want.State == "unknown" && told.Why == "" {
			t.Fatalf("%.50q is told as %+v", text, told)
		}
		if want.State == "unknown" {
			told.Why = ""
		}
		if *told != want {
			t.Errorf("%.50q is told as %+v, want %+v", text, *told, want)
		}
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"state":"done","from":"1.0.0","to":"1.1.0","at":"2026-11-27T03:04:05Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := parse(text); err == nil && s.State == "" {
			t.Errorf("%q says nothing, and is taken", text)
		}
	})
}
