// Package setup asks what the config of a new machine must say, keeps the answers over a power cut, and writes them
// into a commented TOML file: the one that is there with single values changed, or the commented example. It moves
// nothing and asks nobody; who shows the questions, at a terminal or on a page, also tries what was answered.
//
// Every answer is judged by the config room itself, in the file that it would make.
package setup

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kioskd/hw/vend"
	"kioskd/internal/config"
)

// Facts are what is known of the machine before anything is asked. They are offered as answers.
type Facts struct {
	Timezone    string
	Endpoint    string // of Glase
	Framebuffer bool   // there is one
	Pins        bool   // this computer has some
	Registered  bool   // it has made a terminal for itself
	Serial      []string
	Demo        bool // all is simulated

	Company, TerminalID, MerchantID, Token string
}

// Options are what a Setup is made with.
type Options struct {
	Path  string // of the config
	Kinds []vend.Kind
	Judge config.Judge
	Facts Facts
	// Fixed are values that nobody is asked for, by key: "journal.path".
	Fixed []Answer
	// UID and GID are of the user that kioskd runs as, to whom the files belong; -1: whoever runs this.
	UID, GID int
}

// Answer is what was said to a question.
type Answer struct {
	Key  string `json:"key"`
	Text string `json:"text"`
	Form Form   `json:"form,omitzero"`
}

// Setup is a machine that is being set up. It is for one goroutine at a time.
type Setup struct {
	o       Options
	answers []Answer          // in the order in which they were given
	at      map[string]int    // their places there
	before  map[string]string // what is offered again: of the file, or an answer that is to be given anew
	had     map[string]string // what the file says
	fleet   bool              // it is one of many: gateways are called, and nothing listens here
	old     []byte            // the config as it is; nil: there is none
	base    string            // the file that is changed

	comments map[string]string // for lines that it does not have
	free     []string          // the usual pins that no answer has
	stood    []complaint       // against the answers as they are, when known is true
	known    bool
	// Note says what is to be known of the file that is there; "": nothing.
	Note string
}

// New begins with the config that is there, if any, and no answers. existing is the file; nil: there is none.
func New(o Options, existing []byte) *Setup {
	s := &Setup{o: o, before: map[string]string{}, old: existing, base: fresh(),
		comments: comments()}
	if existing == nil {
		return s
	}
	said, err := flatten(existing, o.Kinds)
	if err != nil {
		s.Note = fmt.Sprintf("%s cannot be read as a config (%v): it is set aside, and another one is written", o.Path, err)
		return s
	}
	s.before, s.had = said.texts(), said.texts()
	s.fleet = s.had["fleet.servers"] != ""
	if o.Facts.Registered && s.before["glase.account"] == Register {
		s.before["glase.account"] = Own
	}
	if err := s.editable(existing, said); err != nil {
		s.Note = fmt.Sprintf("%s is written in a way that single values of it cannot be changed in (%v): it is set aside, "+
			"and another one is written, with what is answered here alone", o.Path, err)
		return s
	}
	s.base = string(existing)
	return s
}

// editable tries to write every value that the file has where it is.
func (s *Setup) editable(existing []byte, said values) error {
	d := read(string(existing))
	where := d.where()
	for _, v := range said {
		table, nth, key := place(v.Key)
		if v.Form == list || v.odd {
			continue // nobody asks for it, and it stays as it is
		}
		if where[v.Key] == 0 && !v.derived {
			return fmt.Errorf("%s is not in a line of its own", v.Key)
		}
		if v.derived {
			continue
		}
		if err := d.set(table, nth, key, `""`, ""); err != nil {
			return err
		}
	}
	return nil
}

// given is an answer.
func (s *Setup) given(key string) (string, bool) {
	if n := s.index(key); n >= 0 {
		return s.answers[n].Text, true
	}
	return "", false
}

func (s *Setup) has(key string) bool { return s.index(key) >= 0 }

func (s *Setup) index(key string) int {
	if len(s.at) != len(s.answers) { // they have changed
		s.at = make(map[string]int, len(s.answers))
		for n, a := range s.answers {
			s.at[a.Key] = n
		}
	}
	if n, ok := s.at[key]; ok {
		return n
	}
	return -1
}

// Answered is how many questions have an answer.
func (s *Setup) Answered() int { return len(s.answers) }

// Next is the first question that has no answer, and its section; false: all have.
func (s *Setup) Next() (Section, Question, bool) {
	for _, sec := range s.Sections() {
		for _, q := range sec.Questions {
			if !s.has(q.Key) {
				return sec, q, true
			}
		}
	}
	return Section{}, Question{}, false
}

// Value is what a question's answer is now, or what is offered for it.
func (s *Setup) Value(q Question) string {
	if q.Form == Secret {
		return s.suggested(q)
	}
	return s.value(q)
}

// question finds one by its key.
func (s *Setup) question(key string) (Question, bool) {
	for _, sec := range s.Sections() {
		for _, q := range sec.Questions {
			if q.Key == key {
				return q, true
			}
		}
	}
	return Question{}, false
}

// Errors of Answer that a caller tells apart.
var (
	ErrNoQuestion = errors.New("nobody asks that")
	ErrNeeded     = errors.New("this cannot be left out")
)

