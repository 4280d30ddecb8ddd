// Package await waits in tests for what other goroutines and other processes bring about.
package await

import (
	"testing"
	"time"
)

const (
	patience = 90 * time.Second // of a busy computer; what does not come at all fails a test then
	often    = 5 * time.Millisecond
)

// Until waits for a fact, and ends the test when it does not come. It is for the test's own goroutine.
func Until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(often) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
