// Package store is the operator's record: what the journals of all kiosks say, in PostgreSQL, or for a small fleet in
// one SQLite file. It is one type with the same SQL for both; where they differ, dialect says how.
//
// An entry of a journal is written once, in order, under its machine's lock, together with all that follows from it:
// the sale, the stock, the faults. What a kiosk is told that it may let go of is what a committed transaction holds.
//
// Moments are milliseconds since 1970, amounts are minor units. Every call takes a context, and is bounded in time
// besides.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver named "sqlite"
)

// Store is the record. Its methods may be called from any goroutine, and from several processes on one database.
type Store struct {
	db       *sql.DB
	postgres bool
	docs     *docs
	months   months
}

// connectionsMax bounds the connections to PostgreSQL of one process.
const connectionsMax = 16

// Open connects to the database that an address names: postgres://user@host/name, or sqlite:///path/to/file, which is
// made if there is none. It does not look at what is in it: Migrate and Ready do. A PostgreSQL that cannot be reached
// now is no error of Open.
func Open(address string) (*Store, error) {
	s := &Store{docs: newDocs()}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("store: the database's address cannot be read: write postgres://user@host/name or " +
			"sqlite:///path/to/file") // it may hold a password: it is not repeated
	}
	switch u.Scheme {
	case "sqlite":
		if u.Host != "" || u.Path == "" {
			return nil, fmt.Errorf("store: %q names no file: write sqlite:///path/to/file", address)
		}
		s.db, err = openSQLite(u.Path)
	case "postgres", "postgresql":
		s.postgres = true
		s.db, err = openPostgres(address)
	default:
		return nil, errors.New("store: the database's address begins with neither postgres:// nor sqlite://")
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// SQLite has one writer at a time, who waits for the others; a commit is on the disk before it returns.
func openSQLite(path string) (*sql.DB, error) {
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path,
		RawQuery: "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)" +
			"&_pragma=foreign_keys(1)&_txlock=immediate"}).String()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	db.SetMaxOpenConns(4)
	return db, nil
}

// A hub that is frozen, or cut off, in the middle of a transaction must not keep a machine's row for ever: the server
// ends it. A commit is on the server's disk before it is told.
func openPostgres(address string) (*sql.DB, error) {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("store: the database's address cannot be read: write postgres://user@host/name")
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	for name, value := range map[string]string{"application_name": "kioskhub", "synchronous_commit": "on",
		"idle_in_transaction_session_timeout": "15s", "lock_timeout": "10s", "statement_timeout": "60s"} {
		if cfg.RuntimeParams[name] == "" {
			cfg.RuntimeParams[name] = value
		}
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(connectionsMax)
	db.SetMaxIdleConns(connectionsMax)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

// Close ends all connections.
func (s *Store) Close() error { return s.db.Close() }

// Ping finds whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.db.PingContext(ctx); err != nil {
		return fmt.Errorf("store: the database does not answer: %w", err)
	}
	return nil
}

// Postgres reports whether it is PostgreSQL, and not SQLite.
func (s *Store) Postgres() bool { return s.postgres }

// writeWithin bounds a transaction, waiting for another one's lock included.
const writeWithin = 20 * time.Second

// write runs one transaction.
func (s *Store) write(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer tx.Rollback()
	if err := do(ctx, tx); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := tx.Commit(); err != nil {
		if !s.postgres { // some failed commits leave SQLite's transaction open
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
		return fmt.Errorf("store: commit: %w", err)
	}
	return nil
}

// locked is what a SELECT ends with whose rows are going to be changed. In SQLite the transaction has the whole file.
func (s *Store) locked() string {
	if s.postgres {
		return " FOR UPDATE"
	}
	return ""
}

// values are the placeholders of so many rows of so many values, counted from $1.
func values(rows, columns int) string {
	var b strings.Builder
	for r := range rows {
		if r > 0 {
			b.WriteString(", ")
		}
		for c := range columns {
			b.WriteString([]string{"(", ", "}[min(c, 1)])
			fmt.Fprintf(&b, "$%d", r*columns+c+1)
		}
		b.WriteString(")")
	}
	return b.String()
}

// timeOf is the time of a moment in the database, in UTC; the zero time for none.
func timeOf(m sql.NullInt64) time.Time {
	if !m.Valid {
		return time.Time{}
	}
	return time.UnixMilli(m.Int64).UTC()
}
