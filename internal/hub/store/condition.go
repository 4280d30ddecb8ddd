package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"time"

	"kioskd/internal/fleet/protocol"
)

// TwoMachines is the alarm of two processes that tell their condition with one id.
const TwoMachines = "two_machines"

// runSettles is how long a process that was replaced may still be heard, in milliseconds: its last words may be written
// by another hub, after its successor's first.
const runSettles = 30_000

// Conditions writes what kiosks say of themselves, each kiosk's last word. A kiosk that nobody knows yet is noted.
func (s *Store) Conditions(ctx context.Context, all map[string]protocol.Condition, now time.Time) error {
	kiosks := make([]string, 0, len(all))
	for kiosk := range all {
		kiosks = append(kiosks, kiosk)
	}
	sort.Strings(kiosks) // in one order, so that two hubs never wait for each other
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, kiosk := range kiosks {
			if err := s.condition(ctx, tx, kiosk, all[kiosk], now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) condition(ctx context.Context, tx *sql.Tx, kiosk string, c protocol.Condition, now time.Time) error {
	m, err := s.lock(ctx, tx, kiosk, now)
	if err != nil {
		return err
	}
	var last, run, before string
	var since int64
	if err := tx.QueryRowContext(ctx, "SELECT status, run, run_before, coalesce(run_since, 0) FROM machines "+
		"WHERE machine = $1", m.id).Scan(&last, &run, &before, &since); err != nil {
		return err
	}
	var old protocol.Condition
	if json.Unmarshal([]byte(last), &old) != nil {
		old = protocol.Condition{}
	}
	if c.Slots == nil { // they are as last told
		c.Slots = old.Slots
	}
	if c.Books == nil {
		c.Books = old.Books
	} else if !reflect.DeepEqual(c.Books, old.Books) {
		if err := s.balanced(ctx, tx, kiosk, *c.Books, now); err != nil {
			return err
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if c.Run != run {
		if c.Run == before && now.UnixMilli()-since > runSettles {
			note := fmt.Sprintf("two processes, %s and %s, say that they are this kiosk: a card was copied, or one "+
				"token is in two configs", run, c.Run)
			if err := s.alarm(ctx, tx, kiosk, TwoMachines, note, now); err != nil {
				return err
			}
		}
		run, before, since = c.Run, run, now.UnixMilli()
	}
	_, err = tx.ExecContext(ctx, "UPDATE machines SET seen = $1, status = $2, status_at = $1, version = $3, run = $4, "+
		"run_before = $5, run_since = $6 WHERE machine = $7", now.UnixMilli(), plain(string(text)), clip(c.Version),
		run, before, since, m.id)
	return err
}
