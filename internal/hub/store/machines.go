package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"kioskd/internal/fleet/protocol"
)

// Held is what is here of a kiosk's journal; zero for a kiosk that nobody knows.
func (s *Store) Held(ctx context.Context, kiosk string) (held protocol.Held, err error) {
	var hash []byte
	err = s.db.QueryRowContext(ctx, "SELECT seq, hash, forked IS NOT NULL FROM machines WHERE kiosk = $1 "+
		"AND retired IS NULL", kiosk).Scan(&held.Seq, &hash, &held.Fork)
	if errors.Is(err, sql.ErrNoRows) {
		return protocol.Held{}, nil
	}
	held.Hash = hex.EncodeToString(hash)
	return held, wrap(err)
}

// HeldMax is how many kiosks one answer of HeldAfter names at most.
const HeldMax = 1000

// KioskHeld is what is here of one kiosk's journal.
type KioskHeld struct {
	Kiosk string
	protocol.Held
}

// HeldAfter gives the same of the kiosks whose ids come after one, in their order, at most HeldMax.
func (s *Store) HeldAfter(ctx context.Context, kiosk string) ([]KioskHeld, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT kiosk, seq, hash, forked IS NOT NULL FROM machines WHERE kiosk > $1 "+
		"AND retired IS NULL ORDER BY kiosk LIMIT $2", kiosk, HeldMax)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	var all []KioskHeld
	for rows.Next() {
		var k KioskHeld
		var hash []byte
		if err := rows.Scan(&k.Kiosk, &k.Seq, &hash, &k.Fork); err != nil {
			return nil, wrap(err)
		}
		k.Hash = hex.EncodeToString(hash)
		all = append(all, k)
	}
	return all, wrap(rows.Err())
}

// Replace retires a kiosk's machine: the next entry begins a new row, from its journal's first entry on. It is how a
// person decides on a fork, and how a new card takes an old one's place; what the old one sold stays on record.
func (s *Store) Replace(ctx context.Context, kiosk string, now time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error { return retire(ctx, tx, kiosk, now) })
}

func retire(ctx context.Context, tx *sql.Tx, kiosk string, now time.Time) error {
	_, err := tx.ExecContext(ctx, "UPDATE machines SET retired = $1 WHERE kiosk = $2 AND retired IS NULL",
		now.UnixMilli(), kiosk)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE alarms SET ended = $1, by = 'replaced' WHERE kiosk = $2 AND kind = $3 "+
		"AND ended IS NULL", now.UnixMilli(), kiosk, Forked)
	return err
}

// pulseAge is how long a hub's row is kept that is not heard of, in milliseconds.
const pulseAge = 24 * 60 * 60 * 1000

// Beat is what Pulse found: the hub's own count, and which database it is in.
type Beat struct {
	N     int64
	Place string // another one after each start of the server, and in each database; "" for SQLite
}

// Follows reports whether nothing became of the database since an earlier beat. It may have been put back, made anew
// or started again, and then it may hold less than it did.
func (b Beat) Follows(earlier Beat) bool { return b.N == earlier.N+1 && b.Place == earlier.Place }

// Pulse counts a hub's own row up.
func (s *Store) Pulse(ctx context.Context, hub string, now time.Time) (b Beat, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM pulse WHERE last < $1", now.UnixMilli()-pulseAge); err != nil {
			return err
		}
		if s.postgres {
			if err := tx.QueryRowContext(ctx, "SELECT oid::text || ' ' || pg_postmaster_start_time()::text "+
				"FROM pg_database WHERE datname = current_database()").Scan(&b.Place); err != nil {
				return err
			}
		}
		return tx.QueryRowContext(ctx, "INSERT INTO pulse (hub, n, last) VALUES ($1, 1, $2) ON CONFLICT (hub) "+
			"DO UPDATE SET n = pulse.n + 1, last = excluded.last RETURNING n", hub, now.UnixMilli()).Scan(&b.N)
	})
	return b, err
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}
