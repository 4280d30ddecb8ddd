package store

import (
	"context"
	"database/sql"
	"time"
)

// What an alarm is about.
const (
	Forked      = "fork"         // two histories with one id: a cloned card, or one that lost its newest part
	EntriesLost = "entries_lost" // neither the database nor the kiosk has them any more
	Rubbish     = "rubbish"      // what came is no entry
	Unreadable  = "unreadable"   // an entry is here, and what follows from it is not: its state cannot be read
	Unfollowed  = "unfollowed"   // entries are here, and what follows from them is not: no whole state is near before
	Unwritten   = "unwritten"    // the database refuses a kiosk's entries
)

// Alarm is something that a person must know of. It stands until a person ends it.
type Alarm struct {
	ID          int64
	Kiosk, Kind string
	Note        string // of the last time
	Since, Last time.Time
	Times       int64
}

// Alarm notes something about a kiosk. The same kind again, while it stands, is counted and not another row.
func (s *Store) Alarm(ctx context.Context, kiosk, kind, note string, now time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return s.alarm(ctx, tx, kiosk, kind, note, now)
	})
}

func (s *Store) alarm(ctx context.Context, tx *sql.Tx, kiosk, kind, note string, now time.Time) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO alarms (kiosk, kind, note, since, last, times) VALUES ($1, $2, $3, $4, $4, 1) "+
		"ON CONFLICT (kiosk, kind) WHERE ended IS NULL DO UPDATE SET note = excluded.note, last = excluded.last, "+
		"times = alarms.times + 1", kiosk, kind, clip(note), now.UnixMilli())
	return err
}

// alarmsMax bounds one answer of Alarms.
const alarmsMax = 1000

// Alarms gives those that stand, the oldest first, at most 1000.
func (s *Store) Alarms(ctx context.Context) ([]Alarm, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, kiosk, kind, note, since, last, times FROM alarms WHERE ended IS NULL "+
		"ORDER BY since, id LIMIT $1", alarmsMax)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Alarm
	for rows.Next() {
		var a Alarm
		var since, last sql.NullInt64
		if err := rows.Scan(&a.ID, &a.Kiosk, &a.Kind, &a.Note, &since, &last, &a.Times); err != nil {
			return nil, err
		}
		a.Since, a.Last = timeOf(since), timeOf(last)
		all = append(all, a)
	}
	return all, rows.Err()
}

// EndAlarm notes that a person has dealt with an alarm.
func (s *Store) EndAlarm(ctx context.Context, id int64, by string, now time.Time) error {
	_, err := s.db.ExecContext(ctx, "UPDATE alarms SET ended = $1, by = $2 WHERE id = $3 AND ended IS NULL",
		now.UnixMilli(), by, id)
	return err
}
