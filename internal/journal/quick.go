package journal

import (
	"context"
	"time"
)

// quickWithin bounds a QuickCheck: on the slowest Pi, a year's record takes about half of it.
const quickWithin = 2 * time.Minute

// QuickCheck has SQLite look at every page of the journal at path, through a connection of its own that only reads: a
// daemon that owns it records on meanwhile, and whoever must not be disturbed ends ctx. The error is ErrCorrupt, or
// says that it could not be looked at.
func QuickCheck(ctx context.Context, path string) error {
	path, err := checkPath(path)
	if err != nil {
		return err
	}
	db, _, err := attach(path)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, quickWithin)
	defer cancel()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fail(path, err)
	}
	if verdict != "ok" {
		return corrupt(path, "%s", verdict)
	}
	return nil
}
