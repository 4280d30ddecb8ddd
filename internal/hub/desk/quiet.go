package desk

import (
	"bytes"
	"log"

	"github.com/rs/zerolog"
)

// quiet is net/http's own log, at debug: whoever knocks with rubbish must not fill the disk with lines.
func quiet(to zerolog.Logger) *log.Logger { return log.New(lines{to}, "", 0) }

type lines struct{ to zerolog.Logger }

func (l lines) Write(b []byte) (int, error) {
	l.to.Debug().Msg(string(bytes.TrimSpace(b)))
	return len(b), nil
}