// textMax bounds an answer, in bytes, as the config bounds a text.
const textMax = 1024

// Answer answers a question. "" leaves an optional one out. The error says what is wrong with it, and what to write
// instead; nothing is changed then. Passwords go to Password.
func (s *Setup) Answer(key, text string) error {
	q, ok := s.question(key)
	if !ok {
		return fmt.Errorf("%w: %.60q", ErrNoQuestion, key)
	}
	text = strings.TrimSpace(text)
	if err := q.check(text); err != nil {
		return err
	}
	return s.put(Answer{Key: key, Text: text, Form: q.Form})
}

// check says what is wrong with an answer by itself.
func (q Question) check(text string) error {
	switch {
	case q.Form == Secret:
		return fmt.Errorf("%w: %s is a password", ErrNoQuestion, q.Key)
	case len(text) > textMax:
		return fmt.Errorf("this has %d bytes: at most %d are allowed", len(text), textMax)
	case !utf8.ValidString(text):
		return errors.New("this is not UTF-8: type it again")
	case text == "" && !q.Optional:
		return ErrNeeded
	case q.Form == Number && text != "" && !whole(text):
		return fmt.Errorf("%q is no whole number: write digits alone", text)
	}
	if len(q.Choices) > 0 && !slices.ContainsFunc(q.Choices, func(c Choice) bool { return c.Word == text }) {
		return fmt.Errorf("%q is none of them: write %s", text, strings.Join(choices(q), ", "))
	}
	if n, _ := strconv.Atoi(text); q.Key == slotsKey && (n < 1 || n > slotsMax) {
		return fmt.Errorf("%s is out of range: write 1 to %d", text, slotsMax)
	}
	return nil
}

func choices(q Question) (all []string) {
	for _, c := range q.Choices {
		all = append(all, c.Word)
	}
	return all
}

// whole reports whether a text is a whole number that TOML takes.
func whole(s string) bool {
	const most = 9 // digits
	return len(s) <= most && strings.Trim(s, "0123456789") == "" && (s == "0" || !strings.HasPrefix(s, "0"))
}

// put takes an answer, unless the config room complains of the file that it makes.
func (s *Setup) put(a Answer) error {
	was := slices.Clone(s.answers)
	if !s.known {
		s.stood, s.known = s.complaints(), true
	}
	if n := s.index(a.Key); n >= 0 {
		s.answers[n] = a
	} else {
		s.answers, s.at = append(s.answers, a), nil
	}
	now := s.complaints()
	for _, c := range now {
		same := func(old complaint) bool { return old.said() == c.said() }
		if c.missing || c.later || slices.ContainsFunc(s.stood, same) {
			continue
		}
		s.answers, s.at = was, nil
		if c.answer == a.Key {
			return errors.New(c.message)
		}
		return errors.New(c.said())
	}
	s.stood = now
	return nil
}

// complaint is what the config room has against the file that the answers make.
type complaint struct {
	answer  string // the answer in whose line it is; "": in none's
	key     string // of the config
	message string
	missing bool // it is not said yet
	later   bool // it is about a [[pin]], whose wire may be named by a later answer
}

func (c complaint) said() string {
	if c.answer != "" {
		return c.answer + ": " + c.message
	}
	return c.key + ": " + c.message
}

// inLine is how the config room names another line, which here is a line of a file that nobody has seen.
var inLine = regexp.MustCompile(`in line (\d+)`)

func (s *Setup) complaints() (all []complaint) {
	text, lines, err := s.compile()
	if err != nil {
		return []complaint{{message: err.Error()}}
	}
	_, err = s.parse(text)
	var problems config.Errors
	if !errors.As(err, &problems) {
		return nil
	}
	for _, p := range problems {
		message := inLine.ReplaceAllStringFunc(p.Message, func(l string) string {
			n, _ := strconv.Atoi(l[len("in line "):])
			if at, ok := lines[n]; ok {
				return "as " + at
			}
			return "elsewhere in the file"
		})
		all = append(all, complaint{answer: lines[p.Line], key: p.Key, message: message,
			missing: strings.HasPrefix(message, "is missing") || strings.HasPrefix(message, "there is none"),
			later:   lines[p.Line] == "" && strings.HasPrefix(p.Key, "pin.")})
	}
	return all
}

// Back takes the last answer back, and offers it again. It answers the question's key; "": there was none.
func (s *Setup) Back() string {
	if len(s.answers) == 0 {
		return ""
	}
	last := s.answers[len(s.answers)-1]
	s.again(last)
	s.answers = s.answers[:len(s.answers)-1]
	s.changed()
	return last.Key
}

// Reopen has a section's questions asked again, with their answers offered.
func (s *Setup) Reopen(section string) {
	for _, sec := range s.Sections() {
		if sec.Name != section {
			continue
		}
		for _, q := range sec.Questions {
			if n := s.index(q.Key); n >= 0 {
				s.again(s.answers[n])
				s.answers = slices.Delete(s.answers, n, n+1)
				s.changed()
			}
		}
	}
}

// changed forgets what was known of the answers as they were.
func (s *Setup) changed() { s.at, s.known = nil, false }

func (s *Setup) again(a Answer) {
	if a.Form != Secret {
		s.before[a.Key] = a.Text
	}
}
