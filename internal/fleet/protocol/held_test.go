package protocol

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestWhatIsHeldIsBelievedOnlyWithItsHash(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, good := range []Held{{}, {Seq: 7, Hash: hash}, {Seq: 7, Hash: hash, Fork: true}, {Fork: true}} {
		text, err := json.Marshal(good)
		if err != nil {
			t.Fatal(err)
		}
		if h, err := ReadHeld(text); err != nil || h != good {
			t.Errorf("%s: %+v, %v", text, h, err)
		}
	}
	for _, bad := range []string{
		"", "7", `{"seq":-1}`, `{"seq":7}`, `{"seq":7,"hash":"ab"}`, `{"seq":7,"hash":"` + strings.Repeat("xy", 32) + `"}`,
		`{"seq":7.5,"hash":"` + hash + `"}`, `{"seq":1,"hash":"` + hash + `"}` + strings.Repeat(" ", heldMax),
		`{"stream":"JOURNAL","seq":7}`, // the brokers' acknowledgement
		`{"stream":"JOURNAL","seq":7,"hash":"` + hash + `"}`, `{"seq":0,"hash":"` + hash + `"}`, "17",
		`{"seq":7,"hash":"` + hash + `"} {}`,
	} {
		if h, err := ReadHeld([]byte(bad)); err == nil {
			t.Errorf("%.60q was taken for %+v", bad, h)
		}
	}
}

func FuzzReadHeld(f *testing.F) {
	f.Add([]byte(`{"stream":"JOURNAL","seq":7}`))
	f.Add([]byte(`{"seq":7,"hash":"` + strings.Repeat("ab", 32) + `","fork":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ReadHeld(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ReadHeld(text); err != nil || again != h {
			t.Fatalf("%s becomes %+v, %v", text, again, err)
		}
	})
}
