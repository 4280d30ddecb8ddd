package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/people"
)

// Scope is of whom something is wanted.
type Scope struct {
	Kind string // "kiosk", "group" or "all"
	Key  string // the kiosk's id or the group's name; "" for all
}

// The kinds of scopes.
const (
	OfKiosk = "kiosk"
	OfGroup = "group"
	OfAll   = "all"
)

// AddPlan writes down what is wanted from a moment on, and gives its version. Versions follow the clock, so that those
// of a database that was put back are not given twice.
func (s *Store) AddPlan(ctx context.Context, of Scope, p protocol.Plan, now time.Time) (version int64, err error) {
	return s.addPlan(ctx, of, p, now, func(int64) error { return nil })
}

// ErrChanged: what is wanted is not any more what somebody has looked at.
var ErrChanged = errors.New("somebody has changed what is wanted since you looked at it")

// ReplacePlan is AddPlan for who knows a version as the scope's newest, 0 for none: with another one it is ErrChanged,
// and nothing is written.
func (s *Store) ReplacePlan(ctx context.Context, of Scope, known int64, p protocol.Plan, now time.Time) (version int64,
	err error) {
	return s.addPlan(ctx, of, p, now, func(last int64) error {
		if last != known {
			return ErrChanged
		}
		return nil
	})
}

func (s *Store) addPlan(ctx context.Context, of Scope, p protocol.Plan, now time.Time, may func(last int64) error) (
	version int64, err error) {
	if of.Kind == OfAll != (of.Key == "") || of.Kind != OfAll && protocol.CheckID(of.Key) != nil {
		return 0, fmt.Errorf("store: %q is no %s", of.Key, of.Kind)
	}
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if s.postgres { // one at a time; in SQLite a transaction has the whole file
			if _, err := tx.ExecContext(ctx, "LOCK TABLE wanted IN EXCLUSIVE MODE"); err != nil {
				return err
			}
		}
		plans, err := plansOf(ctx, tx, of)
		if err != nil {
			return err
		}
		last := int64(0)
		if len(plans) > 0 {
			last = plans[0].Version
		}
		if err := may(last); err != nil {
			return err
		}
		p.Version = max(last+1, now.UnixMilli())
		if err := fits(slices.Insert(plans, 0, p), now); err != nil {
			return err
		}
		doc, err := json.Marshal(p)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO wanted (scope, key, version, doc, moment, by, made) VALUES "+
			values(1, 7), of.Kind, of.Key, p.Version, string(doc), p.From.UnixMilli(), p.By, now.UnixMilli())
		return err
	})
	return p.Version, err
}

// ErrTooMuch: all that is wanted under one key, now and later, is more than the servers and the machines take.
var ErrTooMuch = errors.New("too much is wanted of them")

// fits finds whether what is wanted can be put under one key: what does not would keep all else from the servers, too.
func fits(newestFirst []protocol.Plan, now time.Time) error {
	var w protocol.Want
	for _, p := range newestFirst {
		add(&w, p, now)
	}
	if err := w.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrTooMuch, err)
	}
	doc, err := json.Marshal(w)
	const room = 100 // bytes, for the group
	if err == nil && len(doc) > protocol.WantMax-room {
		err = fmt.Errorf("%w: now and later together it may have %d KiB", ErrTooMuch, protocol.WantMax>>10)
	}
	return err
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// plansOf are all that were ever wanted of a scope, newest first.
func plansOf(ctx context.Context, q querier, of Scope) (all []protocol.Plan, err error) {
	rows, err := q.QueryContext(ctx, "SELECT doc FROM wanted WHERE scope = $1 AND key = $2 ORDER BY version DESC",
		of.Kind, of.Key)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var doc []byte
		var p protocol.Plan
		if err := rows.Scan(&doc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(doc, &p); err != nil {
			return nil, fmt.Errorf("what is wanted of %s %q: %w", of.Kind, of.Key, err)
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// WantedOf is what is wanted of one scope alone, and the newest plan, which need not be among it; zero: there is none.
func (s *Store) WantedOf(ctx context.Context, of Scope, now time.Time) (w protocol.Want, newest protocol.Plan,
	err error) {
	plans, err := plansOf(ctx, s.db, of)
	if err != nil {
		return w, newest, wrap(err)
	}
	for n, p := range plans {
		if n == 0 {
			newest = p
		}
		add(&w, p, now)
	}
	return w, newest, nil
}

// add adds an older plan to newer ones. It matters only before all of them, and not before one that holds already.
func add(w *protocol.Want, p protocol.Plan, now time.Time) {
	w.Version = max(w.Version, p.Version)
	if n := len(w.Plans); n == 0 || p.From.Before(w.Plans[0].From) && w.Plans[0].From.After(now) {
		w.Plans = slices.Insert(w.Plans, 0, p)
	}
}

// Wanted is what is wanted of each scope, for a machine also by its group; a machine in a group is there even when
// nothing is wanted of it alone. Of the plans those are left out that no moment comes to any more.
func (s *Store) Wanted(ctx context.Context, now time.Time) (map[Scope]protocol.Want, error) {
	all := map[Scope]protocol.Want{}
	rows, err := s.db.QueryContext(ctx, "SELECT scope, key, doc FROM wanted ORDER BY scope, key, version DESC")
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var of Scope
		var doc []byte
		if err := rows.Scan(&of.Kind, &of.Key, &doc); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		var p protocol.Plan
		if err := json.Unmarshal(doc, &p); err != nil {
			return nil, fmt.Errorf("store: what is wanted of %s %q: %w", of.Kind, of.Key, err)
		}
		w := all[of]
		add(&w, p, now)
		all[of] = w
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return all, s.grouped(ctx, all)
}

// grouped says in each machine's own key which group it is in. That changes the key's version.
func (s *Store) grouped(ctx context.Context, all map[Scope]protocol.Want) error {
	rows, err := s.db.QueryContext(ctx, "SELECT kiosk, grp FROM machines WHERE retired IS NULL AND grp <> ''")
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var kiosk, group string
		if err := rows.Scan(&kiosk, &group); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		of := Scope{OfKiosk, kiosk}
		w := all[of]
		w.Group, w.Version = group, max(w.Version, 1)
		all[of] = w
	}
	return rows.Err()
}

// Order is a command that is on its way, or was.
type Order struct {
	protocol.Command
	By      string
	Made    time.Time
	Outcome protocol.Outcome
	Ended   bool // Outcome is the kiosk's word
}

// AddOrder writes a command down before it is sent for the first time. added is false when there is one with this id.
func (s *Store) AddOrder(ctx context.Context, c protocol.Command, by string, signed []byte, expires time.Time) (
	added bool, err error) {
	args, err := json.Marshal(c)
	if err != nil {
		return false, err
	}
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, "INSERT INTO commands (id, kiosk, what, args, by, signed, made, expires, sent) "+
			"VALUES "+values(1, 9)+" ON CONFLICT (id) DO NOTHING", c.ID, c.Kiosk, c.Word, string(args), by, signed,
			c.At.UnixMilli(), expires.UnixMilli(), c.At.UnixMilli())
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		added = n == 1
		return err
	})
	return added, err
}

