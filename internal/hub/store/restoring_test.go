package store

import (
	"errors"
	"testing"

	"kioskd/internal/proof/postgres"
)

// TestNothingIsWrittenIntoADatabaseThatIsBeingRestored: pg_restore makes the tables first and their keys last. A month
// that a hub made between the two would stay without a key.
func TestNothingIsWrittenIntoADatabaseThatIsBeingRestored(t *testing.T) {
	s := opened(t, postgres.Start(t).DSN())
	m := machineOf(t)
	m.Sell()
	all := copies(t, m, 0)
	do := func(statement string) {
		t.Helper()
		if _, err := s.db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	do("ALTER TABLE entries DROP CONSTRAINT entries_pkey")
	if _, _, err := s.Take(t.Context(), "K1", all, noon); !errors.Is(err, errRestoring) {
		t.Fatalf("without the key: %v", err)
	}
	do("ALTER TABLE ONLY entries ADD CONSTRAINT entries_pkey PRIMARY KEY (machine, seq, month)") // as pg_restore does
	if f := take(t, s, "K1", all); f[Written] != len(all) {
		t.Fatal(f)
	}
	var keys int
	if err := s.db.QueryRow("SELECT count(*) FROM pg_index WHERE indisprimary AND indisvalid AND " +
		"indrelid = to_regclass('entries_202611')").Scan(&keys); err != nil || keys != 1 {
		t.Errorf("the month has %d keys, %v", keys, err)
	}
}
