package glase

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// ErrInvalid is what a call answers, wrapped with the operation and the field's name, for input that it refused to
// send.
var ErrInvalid = errors.New("invalid")

// ResultError is Glase's own refusal: a result code other than 0 and other than 90 and 94, which are an UnknownError.
type ResultError struct {
	Op          string
	Code        int    // see the Code constants; codes beyond them occur
	Description string // the service's words, shortened, without secrets and long numbers; for a technician

	// AfterUnknown says that an earlier attempt of this call had an unknown outcome: the refusal speaks of the last
	// attempt, and what was asked for may have been done by the earlier one.
	AfterUnknown bool
}

func (e *ResultError) Error() string {
	s := fmt.Sprintf("glase: %s: %d %s", e.Op, e.Code, CodeName(e.Code))
	if e.Description != "" {
		s += ": " + e.Description
	}
	if e.AfterUnknown {
		s += " (after an attempt with an unknown outcome)"
	}
	return s
}

// UnknownError says that the operation may have been done or not: a timeout, a connection lost after it was opened, a
// SOAP Fault, an HTTP status other than 200, an answer that cannot be made out, or one of the result codes 90 and 94.
// No HTTP status counts as a certain no, 401 and 404 included: between here and Glase stand proxies, and a proxy's
// answer proves nothing.
//
// An UnknownError never wraps a ResultError or a NotSentError, so the order in which a caller asks errors.As is of no
// matter.
type UnknownError struct {
	Op  string
	Err error
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("glase: %s: outcome unknown: %s", e.Op, clean(e.Err.Error(), errorTextMax))
}

func (e *UnknownError) Unwrap() error { return e.Err }

// NotSentError says that the request certainly never left: the context was over before, or no connection could be
// opened.
type NotSentError struct {
	Op  string
	Err error
}

func (e *NotSentError) Error() string {
	return fmt.Sprintf("glase: %s: not sent: %s", e.Op, clean(e.Err.Error(), errorTextMax))
}

func (e *NotSentError) Unwrap() error { return e.Err }

const (
	// serviceTextMax bounds, in characters, what of the service's own words goes into an error.
	serviceTextMax = 200
	// errorTextMax bounds an error's text: the libraries below quote what came along the line.
	errorTextMax = 400
	// phoneDigitsMin is the length from which on a number could be a phone number; the shortest international ones have
	// seven.
	phoneDigitsMin = 7
)

// longNumber is phoneDigitsMin or more digits, spelled with or without separators.
var longNumber = regexp.MustCompile(fmt.Sprintf(`\d(?:[ ().\-]{0,2}\d){%d,}`, phoneDigitsMin-1))

// presentable makes words of the service fit for an error: no secret, nothing that could be a phone number, one short
// line.
func presentable(s string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return clean(longNumber.ReplaceAllString(s, "#"), serviceTextMax)
}

// clean makes one line of at most so many characters, and of characters that are printed: whoever reads it in a
// terminal sees what is there, and the service's words move no cursor.
func clean(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}
