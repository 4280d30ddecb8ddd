package setup

import (
	"context"
	"time"

	"kioskd/internal/config"
)

// Finding is what came of a look at something.
type Finding struct {
	State  string // "ok", "warn" or "fail"
	Says   string
	Remedy string // what to do; "": nothing
}

// Failed reports whether one of them is a failure.
func Failed(all []Finding) bool {
	for _, f := range all {
		if f.State == "fail" {
			return true
		}
	}
	return false
}

// Acts are what can be tried with the answers so far. Whoever builds the program hands them in.
type Acts struct {
	// Glase asks Glase whether it knows this terminal. It moves nothing.
	Glase func(context.Context, config.Config) []Finding
	// Register makes a terminal at Glase, once. It answers its id.
	Register func(context.Context, config.Config) (string, error)
	// Picture shows a picture of the machine's display, as long as hold is not closed.
	Picture func(c config.Config, hold <-chan struct{}) error
	// Rehearse starts the machine of a Trial with its own hardware, and without anybody's money. Text is the config as
	// a file, for whoever makes the outputs inactive should this program die.
	Rehearse func(ctx context.Context, c config.Config, text string) (*Rehearsal, error)
	// Check and Doctor look at the config that was written, after which the machine can be started.
	Check  func(file string) []Finding
	Doctor func(ctx context.Context, file string) []Finding
}

// Pin is a pin of the rehearsed machine now.
type Pin struct {
	Name, Role, Level, Means string
	Changed                  time.Time // when it was seen to move; zero: not yet
}

// Rehearsal is a machine that is at work with its own hardware and with a payment service that moves no money. Nothing
// moves until it is told to.
type Rehearsal struct {
	Pins func(context.Context) ([]Pin, error)
	// Vend makes a product come out of a slot, with every limit that a sale has, and says in words what came of it.
	Vend func(ctx context.Context, slot string) (says string, ok bool, err error)
	// Sale sells from a slot: a phone that is none scans, confirms and takes. tell gets each step.
	Sale func(ctx context.Context, slot string, tell func(string)) error
	// Close ends it, outputs first.
	Close func() error
}
