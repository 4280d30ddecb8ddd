package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// months makes the partition of a month before its first entry. In SQLite there are none.
type months struct {
	mu   sync.Mutex
	made map[int]bool
}

// monthOf numbers a month: 202611.
func monthOf(now time.Time) int {
	now = now.UTC()
	return now.Year()*100 + int(now.Month())
}

// month makes sure that entries can be written that come now.
func (s *Store) month(ctx context.Context, now time.Time) (int, error) {
	m := monthOf(now)
	if !s.postgres {
		return m, nil
	}
	s.months.mu.Lock()
	defer s.months.mu.Unlock()
	if s.months.made[m] {
		return m, nil
	}
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		// two hubs at once: IF NOT EXISTS alone does not keep the second from failing
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(1802399603)"); err != nil {
			return err
		}
		if err := whole(ctx, tx); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", fmt.Sprintf("entries_%d", m)).
			Scan(&there); err != nil || there {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("CREATE TABLE entries_%d PARTITION OF entries FOR VALUES IN (%d)", m,
			m))
		return err
	})
	if err != nil {
		return 0, err
	}
	if s.months.made == nil {
		s.months.made = map[int]bool{}
	}
	s.months.made[m] = true
	return m, nil
}

// errRestoring is of a database whose tables are there without the key that keeps an entry from being written twice:
// pg_restore makes it last. A month that was made before it would never have one, and nobody would be told.
var errRestoring = errors.New("the table entries has no valid primary key: a backup is being put back, or that was " +
	"broken off; begin it again")

// whole finds whether a restore of the database is still under way.
func whole(ctx context.Context, tx *sql.Tx) error {
	var valid bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = to_regclass('entries') "+
		"AND indisprimary AND indisvalid)").Scan(&valid); err != nil {
		return err
	}
	if !valid {
		return errRestoring
	}
	return nil
}

// forget has the next entry look again: a database that was restored may have no such month.
func (s *Store) forget() {
	s.months.mu.Lock()
	defer s.months.mu.Unlock()
	s.months.made = nil
}
