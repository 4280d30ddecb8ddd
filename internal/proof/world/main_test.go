package world

import (
	"os"
	"runtime"
	"testing"
)

// TestMain lets all worlds of this process share one processor, and the tests that play many of them start a process
// for each core. So what happens at the same moment of virtual time does so in the same order nearly always, each core
// is used better, and the race detector can be: Go 1.26 runs a timer of a synctest bubble that is due at once in the
// goroutine that sets it, in a detector's context that all of the bubble's timers share, and two at a time on two
// processors crash it.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	os.Exit(m.Run())
}
