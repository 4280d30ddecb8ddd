package protocol

import "testing"

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
