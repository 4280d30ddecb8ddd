package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// The errors of Ready. Each says what to do.
var (
	ErrOlder = errors.New("store: the database has not all that this version needs: run kioskhub migrate")
	ErrNewer = errors.New("store: the database is a newer version's: use that version of kioskhub, or restore a backup")
)

func (s *Store) provider() (*goose.Provider, error) {
	dialect, folder, options := goose.DialectSQLite3, "migrations/sqlite", []goose.ProviderOption(nil)
	if s.postgres {
		dialect, folder = goose.DialectPostgres, "migrations/postgres"
		locker, err := lock.NewPostgresSessionLocker() // one of several hubs does it, the others wait
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, s.db, files, append(options, goose.WithDisableGlobalRegistry(true))...)
}

// Migrate brings the database to this version, and says which version it had and has.
func (s *Store) Migrate(ctx context.Context) (from, to int64, err error) {
	p, err := s.provider()
	if err != nil {
		return 0, 0, fmt.Errorf("store: %w", err)
	}
	if from, err = p.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("store: %w", err)
	}
	if _, to, err = p.GetVersions(ctx); err != nil {
		return 0, 0, fmt.Errorf("store: %w", err)
	}
	if from > to {
		return from, from, ErrNewer
	}
	if _, err := p.Up(ctx); err != nil {
		return from, from, fmt.Errorf("store: the database stays at version %d: %w", from, err)
	}
	return from, to, nil
}

// Ready finds whether the database is of this version: nil, ErrOlder, ErrNewer or why it cannot be known.
func (s *Store) Ready(ctx context.Context) error {
	p, err := s.provider()
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	has, needs, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("store: the database does not answer: %w", err)
	case has < needs:
		return ErrOlder
	case has > needs:
		return ErrNewer
	}
	if s.postgres {
		var encoding string
		if err := s.db.QueryRowContext(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if encoding != "UTF8" {
			return fmt.Errorf("store: the database's encoding is %s: make it anew with ENCODING 'UTF8'", encoding)
		}
	}
	return nil
}
