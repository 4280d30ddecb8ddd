package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// The colours of a terminal. All are as long as plain, so that columns of coloured words stand straight.
const (
	plain  = "\x1b[39m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	reset  = "\x1b[0m"
)

// paint colours words on a terminal, and leaves them alone elsewhere and where NO_COLOR is set.
type paint bool

func painting(w io.Writer) paint {
	f, ok := w.(*os.File)
	return paint(ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "")
}

func (p paint) in(colour, words string) string {
	if !p {
		return words
	}
	return colour + words + reset
}

// state colours how a sale ended.
func (p paint) state(state, words string) string {
	switch state {
	case "charged":
		return p.in(green, words)
	case "in_doubt", "lost":
		return p.in(red, words)
	case "open":
		return p.in(cyan, words)
	}
	return p.in(plain, words)
}
