package journal

import (
	"context"
	"errors"
	"os"
)

// Try opens a journal and loads its state, as a start does, and closes it: for a copy, which it may change, since what
// belongs beside a journal is made beside it. It tells whether this version can go on from it. nil: it can.
func Try(ctx context.Context, path, version string) error {
	if _, err := os.Stat(path); err != nil { // Open would make one
		return fail(path, err)
	}
	j, err := Open(ctx, path, Options{Version: version})
	if err != nil {
		return err
	}
	_, err = j.Load(ctx)
	return errors.Join(err, j.Close())
}
