package broker

import (
	"fmt"
	"testing"

	"kioskd/internal/proof/port"
)

// Plain starts one server for a test, with JetStream and without any credentials, and ends it with the test.
func Plain(t testing.TB) *Server {
	t.Helper()
	s := &Server{Dir: t.TempDir(), Address: port.Free()}
	var err error
	if s.Program, err = Build(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	s.Config = fmt.Sprintf("listen: %q\njetstream { store_dir: %q }\n", s.Address, s.Dir)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Unstarted writes what so many servers of a fleet need, with TLS and everybody's credentials, and starts none.
func Unstarted(t testing.TB, servers int) *Fleet {
	t.Helper()
	program, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFleet(t.TempDir(), program, servers)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Cluster is Unstarted, and starts them; they end with the test.
func Cluster(t testing.TB, servers int) *Fleet {
	t.Helper()
	f := Unstarted(t, servers)
	t.Cleanup(f.Kill)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}
