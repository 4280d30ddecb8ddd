package setup

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"kioskd/internal/config"
)

// heading stands over a file that was begun here.
const heading = `# kioskd: the config of this machine, begun by kioskd setup.
#
# Everything that setup does can be done here, and setup changes single values of this file and leaves the rest as it
# is. kioskd check says what is wrong, line by line, and changes nothing.
#`

// lasting are the keys of the commented example that are right for every machine. What else it has is an example.
var lasting = [...]string{"glase.timeout", "glase.reservation_timeout", "payment.pin_timeout", "payment.choose_timeout",
	"shop.enabled", "journal.path", "debug.listen", "debug.socket"}

// fresh is the commented example without what is true of the example's machine alone.
func fresh() string {
	text := config.Example
	if at := strings.Index(text, "# How to write values"); at >= 0 {
		text = heading + "\n" + text[at:]
	}
	text = strings.ReplaceAll(text, "\n[[pin]]\n", "\n#[[pin]]\n")
	pin := strings.Index(text, "\n#[[pin]]\n")
	if end := strings.Index(text[max(pin, 0):], "\n\n"); pin >= 0 && end >= 0 {
		block := text[pin : pin+end]
		text = text[:pin] + strings.NewReplacer("\nname", "\n#name", "\ndebounce", "\n#debounce").Replace(block) +
			text[pin+end:]
	}
	if at := strings.Index(text, "\n[["+repeated+"]]"); at >= 0 {
		behind := ""
		if board := strings.Index(text, "\n# Behind a serial board"); board > at {
			behind = text[board+1:]
		}
		text = text[:at+1] + behind
	}
	d := read(text)
	for _, b := range d.blocks {
		for _, key := range d.keys(b.header, b.nth) {
			if !slices.Contains(lasting[:], b.header+"."+key) {
				_ = d.unset(b.header, b.nth, key) // the example has each value in one line: a test holds that
			}
		}
	}
	return d.text()
}

// place parts an answer's key into its table, which slot of those, and the key there.
func place(key string) (table string, nth int, last string) {
	at := strings.LastIndex(key, ".")
	if at < 0 {
		return "", 0, key
	}
	table, last = key[:at], key[at+1:]
	if rest, ok := strings.CutPrefix(table, repeated+"."); ok {
		number, below, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); err == nil {
			nth, table = n, repeated
			if below != "" {
				table += "." + below
			}
		}
	}
	return table, nth, last
}

// comments are those of the commented example, for a line that a file does not have.
func comments() map[string]string {
	all := map[string]string{}
	for _, b := range read(config.Example).blocks {
		for _, l := range b.lines {
			key, _ := keyOf(l)
			_, rest, _ := strings.Cut(l, "=")
			rest = strings.TrimLeft(rest, " ")
			if n, ok := extent(rest); ok && key != "" && all[b.header+"."+key] == "" {
				all[b.header+"."+key] = strings.TrimSpace(rest[n:])
			}
		}
	}
	return all
}

// writer sets values in a file, and stops at the first that it cannot set.
type writer struct {
	d    *document
	said map[string]string
	err  error
}

func (w *writer) set(key, value string) {
	if table, nth, last := place(key); w.err == nil {
		w.err = w.d.set(table, nth, last, value, w.said[table+"."+last])
	}
}

func (w *writer) unset(keys ...string) {
	for _, key := range keys {
		if table, nth, last := place(key); w.err == nil {
			w.err = w.d.unset(table, nth, last)
		}
	}
}

// put sets an answer, or leaves out what is not said.
func (w *writer) put(a Answer) {
	switch {
	case a.Text == "":
		w.unset(a.Key)
	case a.Form == Number || a.Form == flag || a.Form == list:
		w.set(a.Key, a.Text)
	default:
		w.set(a.Key, quoted(a.Text))
	}
}

// flag is the form of true and false, which only a file of answers has.
const flag Form = -1

