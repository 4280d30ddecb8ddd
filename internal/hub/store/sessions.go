package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"kioskd/internal/hub/people"
)

// KeepSession notes that somebody has signed in, and who that is: a row of users for everybody who ever did. Sessions
// that are over go.
func (s *Store) KeepSession(ctx context.Context, hash []byte, p people.Person, now, until time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE expires <= $1", now.UnixMilli()); err != nil {
			return err
		}
		name, err := s.known(ctx, tx, p, now)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO sessions (hash, name, made, expires) VALUES "+values(1, 4), hash,
			name,
			now.UnixMilli(), until.UnixMilli())
		return err
	})
}

// known writes a person's row and gives its name. Names are each somebody's own: a second person whose issuer gives the
// same one gets a mark behind it, and a file's user gets none that an issuer's person has.
func (s *Store) known(ctx context.Context, tx *sql.Tx, p people.Person, now time.Time) (string, error) {
	name, subject, mark := clip(p.Name), "", p.Mark
	if p.By != people.File {
		subject, mark = clip(p.By+" "+p.Mark), ""
		err := tx.QueryRowContext(ctx, "SELECT name FROM users WHERE subject = $1", subject).Scan(&name)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", err
		}
	}
	var role, hash, owner string
	err := tx.QueryRowContext(ctx, "SELECT role, hash, subject FROM users WHERE name = $1", name).
		Scan(&role, &hash, &owner)
	if err == nil && owner != subject {
		if subject == "" {
			return "", fmt.Errorf("%s: %w", name, people.ErrTaken)
		}
		sum := sha256.Sum256([]byte(subject))
		name, err = name+" "+hex.EncodeToString(sum[:4]), sql.ErrNoRows
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = tx.ExecContext(ctx, "INSERT INTO users (name, role, hash, subject, made) VALUES "+values(1, 5), name,
			p.Role.String(), mark, subject, now.UnixMilli())
		return name, err
	case err != nil:
		return "", err
	case role == p.Role.String() && hash == mark:
		return name, nil
	}
	// with another role or password the earlier sessions are over
	if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE name = $1", name); err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, "UPDATE users SET role = $1, hash = $2 WHERE name = $3", p.Role.String(), mark, name)
	return name, err
}

// Session is whose session it is.
func (s *Store) Session(ctx context.Context, hash []byte, now time.Time) (people.Person, error) {
	var p people.Person
	var role, mark, subject string
	err := s.db.QueryRowContext(ctx, "SELECT u.name, u.role, u.hash, u.subject FROM sessions s JOIN users u ON "+
		"u.name = s.name WHERE s.hash = $1 AND s.expires > $2 AND u.disabled IS NULL", hash, now.UnixMilli()).
		Scan(&p.Name, &role, &mark, &subject)
	if errors.Is(err, sql.ErrNoRows) {
		return people.Person{}, people.ErrNoSession
	}
	if err != nil {
		return people.Person{}, wrap(err)
	}
	if p.Role, err = people.ParseRole(role); err != nil {
		return people.Person{}, wrap(err)
	}
	p.By, p.Mark = people.File, mark
	if subject != "" {
		p.By, p.Mark, _ = strings.Cut(subject, " ")
	}
	return p, nil
}

// EndSession forgets one.
func (s *Store) EndSession(ctx context.Context, hash []byte) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM sessions WHERE hash = $1", hash)
	return wrap(err)
}
