package postgres

import (
	"errors"
	"path/filepath"
	"testing"
)

// Start makes one for a test, and ends it with the test. Where PostgreSQL is not installed the test is skipped, and
// says so.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := Make(t.Context(), filepath.Join(t.TempDir(), "postgres"))
	if errors.Is(err, ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}
