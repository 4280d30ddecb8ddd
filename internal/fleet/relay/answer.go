package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

const (
	headRoom  = 256      // bytes of a usual answer's head
	pieceMax  = 32 << 10 // bytes of an answer that are sent as one message
	answerMax = 1 << 20  // bytes of a whole answer: the page's script has some thousand
)

// answer is the http.ResponseWriter of one request: HTTP/1.1 as bytes, in one piece, or of a page in several when the
// handler flushes.
type answer struct {
	send    func(data []byte, more bool) error
	head    bool            // only the head of the answer is asked for
	ctx     context.Context // of a page: no piece is sent after its end
	streams func()          // is told that the answer comes in pieces; nil: it may not

	header  http.Header
	status  int
	begun   bool // the head was sent
	ended   bool
	pending bytes.Buffer // of the body
	length  int          // of the body until now
	err     error
}

// Header is what http.ResponseWriter says.
func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

// WriteHeader is what http.ResponseWriter says; what is not final is left out.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
}

// Write is what http.ResponseWriter says.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.length += len(b); a.length > answerMax && a.err == nil {
		a.err = fmt.Errorf("relay: an answer of more than %d bytes", answerMax)
	}
	switch {
	case a.err != nil:
		return 0, a.err
	case !bodyOf(a.status):
		return 0, http.ErrBodyNotAllowed
	}
	a.pending.Write(b)
	if a.streams != nil && !a.head && a.pending.Len() >= pieceMax {
		if err := a.piece(true); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// bodyOf reports whether an answer of this status has a body.
func bodyOf(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// FlushError sends what there is, and makes the answer one in pieces.
func (a *answer) FlushError() error {
	if a.streams == nil {
		return http.ErrNotSupported
	}
	a.WriteHeader(http.StatusOK)
	a.streams()
	return a.piece(true)
}

// Flush is FlushError for those who do not ask.
func (a *answer) Flush() { _ = a.FlushError() }

// piece sends what is pending; with the head, when that was not sent yet.
func (a *answer) piece(more bool) error {
	if a.err == nil && a.ctx != nil && more {
		a.err = a.ctx.Err()
	}
	if a.err != nil {
		return a.err
	}
	if more && a.begun && a.pending.Len() == 0 {
		return nil
	}
	var out bytes.Buffer
	if !a.begun {
		a.begun = true
		a.writeHead(&out, !more)
	}
	if !a.head {
		out.Write(a.pending.Bytes())
	}
	a.pending.Reset()
	a.err = a.send(out.Bytes(), more)
	return a.err
}

// writeHead writes the status and the headers; whole says that all of the body is pending.
func (a *answer) writeHead(out *bytes.Buffer, whole bool) {
	h := a.Header()
	h.Del("Transfer-Encoding")
	if h.Get("Content-Type") == "" && a.pending.Len() > 0 {
		h.Set("Content-Type", http.DetectContentType(a.pending.Bytes()))
	}
	if whole && bodyOf(a.status) {
		h.Set("Content-Length", strconv.Itoa(a.pending.Len()))
	}
	out.Grow(headRoom + a.pending.Len())
	out.WriteString("HTTP/1.1 ")
	out.WriteString(strconv.Itoa(a.status))
	out.WriteByte(' ')
	out.WriteString(http.StatusText(a.status))
	out.WriteString("\r\n")
	_ = h.Write(out) // into memory
	out.WriteString("\r\n")
}

// finish sends the last piece. An answer that broke off is ended all the same, so that nobody waits for the rest.
func (a *answer) finish() error {
	if a.ended {
		return a.err
	}
	a.ended = true
	a.WriteHeader(http.StatusOK)
	if a.err != nil && !a.begun {
		broken := a.err
		a.err, a.ended = nil, false
		a.fail(http.StatusInternalServerError)
		return broken
	}
	if a.err != nil {
		return errors.Join(a.err, a.send(nil, false))
	}
	return a.piece(false)
}

// fail answers with a status and nothing else, or ends what has begun.
func (a *answer) fail(status int) {
	if a.ended {
		return
	}
	a.pending.Reset()
	if a.begun {
		a.ended = true
		_ = a.send(nil, false)
		return
	}
	a.header, a.status, a.err = http.Header{"Cache-Control": {"no-store"}}, status, nil
	_ = a.finish()
}
