package protocol

import (
	"encoding/json"
	"testing"
)

func TestNobodyIsAnsweredAtAnothers(t *testing.T) {
	for reply, own := range map[string]bool{
		"_I.A.x": true, "_I.A.x.y": true,
		"": false, "_I.A": false, "_I.A.": false, "_I.AB.x": false, "_I.B.x": false, "have.B": false, "k.B.do": false,
		"_I.A.*": false, "_I.A.>": false, "_INBOX.x": false, "_I.>": false,
	} {
		if OwnInbox("A", reply) != own {
			t.Errorf("%q is A's inbox: %v", reply, !own)
		}
	}
}

func TestOnlyAHubSaysWhatItHolds(t *testing.T) {
	for text, good := range map[string]bool{
		`{"seq":0}`: true, `{"seq":7,"hash":"ab"}`: true, `{"seq":7,"hash":"ab","fork":true}`: true,
		`{"seq":0,"fork":true}`:              true,  // a fork at the first entry
		`{"stream":"JOURNAL","seq":7}`:       false, // the brokers' acknowledgement
		`{"seq":7}`:                          false,
		`{"seq":0,"hash":"ab"}`:              false,
		`{"seq":-1,"hash":"ab"}`:             false,
		`17`:                                 false, // a gateway's clock
		``:                                   false,
		`null x`:                             false,
		`{"seq":7,"hash":"ab"} {}`:           false,
		`{"seq":99999999999999999999999999}`: false,
	} {
		if h, err := ReadHeld([]byte(text)); (err == nil) != good {
			t.Errorf("%s: %+v, %v", text, h, err)
		}
	}
}

func FuzzReadHeld(f *testing.F) {
	f.Add([]byte(`{"seq":7,"hash":"ab","fork":true}`))
	f.Add([]byte(`{"stream":"JOURNAL","seq":7}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ReadHeld(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := ReadHeld(again); err != nil || second != h {
			t.Errorf("%s became %s: %v", b, again, err)
		}
	})
}
