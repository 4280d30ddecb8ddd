package world

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// diary is what happened, written by many.
type diary struct {
	begin time.Time
	mu    sync.Mutex
	lines []line
}

// line is put into words only when somebody reads it.
type line struct {
	at     time.Duration
	format string
	args   []any
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line{time.Since(d.begin), format, args})
}

func (d *diary) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for _, l := range d.lines {
		fmt.Fprintf(&b, "%14.6f ", l.at.Seconds())
		fmt.Fprintf(&b, l.format, l.args...)
		b.WriteByte('\n')
	}
	return b.String()
}