// EndOrder writes down what became of a command. That it was done stays true, whatever is said of a repeat.
func (s *Store) EndOrder(ctx context.Context, o protocol.Outcome, now time.Time) error {
	doc, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var text []byte
		err := tx.QueryRowContext(ctx, "SELECT outcome FROM commands WHERE id = $1"+s.locked(), o.ID).Scan(&text)
		if err != nil {
			return err
		}
		var was protocol.Outcome
		if len(text) > 0 {
			if err := json.Unmarshal(text, &was); err != nil {
				return err
			}
		}
		if was.Done {
			return nil
		}
		_, err = tx.ExecContext(ctx, "UPDATE commands SET answered = $1, outcome = $2 WHERE id = $3", now.UnixMilli(),
			string(doc), o.ID)
		return err
	})
}

const selectOrders = "SELECT args, by, made, answered IS NOT NULL, outcome FROM commands WHERE kiosk = $1 "

// Orders are a kiosk's last commands, newest first.
func (s *Store) Orders(ctx context.Context, kiosk string, limit int) ([]Order, error) {
	return gather(ctx, s, scanOrder, selectOrders+"ORDER BY made DESC LIMIT $2", kiosk, limit)
}

// ErrNoOrder: no command of that kiosk has that id.
var ErrNoOrder = errors.New("no such command")

// Order is one of a kiosk's commands; ErrNoOrder: it never got one with this id.
func (s *Store) Order(ctx context.Context, kiosk, id string) (Order, error) {
	found, err := gather(ctx, s, scanOrder, selectOrders+"AND id = $2", kiosk, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("store: %s: %w", id, ErrNoOrder)
	}
	if err != nil {
		return Order{}, err
	}
	return found[0], nil
}

func scanOrder(rows *sql.Rows) (o Order, err error) {
	var args, outcome []byte
	var made int64
	if err := rows.Scan(&args, &o.By, &made, &o.Ended, &outcome); err != nil {
		return o, err
	}
	o.Made = time.UnixMilli(made)
	if err := json.Unmarshal(args, &o.Command); err != nil || !o.Ended {
		return o, err
	}
	return o, json.Unmarshal(outcome, &o.Outcome)
}

// ErrNoPerson: nobody of that name has ever signed in.
var ErrNoPerson = errors.New("nobody of this name has signed in at the desk yet")

// PersonKey is a person's key as it was sealed; nothing: there is none yet. It is one of the file of users.
func (s *Store) PersonKey(ctx context.Context, name string) (public string, sealed []byte, err error) {
	var text sql.NullString
	var subject string
	err = s.db.QueryRowContext(ctx, "SELECT public_key, private_key, subject FROM users WHERE name = $1 AND "+
		"disabled IS NULL", name).Scan(&text, &sealed, &subject)
	if err == nil && subject != "" {
		return "", nil, fmt.Errorf("store: %s: %w", name, people.ErrTaken)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, fmt.Errorf("store: %s: %w", name, ErrNoPerson)
	}
	if err != nil {
		return "", nil, fmt.Errorf("store: %w", err)
	}
	return text.String, sealed, nil
}

// KeepPersonKey writes a person's new key down, in the place of one that cannot be opened any more. A person of the
// file of users need not have signed in: role is what the file says.
func (s *Store) KeepPersonKey(ctx context.Context, name, role, public string, sealed []byte, now time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO users (name, role, public_key, private_key, made) VALUES "+
			values(1, 5)+" ON CONFLICT (name) DO UPDATE SET public_key = excluded.public_key, private_key = "+
			"excluded.private_key", name, role, []byte(public), sealed, now.UnixMilli())
		return err
	})
}
