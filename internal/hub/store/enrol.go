package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Enrolment is a one-time code's meaning.
type Enrolment struct {
	Kiosk string
	Group string // "": as it is
	Name  string // "": as it is
	Anew  bool   // another card takes the machine's place: what the old one sold stays on record, under its own number
	By    string // who made the code
}

// Why a code is not taken.
var (
	ErrCode        = errors.New("no such code")
	ErrCodeUsed    = errors.New("the code was used, by another key")
	ErrCodeExpired = errors.New("the code is too old")
	ErrCodeOther   = errors.New("the code is another machine's")
	ErrKeyTaken    = errors.New("the key is another machine's")
	ErrKeyRevoked  = errors.New("the key was shut out")
)

// codesKept is how long it stays on record who used which code, in milliseconds.
const codesKept = 365 * 24 * 60 * 60 * 1000

// AddEnrolment writes a new code down, as a hash alone. Codes that were made for the same kiosk and not used are void.
func (s *Store) AddEnrolment(ctx context.Context, code string, e Enrolment, now, expires time.Time) error {
	hash := sha256.Sum256([]byte(code))
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM enrolments WHERE kiosk = $1 AND used IS NULL OR made < $2",
			e.Kiosk, now.UnixMilli()-codesKept); err != nil {
			return err
		}
		if err := group(ctx, tx, e.Group, now); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO enrolments (hash, kiosk, grp, name, anew, by, made, expires) "+
			"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", hash[:], e.Kiosk, e.Group, e.Name, bit(e.Anew), e.By,
			now.UnixMilli(), expires.UnixMilli())
		return err
	})
}

func group(ctx context.Context, tx *sql.Tx, name string, now time.Time) error {
	if name == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO groups (name, made) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name,
		now.UnixMilli())
	return err
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Enrol gives the machine of a code its key, once: the same key may come again with it, since its answer may have been
// lost. The key that the machine had is shut out. id is the kiosk's own word for its id; "" is none. The error is one
// of those above, or the database's; nothing is written then.
func (s *Store) Enrol(ctx context.Context, code, key, id string, now time.Time) (e Enrolment, err error) {
	hash := sha256.Sum256([]byte(code))
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var anew int
		var expires int64
		var used sql.NullInt64
		var by string
		err := tx.QueryRowContext(ctx, "SELECT kiosk, grp, name, anew, by, expires, used, key FROM enrolments "+
			"WHERE hash = $1"+s.locked(), hash[:]).Scan(&e.Kiosk, &e.Group, &e.Name, &anew, &e.By, &expires, &used, &by)
		e.Anew = anew == 1
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrCode
		case err != nil:
			return err
		case id != "" && id != e.Kiosk:
			return ErrCodeOther
		case used.Valid && by != key:
			return ErrCodeUsed
		case now.UnixMilli() >= expires:
			return ErrCodeExpired
		}
		if err := free(ctx, tx, key, e.Kiosk); err != nil || used.Valid {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE enrolments SET used = $1, key = $2 WHERE hash = $3",
			now.UnixMilli(), key, hash[:]); err != nil {
			return err
		}
		return s.place(ctx, tx, e, key, now)
	})
	return e, err
}

// free finds whether a key may become a kiosk's.
func free(ctx context.Context, tx *sql.Tx, key, kiosk string) error {
	for _, c := range []struct {
		query string
		args  []any
		is    error
	}{
		{"SELECT 1 FROM revoked WHERE key = $1", []any{key}, ErrKeyRevoked},
		{"SELECT 1 FROM machines WHERE key = $1 AND kiosk <> $2 AND retired IS NULL", []any{key, kiosk}, ErrKeyTaken},
	} {
		var one int
		err := tx.QueryRowContext(ctx, c.query, c.args...).Scan(&one)
		if err == nil {
			return c.is
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

// place gives a kiosk's row the key, or makes it.
func (s *Store) place(ctx context.Context, tx *sql.Tx, e Enrolment, key string, now time.Time) error {
	if err := shutOut(ctx, tx, e.Kiosk, "enrolled again", key, now); err != nil {
		return err
	}
	if e.Anew {
		// a new row has the name and the group of the old one, unless the code says otherwise
		err := tx.QueryRowContext(ctx, "SELECT COALESCE(NULLIF(CAST($1 AS TEXT), ''), grp), "+
			"COALESCE(NULLIF(CAST($2 AS TEXT), ''), name) FROM machines WHERE kiosk = $3 AND retired IS NULL",
			e.Group, e.Name, e.Kiosk).Scan(&e.Group, &e.Name)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := retire(ctx, tx, e.Kiosk, now); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO machines (kiosk, name, grp, key, made) VALUES ($1, $2, $3, $4, $5) "+
		"ON CONFLICT (kiosk) WHERE retired IS NULL DO UPDATE SET key = excluded.key, "+
		"name = COALESCE(NULLIF(excluded.name, ''), machines.name), "+
		"grp = COALESCE(NULLIF(excluded.grp, ''), machines.grp)", e.Kiosk, e.Name, e.Group, key, now.UnixMilli())
	return err
}

// shutOut writes down that a kiosk's keys are good no more, but for one.
func shutOut(ctx context.Context, tx *sql.Tx, kiosk, by, but string, now time.Time) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO revoked (key, kiosk, at, by) SELECT DISTINCT key, kiosk, "+
		"CAST($1 AS BIGINT), CAST($2 AS TEXT) FROM machines WHERE kiosk = $3 AND key <> '' AND key <> $4 "+
		"ON CONFLICT (key) DO NOTHING", now.UnixMilli(), by, kiosk, but)
	return err
}

// Revoke writes down that a kiosk's keys are good no more, and makes its codes void. known is false for a kiosk that
// never had a key.
func (s *Store) Revoke(ctx context.Context, kiosk, by string, now time.Time) (known bool, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		const void = "DELETE FROM enrolments WHERE kiosk = $1 AND used IS NULL"
		if _, err := tx.ExecContext(ctx, void, kiosk); err != nil {
			return err
		}
		if err := shutOut(ctx, tx, kiosk, by, "", now); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT COUNT(*) > 0 FROM revoked WHERE kiosk = $1", kiosk).Scan(&known)
	})
	return known, err
}

// Revoked are all keys that are good no more, and since when.
func (s *Store) Revoked(ctx context.Context) (map[string]time.Time, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT key, at FROM revoked")
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	all := map[string]time.Time{}
	for rows.Next() {
		var key string
		var at int64
		if err := rows.Scan(&key, &at); err != nil {
			return nil, wrap(err)
		}
		all[key] = time.UnixMilli(at)
	}
	return all, wrap(rows.Err())
}

// Standing is what is known of a kiosk, for whoever makes a code for it.
type Standing struct {
	Known   bool
	Name    string
	Group   string
	Entries int64 // of its journal that are here
	Key     bool  // it is in the fleet now
	Revoked bool  // it was, and is shut out
}

// Standing tells whether a kiosk is known.
func (s *Store) Standing(ctx context.Context, kiosk string) (k Standing, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT name, grp, seq, key <> '', EXISTS (SELECT 1 FROM revoked "+
		"WHERE revoked.key = machines.key) FROM machines WHERE kiosk = $1 AND retired IS NULL", kiosk).
		Scan(&k.Name, &k.Group, &k.Entries, &k.Key, &k.Revoked)
	k.Key = k.Key && !k.Revoked
	if errors.Is(err, sql.ErrNoRows) {
		return Standing{}, nil
	}
	if err != nil {
		return Standing{}, fmt.Errorf("store: %w", err)
	}
	k.Known = true
	return k, nil
}
