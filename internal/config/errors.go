package config

import (
	"fmt"
	"slices"
	"strings"
)

// problemsMax bounds what is reported: a file of another kind entirely would otherwise answer with a problem per line.
const problemsMax = 100

// quoteMax is how many characters of a value a message repeats.
const quoteMax = 60

// Problem is one thing that is wrong with the config, said so that the one who edits the file knows what to write
// instead.
type Problem struct {
	File    string `json:"file"`          // as it was named to Load or Parse
	Line    int    `json:"line,omitzero"` // from 1; 0 when there is no line to name, as for a missing table
	Key     string `json:"key,omitzero"`  // "slot.vend.relay", or "" when it is no key's fault
	Message string `json:"message"`
}

// String writes the problem in one line: FILE:LINE: KEY: MESSAGE.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d", s, p.Line)
	}
	if p.Key != "" {
		s += ": " + p.Key
	}
	return s + ": " + p.Message
}

// Errors is every problem of a config, in the order of the lines.
type Errors []Problem

// Error writes one problem per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted orders by line, keeps the order of discovery within one, and cuts what is too much to read.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b Problem) int { return a.Line - b.Line })
	if more := len(e) - problemsMax; more > 0 {
		e = append(e[:problemsMax:problemsMax],
			Problem{File: e[0].File, Message: fmt.Sprintf("and %d more problems", more)})
	}
	return e
}

// quote shows a value within a message.
func quote(s string) string {
	if r := []rune(s); len(r) > quoteMax {
		s = string(r[:quoteMax]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
