package serialport

import (
	"context"
	"errors"
	"io"
	"time"
)

const (
	pauseMin = 200 * time.Millisecond // a cable that was touched is back at once
	pauseMax = 5 * time.Second        // one that is gone is looked for as long as it takes
)

var errEnded = errors.New("serialport: the session ended")

// Keep opens a line and runs a session on it, again and again until ctx ends. After each failure it pauses, 200 ms at
// first and up to 5 s; a session that lasted longer than that begins with the short pause again. The line is closed
// when ctx ends or the session does, so that a session needs to look at nothing but its Reads and Writes.
//
// State is told each change, from Keep's own goroutine: nil when a line was opened, and why there is none when it could
// not be or was lost; the same reason is told once. What it does must not wait for the session.
func Keep(ctx context.Context, open func() (io.ReadWriteCloser, error),
	session func(context.Context, io.ReadWriteCloser) error, state func(err error)) {
	told := "nothing yet"
	tell := func(err error) {
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != told && ctx.Err() == nil {
			told = text
			state(err)
		}
	}
	for pause := pauseMin; ctx.Err() == nil; pause = min(2*pause, pauseMax) {
		began := time.Now()
		line, err := open()
		if err == nil {
			tell(nil)
			err = run(ctx, line, session)
			if time.Since(began) > pauseMax {
				pause = pauseMin
			}
		}
		tell(err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// run is one session on an open line.
func run(ctx context.Context, line io.ReadWriteCloser, session func(context.Context, io.ReadWriteCloser) error) error {
	defer func() { _ = line.Close() }()
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()
	if err := session(ctx, line); err != nil {
		return err
	}
	return errEnded
}
