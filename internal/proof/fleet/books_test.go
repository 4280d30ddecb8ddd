package fleet

import (
	"strings"
	"testing"
)

// TestEachDifferenceBetweenTheRecordsIsTold: one öre, a reservation that stands, an entry that lacks, and so on.
func TestEachDifferenceBetweenTheRecordsIsTold(t *testing.T) {
	agreed := func() *Books {
		b := NewBooks()
		if err := b.ReadLedger([]Movement{
			{"t1", "r1", "reserve", "50.00", "SEK"}, {"t1", "r1", "charge", "15.00", "SEK"},
			{"t1", "r1", "release", "35.00", "SEK"}, {"t1", "r2", "reserve", "50.00", "SEK"},
			{"t1", "r2", "release", "50.00", "SEK"},
		}); err != nil {
			t.Fatal(err)
		}
		b.Journals = map[string]int64{"r1": 1500, "r2": 0}
		b.Database = map[string]int64{"r1": 1500, "r2": 0}
		b.Machines = map[string]string{"r1": "K1", "r2": "K1"}
		b.Fell["K1"] = 1500
		chain := []Link{{1, []byte("a")}, {2, []byte("b")}}
		b.Entries["K1"] = Chains{chain, append([]Link(nil), chain...)}
		return b
	}
	if said := agreed().Differences(); said != nil {
		t.Fatalf("records that agree differ: %q", said)
	}
	for want, change := range map[string]func(*Books){
		"the database 14.99":           func(b *Books) { b.Database["r1"]-- },
		"the journal 15.01":            func(b *Books) { b.Journals["r1"]++ },
		"Glase's ledger says 15.00":    func(b *Books) { b.Ledger["r3"] = 1500 },
		"is still reserved":            func(b *Books) { b.Held["r2"] = 5000 },
		"what fell out of it is worth": func(b *Books) { b.Fell["K1"] = 3000 },
		"the database lacks entry 2": func(b *Books) {
			b.Entries["K1"] = Chains{b.Entries["K1"].Journal, b.Entries["K1"].Database[:1]}
		},
		"the database has an entry 2": func(b *Books) {
			b.Entries["K1"] = Chains{b.Entries["K1"].Journal[:1], b.Entries["K1"].Database}
		},
		"another hash":                     func(b *Books) { b.Entries["K1"].Database[1].Hash = []byte("c") },
		"the database has 1":               func(b *Books) { b.Entries["K1"].Database[1].Seq = 1 },
		"which the machine has not":        func(b *Books) { b.Entries["K2"] = Chains{nil, []Link{{1, nil}}} },
		"the database lacks entry 1 and w": func(b *Books) { b.Entries["K2"] = Chains{[]Link{{1, nil}}, nil} },
	} {
		b := agreed()
		change(b)
		if said := strings.Join(b.Differences(), "\n"); !strings.Contains(said, want) {
			t.Errorf("nobody said %q, but %q", want, said)
		}
	}
}
