package want

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/broker"
)

// TestAnOlderWishIsNotTakenAfterANewerOne: a server whose copy lags behind, also over another connection; but what is
// read so again and again is what the desk has, whose database was put back.
func TestAnOlderWishIsNotTakenAfterANewerOne(t *testing.T) {
	nc, err := nats.Connect("nats://" + broker.Plain(t).Address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: protocol.Wanted})
	if err != nil {
		t.Fatal(err)
	}
	d := New(Config{ID: "K1"})
	read := func(version int64, even bool) (late bool, has int64) {
		t.Helper()
		data, err := json.Marshal(protocol.Want{Version: version})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kv.Put(t.Context(), protocol.WantedOf("K1"), data); err != nil {
			t.Fatal(err)
		}
		late, err = (&reading{d: d, nc: nc}).read(t.Context(), even)
		if err != nil {
			t.Fatal(err)
		}
		return late, d.wishes.machine.Version
	}
	for _, c := range []struct {
		version int64
		even    bool
		late    bool
		has     int64
	}{{8, false, false, 8}, {9, false, false, 9}, {8, false, true, 9}, {9, false, false, 9}, {8, true, false, 8},
		{8, false, false, 8}} {
		if late, has := read(c.version, c.even); late != c.late || has != c.has {
			t.Errorf("version %d, %v: late is %v, and %d is wanted", c.version, c.even, late, has)
		}
	}
}
