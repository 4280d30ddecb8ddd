package mdb

import (
	"context"
	"io"
	"time"

	"kioskd/hw/vend"
)

// RecallMax is how long a start may listen for what the machine still has to say: as long as most machines take to
// deliver, and short enough for whoever waits for the start.
const RecallMax = 6 * time.Second

// recallPause is between two attempts to open the line: a start has no time for longer ones.
const recallPause = 200 * time.Millisecond

// Recall listens for the end of a delivery that an earlier run of this program approved, before Run: a bridge that kept
// its power still reports it. It writes nothing, since joining the bus anew would end that delivery's session. false:
// nothing was heard within most, or nothing that decides.
func (b *Bridge) Recall(ctx context.Context, most time.Duration) (vend.Result, bool) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for ctx.Err() == nil {
		if port, err := b.Open(); err == nil {
			if r, known := b.overhear(ctx, port); known {
				return r, true
			}
		}
		select {
		case <-time.After(recallPause):
		case <-ctx.Done():
		}
	}
	return vend.Result{}, false
}

// overhear reads the line until it decides, breaks, or ctx ends. The line is closed when it returns.
func (b *Bridge) overhear(ctx context.Context, port io.ReadWriteCloser) (r vend.Result, known bool) {
	stop := context.AfterFunc(ctx, func() { _ = port.Close() }) // which ends the Read
	defer func() {
		if stop() {
			_ = port.Close() // whatever it says, the line is not used any more
		}
	}()
	var lines splitter
	buf := make([]byte, chunkBytes)
	for !known {
		n, err := port.Read(buf)
		lines.feed(buf[:n], func(text string) {
			if known {
				return
			}
			switch l := Parse(text, b.Currency); {
			case l.Kind == Success:
				r, known = delivered, true
			case l.Kind == Failed && l.Code == vendFailure:
				r, known = broken, true
			} // "cancelled" may be about a later request, which nobody was there to approve
		})
		if err != nil {
			return r, known
		}
	}
	return r, known
}