// compile is the file that the answers make, and which answer each of its lines is.
func (s *Setup) compile() (text string, lines map[int]string, err error) {
	w := &writer{d: read(s.base), said: s.comments}
	var asked []string
	for _, sec := range s.Sections() {
		for _, q := range sec.Questions {
			asked = append(asked, q.Key)
			if n := s.index(q.Key); n >= 0 {
				s.write(w, s.answers[n])
			}
		}
	}
	for _, a := range s.o.Fixed {
		w.put(a)
	}
	for n := 1; n <= s.slots(); n++ {
		if s.has(fmt.Sprint(repeated, ".", n, ".kind")) {
			s.only(w, n, asked)
		}
	}
	if s.has(slotsKey) {
		w.d.retire(s.slots())
	}
	lines = map[int]string{}
	where := w.d.where()
	for _, a := range append(slices.Clone(s.answers), s.o.Fixed...) {
		if n, ok := where[a.Key]; ok && w.err == nil {
			lines[n] = a.Key
		}
	}
	return w.d.text(), lines, w.err
}

// write sets what an answer means.
func (s *Setup) write(w *writer, a Answer) {
	table, _, last := place(a.Key)
	switch {
	case a.Key == slotsKey:
	case a.Key == "glase.account":
		if a.Text != Terminal {
			w.unset("glase.terminal_id", "glase.password_file")
		}
	case a.Form == Secret:
		w.set(a.Key+"_file", quoted(s.secretFile(a.Key)))
	case a.Key == "ups.reach":
		if a.Text == Proxy {
			w.set("ups.behind_proxy", "true")
		} else {
			w.unset("ups.behind_proxy")
		}
		if a.Text != TLS {
			w.unset("ups.tls_cert", "ups.tls_key")
		}
	case a.Key == "ups.public_url":
		w.put(a)
		if u, err := url.Parse(a.Text); err == nil && u.Path != "/" && !s.fleet {
			w.put(Answer{Key: "ups.path_prefix", Text: u.Path})
		}
	case table == repeated && last == "kind":
		if k, ok := s.kind(a.Text); ok {
			w.set(strings.TrimSuffix(a.Key, "kind")+"vend.driver", quoted(k.Driver))
		}
	default:
		w.put(a)
	}
}

// only leaves out of a slot what belongs to another kind of slot than it is now.
func (s *Setup) only(w *writer, n int, asked []string) {
	prefix := fmt.Sprint(repeated, ".", n, ".")
	name, _ := s.given(prefix + "kind")
	if was, had := s.had[prefix+"kind"]; !had || was == name {
		return
	}
	for _, key := range w.d.keys(repeated+".vend", n) {
		if key != "driver" && !slices.Contains(asked, prefix+"vend."+key) {
			w.unset(prefix + "vend." + key)
		}
	}
	for _, key := range []string{"max_on", "button"} {
		if !slices.Contains(asked, prefix+key) {
			w.unset(prefix + key)
		}
	}
}

// parse reads a file that the answers make.
func (s *Setup) parse(text string) (config.Config, error) {
	return config.ParseJudged(s.o.Path, []byte(text), filepath.Dir(s.o.Path), s.o.Kinds, s.o.Judge)
}

// unwired takes each [[pin]] out of force whose pin nothing is wired to any more: the config room refuses it, and
// nobody asks about it here.
func (s *Setup) unwired(text string) string {
	_, err := s.parse(text)
	var problems config.Errors
	if !errors.As(err, &problems) {
		return text
	}
	d := read(text)
	for _, p := range problems {
		if p.Key == "pin.name" && strings.Contains(p.Message, "is used by nothing") {
			d.retireAt(p.Line)
		}
	}
	return d.text()
}

// Config is the config that the answers so far make. The error is of type config.Errors, and what could be read is
// there all the same.
func (s *Setup) Config() (config.Config, error) {
	text, _, err := s.compile()
	if err != nil {
		return config.Config{}, err
	}
	return s.parse(text)
}

// Text is the file that the answers so far make.
func (s *Setup) Text() (string, error) {
	text, _, err := s.compile()
	return text, err
}
