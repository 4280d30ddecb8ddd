package collect

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
	"kioskd/internal/proof/await"
)

// TestTheBrokerKeepsWhatTheDatabaseHasNot: a kiosk's card may break right after the sale, and the entry that is on its
// way is then the only one that there is.
func TestTheBrokerKeepsWhatTheDatabaseHasNot(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if !w.store.Postgres() {
			return
		}
		w.do(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''a test''; END'`,
			`CREATE CONSTRAINT TRIGGER spoil AFTER UPDATE OF seq ON machines DEFERRABLE INITIALLY DEFERRED `+
				`FOR EACH ROW EXECUTE FUNCTION fail()`)
		w.collector("hub1")
		k := w.kiosk("K1")
		k.sell(3)
		await.Until(t, "the database refuses the entries", func() bool { return w.alarms("K1", store.Unwritten) > 0 })
		js, err := jetstream.New(w.nc)
		if err != nil {
			t.Fatal(err)
		}
		await.Until(t, "the broker has all of them", func() bool {
			s, err := js.Stream(t.Context(), protocol.Stream)
			if err != nil {
				return false
			}
			return s.CachedInfo().State.Msgs >= uint64(k.last(t))
		})
		w.do("DROP TRIGGER spoil ON machines")
		w.arrived(k)
	})
}
