// Package terse bounds a log: 2 MB a day whatever happens, so that a storm neither fills nor wears out a card. What was
// left out is counted and said.
package terse

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// DayMax is the most, in bytes, that is written in any 24 hours of one process.
const DayMax = 2_000_000

// The shares of that. A whole day's bytes may come at a steady rate, and some of them at once.
const (
	atOnce   = 500_000 // bytes
	perDay   = DayMax - atOnce
	reserve  = 150_000 // bytes that only warnings and errors may take
	lineMax  = 16_000  // bytes: a longer line is only mentioned
	kindOnce = 40      // lines of one kind at once
	kindEach = time.Minute
	kindsMax = 512          // that are told apart: those of the newest sales among them
	calm     = 5 * kindEach // after so long without one of its kind a storm is over
	sweep    = time.Minute  // how often that is looked for
)

// Writer hands a log's lines on, as far as they are within the bounds. A line's kind is its level and message, within
// one sale: a sale's own steps are never crowded out by another's. It is safe for several goroutines.
type Writer struct {
	to  io.Writer
	now func() time.Time

	mu    sync.Mutex
	bytes bucket
	kinds map[string]*kind
	swept time.Time
}

// bucket is what may be spent: so much, and more as time goes by.
type bucket struct {
	left float64
	at   time.Time
}

// fill lets time go by.
func (b *bucket) fill(now time.Time, per time.Duration, most float64) {
	if since := now.Sub(b.at); since > 0 {
		b.left = min(most, b.left+float64(since)/float64(per))
		b.at = now
	}
}

// kind is one kind of lines.
type kind struct {
	lines   bucket
	last    time.Time
	level   string
	message string
	out     uint64 // lines that were left out, and not mentioned yet
}

// New bounds what is written to a writer. now must not jump: time.Now, but in a test.
func New(to io.Writer, now func() time.Time) *Writer {
	return &Writer{to: to, now: now, bytes: bucket{atOnce, now()}, kinds: map[string]*kind{}, swept: now()}
}

// Write takes a line that says its own level, in zerolog's JSON.
func (w *Writer) Write(line []byte) (int, error) { return w.WriteLevel(zerolog.NoLevel, line) }

// WriteLevel takes a line of zerolog's JSON. What is left out is no error.
func (w *Writer) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	w.bytes.fill(now, 24*time.Hour/perDay, atOnce)
	if now.Sub(w.swept) >= sweep {
		w.swept = now
		w.sweep(now)
	}
	message := field(line, "message")
	k := w.kind(level.String(), message, field(line, "sale"), now)
	k.lines.fill(now, kindEach, kindOnce)
	k.last = now
	switch {
	case k.lines.left < 1, len(line) > lineMax, !w.pays(level, len(line)):
		k.out++
		return len(line), nil
	}
	k.lines.left--
	if k.out > 0 {
		w.mention(k, now)
	}
	w.bytes.left -= float64(len(line))
	if _, err := w.to.Write(line); err != nil {
		return 0, err
	}
	return len(line), nil
}

// pays says whether there are bytes left for a line.
func (w *Writer) pays(level zerolog.Level, size int) bool {
	left := w.bytes.left - float64(size)
	if level < zerolog.WarnLevel {
		left -= reserve
	}
	return left >= 0
}

// kind finds a line's kind. When there are too many, all that are new share one for each level.
func (w *Writer) kind(level, message, sale string, now time.Time) *kind {
	key := level + "\x00" + message + "\x00" + sale
	if k := w.kinds[key]; k != nil {
		return k
	}
	if len(w.kinds) >= kindsMax {
		if key, message = level, "others"; w.kinds[key] != nil {
			return w.kinds[key]
		}
	}
	k := &kind{lines: bucket{kindOnce, now}, level: level, message: message}
	w.kinds[key] = k
	return k
}

// sweep mentions what storms that are over have left out, and forgets them.
func (w *Writer) sweep(now time.Time) {
	for key, k := range w.kinds {
		if now.Sub(k.last) < calm {
			continue
		}
		if k.out > 0 {
			w.mention(k, now)
		}
		if k.out == 0 {
			delete(w.kinds, key)
		}
	}
}

// mention writes how many lines of a kind were left out, if there are bytes left for that.
func (w *Writer) mention(k *kind, now time.Time) {
	line, err := json.Marshal(struct {
		Level   string `json:"level,omitempty"`
		Time    string `json:"time"`
		Kind    string `json:"kind"`
		More    uint64 `json:"more"`
		Message string `json:"message"`
	}{k.level, now.Format(time.RFC3339), short(k.message), k.out, "as many more like this were left out"})
	if err != nil || !w.pays(zerolog.WarnLevel, len(line)+1) {
		return
	}
	if _, err := w.to.Write(append(line, '\n')); err == nil {
		w.bytes.left -= float64(len(line) + 1)
		k.out = 0
	}
}

// Close mentions what was left out. It closes nothing else.
func (w *Writer) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.kinds {
		if k.out > 0 {
			w.mention(k, w.now())
		}
	}
}

// messageMax is in bytes.
const messageMax = 120

func short(message string) string {
	if len(message) > messageMax {
		return message[:messageMax]
	}
	return message
}

// field gives the last field of that name as it stands in a line of JSON, escapes and all. A value that quotes such a
// field has its quotes escaped, and is not taken for it.
func field(line []byte, name string) string {
	key := []byte(`,"` + name + `":"`)
	at := bytes.LastIndex(line, key)
	if at < 0 && bytes.HasPrefix(line, append([]byte{'{'}, key[1:]...)) {
		at = 0
	}
	if at < 0 {
		return ""
	}
	rest := line[at+len(key):]
	for n := 0; n < len(rest); n++ {
		switch rest[n] {
		case '\\':
			n++
		case '"':
			return string(rest[:n])
		}
	}
	return ""
}
