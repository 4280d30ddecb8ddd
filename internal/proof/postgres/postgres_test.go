package postgres

import (
	"os/exec"
	"strings"
	"testing"
)

// ask gives what a query answers.
func ask(t *testing.T, s *Server, query string) string {
	t.Helper()
	out, err := exec.Command(s.bin+"/psql", s.server("-At", "-c", query, "kiosks")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestARealServerIsKilledComesBackAndIsRestored: what other tests rely on.
func TestARealServerIsKilledComesBackAndIsRestored(t *testing.T) {
	s := Start(t)
	ask(t, s, "CREATE TABLE t AS SELECT 1 AS n")
	backup, err := s.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask(t, s, "UPDATE t SET n = 2")
	s.Kill()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := ask(t, s, "SELECT n FROM t"); n != "2" {
		t.Errorf("after a kill it holds %q", n)
	}
	if err := s.Restore(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	if n := ask(t, s, "SELECT n FROM t"); n != "1" {
		t.Errorf("the backup holds %q", n)
	}
	s.Stop()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}
