package glase

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kioskd/internal/money"
)

// faultError is a SOAP Fault.
type faultError struct{ code, text string }

func (e *faultError) Error() string { return "SOAP fault" }

// FieldError says that a whole answer of the operation came, and that one of its facts cannot be meant: it is missing,
// there twice, too long, or no value of its kind. It is always wrapped in an UnknownError. Asking again makes sense,
// but not for ever: unlike a lost answer it is no matter of the line.
type FieldError struct {
	Field string // the element's name
	Why   string // never holds the value: it may be of any length
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Why }

// answer takes facts from a <return>. Elements come in any order; unknown ones are passed over; an element that is
// there twice with different contents is an error, since nobody can say which is meant. The first error stays.
type answer struct {
	nodes []node
	at    int // the element's index; absent when there is none
	err   error

	afterUnknown bool // an earlier attempt of this call had an unknown outcome
}

const absent = -1

// open finds the <return> of an operation's response: Envelope, Body, then exactly that response.
func open(op string, body []byte) (*answer, error) {
	nodes, err := parse(body)
	if err != nil {
		return nil, err
	}
	if !nodes[0].is(spaceSOAP, "Envelope") {
		return nil, errors.New("not a SOAP envelope")
	}
	content := absent
	for i := 1; i < len(nodes); i = nodes[i].end {
		if nodes[i].is(spaceSOAP, "Body") {
			if content != absent {
				return nil, errors.New("more than one SOAP body")
			}
			content = i
		}
	}
	response := content + 1
	if content == absent || nodes[content].end == response || nodes[response].end != nodes[content].end {
		return nil, errors.New("not one element in the SOAP body")
	}
	a := &answer{nodes: nodes, at: response}
	if nodes[response].is(spaceSOAP, "Fault") {
		return nil, &faultError{a.text("faultcode"), a.text("faultstring")}
	}
	if !nodes[response].is(spaceGlase, op+"Response") {
		return nil, errors.New("not the response to " + op)
	}
	a.at = a.find("return")
	if a.at == absent && a.err == nil {
		return nil, errors.New("a response without return")
	}
	return a, a.err
}

func (n *node) is(s space, name string) bool { return n.space == s && string(n.name) == name }

// ours reports whether a node is the fact of that name: without a namespace or, as a careless server would have it, in
// Glase's.
func (n *node) ours(name string) bool {
	return string(n.name) == name && (n.space == spaceNone || n.space == spaceGlase)
}

func (a *answer) fail(name, why string) {
	if a.err == nil {
		a.err = &FieldError{name, why}
	}
}

// find is the index of the child of that name.
func (a *answer) find(name string) int {
	found := absent
	if a.at == absent {
		return found
	}
	for i := a.at + 1; i < a.nodes[a.at].end; i = a.nodes[i].end {
		switch {
		case !a.nodes[i].ours(name):
		case found == absent:
			found = i
		case !a.equal(found, i):
			a.fail(name, "there twice, and not the same")
		}
	}
	return found
}

// equal reports whether two elements say the same in the same order.
func (a *answer) equal(i, j int) bool {
	n, m := a.nodes[i:a.nodes[i].end], a.nodes[j:a.nodes[j].end]
	if len(n) != len(m) {
		return false
	}
	for k := range n {
		if !bytes.Equal(n[k].name, m[k].name) || n[k].end-i != m[k].end-j ||
			!bytes.Equal(n[k].trimmed(), m[k].trimmed()) {
			return false
		}
	}
	return true
}

func (n *node) trimmed() []byte { return bytes.Trim(n.text, whiteSpace) }

// child is the element of that name. Its errors are its own: hand them back with join.
func (a *answer) child(name string) *answer { return &answer{nodes: a.nodes, at: a.find(name)} }

func (a *answer) join(b *answer) {
	if a.err == nil {
		a.err = b.err
	}
}

// text is a child's text without white space around it, "" when there is none.
func (a *answer) text(name string) string {
	i := a.find(name)
	if i == absent {
		return ""
	}
	if a.nodes[i].end > i+1 {
		a.fail(name, "has elements where a value should be")
	}
	return string(a.nodes[i].trimmed())
}

// token is a text that names something, of at most so many characters: no white space, nothing that is not printed. It
// is refused when it is more, since a part of it would name something else, and whoever kept it could not ask with it.
func (a *answer) token(name string, most int) string {
	s := a.text(name)
	switch {
	case len(s) > most && utf8.RuneCountInString(s) > most:
		a.fail(name, "longer than "+strconv.Itoa(most)+" characters")
	case strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }):
		a.fail(name, "holds what no reference holds")
	default:
		return s
	}
	return ""
}

// words is a text for people, of at most so many characters: cut and cleaned, since nothing hangs on it.
func (a *answer) words(name string, most int) string { return clean(a.text(name), most) }

// required is a text that must be there.
func (a *answer) required(name string) string {
	s := a.text(name)
	if s == "" {
		a.fail(name, "missing")
	}
	return s
}

// reference is a token that must be there, of at most idMax characters: what a request could carry.
func (a *answer) reference(name string) string {
	s := a.token(name, idMax)
	if s == "" {
		a.fail(name, "missing")
	}
	return s
}

// number is an xs:int that must be there.
func (a *answer) number(name string) int {
	n, err := strconv.ParseInt(a.required(name), 10, 32)
	if err != nil {
		a.fail(name, "not a number")
	}
	return int(n)
}

// amount is a child amount, the zero Amount when there is none.
func (a *answer) amount(name string) money.Amount {
	v := a.child(name)
	defer a.join(v)
	if v.at == absent || v.nodes[v.at].end == v.at+1 && len(v.nodes[v.at].trimmed()) == 0 {
		return money.Amount{}
	}
	amount, err := money.ParseXML(v.required("value"), v.required("currency"))
	if err != nil {
		v.fail(name, "not an amount")
	}
	return amount
}

// date is an xs:dateTime, with or without a zone; zero when it is missing or cannot be made out, since nothing hangs on
// it.
func (a *answer) date(name string) time.Time {
	s := a.text(name)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// each calls f for every child of that name.
func (a *answer) each(name string, f func(*answer)) {
	if a.at == absent {
		return
	}
	for i := a.at + 1; i < a.nodes[a.at].end; i = a.nodes[i].end {
		if a.nodes[i].ours(name) {
			one := answer{nodes: a.nodes, at: i}
			f(&one)
			a.join(&one)
		}
	}
}

// report takes the document from its base64 form, else from its plain one.
func (a *answer) report() Report {
	r := a.child("report")
	defer a.join(r)
	report := Report{Title: r.words("title", textMax), MimeType: r.words("mimeType", idMax)}
	content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(r.text("content")), ""))
	if err != nil || len(content) == 0 {
		content = []byte(r.required("contentString"))
	}
	report.Content = content
	return report
}
