package orders

import (
	"context"
	"errors"
	"time"
)

// ErrRestart ends a daemon that a person at the desk wants to begin anew.
var ErrRestart = errors.New("the desk wants kioskd to begin anew: start it again, as systemd does")

// restartIn is what the answer to who wants it gets to leave the machine. One that is lost is on record.
const restartIn = time.Second

// Restart ends the daemon once it is ordered to begin anew.
type Restart chan struct{}

// NewRestart makes one.
func NewRestart() Restart { return make(Restart, 1) }

// Order is called once the order is on record. It returns at once.
func (r Restart) Order() {
	select {
	case r <- struct{}{}:
	default: // it ends already
	}
}

// Await ends the daemon when it is ordered to, until ctx ends.
func (r Restart) Await(ctx context.Context, end context.CancelCauseFunc) {
	select {
	case <-r:
	case <-ctx.Done():
		return
	}
	select {
	case <-time.After(restartIn):
	case <-ctx.Done():
	}
	end(ErrRestart)
}
