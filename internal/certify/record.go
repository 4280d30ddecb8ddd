package certify

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// bodyMax bounds what is taken down of one message, in bytes: a report has the most, and is given twice in its answer.
const bodyMax = 8 << 20

// clock is how a record tells the time of day.
const clock = "15:04:05.000"

// Record takes down what is said between Glase and us, for people to read: Markdown, with passwords and phone numbers
// left out. It is written as it happens, so that a run that is cut short leaves what it has seen. It may be used from
// many goroutines; an error of its writer stays, and Err tells it.
type Record struct {
	wall  func() time.Time
	long  []string         // secrets
	short []*regexp.Regexp // secrets that are looked for as whole words

	mu  sync.Mutex
	w   io.Writer
	err error
}

// NewRecord writes to w. Secrets appear nowhere in what is written, and need not be all of them: whatever is said as a
// password is left out as well.
func NewRecord(w io.Writer, wall func() time.Time, secrets ...string) *Record {
	r := &Record{w: w, wall: wall}
	for _, s := range secrets {
		switch {
		case len(s) >= secretLong:
			r.long = append(r.long, s)
		case s != "":
			r.short = append(r.short, regexp.MustCompile(`(^|[^\pL\pN])`+regexp.QuoteMeta(s)+`($|[^\pL\pN])`))
		}
	}
	return r
}

// Err is the first error of the writer.
func (r *Record) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Title begins a record.
func (r *Record) Title(text string) { r.write("# %s\n", text) }

// Heading begins a step.
func (r *Record) Heading(text string) { r.write("\n## %s\n", text) }

// Say writes a paragraph.
func (r *Record) Say(format string, args ...any) {
	text := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) && c != '\n' {
			return ' '
		}
		return c
	}, fmt.Sprintf(format, args...))
	r.write("\n%s\n", text)
}

func (r *Record) write(format string, args ...any) {
	text := r.without(fmt.Sprintf(format, args...))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		_, r.err = io.WriteString(r.w, text)
	}
}

// message writes one message. An XML document gets a line for each element; nothing else is changed but what is hidden.
func (r *Record) message(what string, body []byte) {
	text, kind := strings.TrimSpace(string(body)), "text"
	switch {
	case text == "":
		r.write("\n%s %s, empty\n", r.wall().Format(clock), what)
		return
	case !utf8.ValidString(text):
		text = fmt.Sprintf("%q", text)
	case text[0] == '<':
		kind, text = "xml", strings.ReplaceAll(text, "><", ">\n<")
	case text[0] == '{':
		kind = "json"
	}
	r.write("\n%s %s\n\n```%s\n%s\n```\n", r.wall().Format(clock), what, kind, text)
}

// What is left out, whoever's it is: passwords, phone numbers, and what stands for a customer's phone.
var (
	hiddenElement = regexp.MustCompile(`(<(?:[\w.-]+:)?(?:password|msisdn|payerTerminalId)(?:\s[^>]*)?>)[^<]*(</)`)
	hiddenField   = regexp.MustCompile(`("msisdn"\s*:\s*)("(?:[^"\\]|\\.)*"|[^\s,}]+)`)
)

// secretLong is from which length on a secret is looked for inside of words too. A shorter one, like the public test
// shop's 1234, is part of many a number.
const secretLong = 8

// without leaves out what nobody may read.
func (r *Record) without(text string) string {
	text = hiddenElement.ReplaceAllString(text, "$1***$2")
	text = hiddenField.ReplaceAllString(text, `$1"***"`)
	for _, secret := range r.long {
		text = strings.ReplaceAll(text, secret, "***")
	}
	for _, word := range r.short {
		for range 2 { // two that share what stands between them need a second look
			text = word.ReplaceAllString(text, "$1***$2")
		}
	}
	return text
}

// Line takes down what goes over another line.
func (r *Record) Line(under http.RoundTripper) http.RoundTripper { return line{r, under} }

type line struct {
	record *Record
	under  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (l line) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		_ = req.Body.Close() // it was read to its end
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
		l.record.message(fmt.Sprintf("we → Glase: %s %s", req.Method, req.URL), body)
	}
	res, err := l.under.RoundTrip(req)
	if err != nil {
		l.record.Say("%s Glase → we: nothing: %v", l.record.wall().Format(clock), err)
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, bodyMax))
	what := "Glase → we: HTTP " + res.Status
	if err != nil {
		what += ", cut off: " + err.Error()
	}
	l.record.message(what, body)
	res.Body = whole{io.MultiReader(bytes.NewReader(body), failing{err}, res.Body), res.Body}
	return res, nil
}

// CloseIdleConnections lets go of the other line's.
func (l line) CloseIdleConnections() {
	if c, ok := l.under.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// whole is a body that was read before.
type whole struct {
	io.Reader
	io.Closer
}

// failing is a body's end as it was when it was read before: with its error, or with none.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// callMax bounds what is taken down of one call that comes in: Glase's have some hundred bytes, and anybody may call.
const callMax = 16 << 10

// Incoming takes down what Glase calls a handler with, and how it answers.
func (r *Record) Incoming(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(io.LimitReader(req.Body, callMax))
		r.message(fmt.Sprintf("Glase → we: %s %s", req.Method, req.URL.Path), body)
		req.Body = whole{io.MultiReader(bytes.NewReader(body), failing{err}, req.Body), req.Body}
		a := &answering{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(a, req)
		r.message(fmt.Sprintf("we → Glase: HTTP %d %s", a.status, http.StatusText(a.status)), a.body.Bytes())
	})
}

// answering keeps what is answered.
type answering struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (a *answering) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answering) Write(b []byte) (int, error) {
	a.body.Write(b)
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *answering) Unwrap() http.ResponseWriter { return a.ResponseWriter }
