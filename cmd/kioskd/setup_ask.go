package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// prompter asks one line after the other, at a terminal or of whatever else the standard input is.
type prompter struct {
	in     *os.File
	out    io.Writer
	reader *bufio.Reader
}

// errNoMore is the end of the input.
var errNoMore = errors.New("there is nothing more to read: the answers so far are kept, and the next kioskd setup goes " +
	"on there")

// typed is a line that was typed, or why there is none.
type typed struct {
	text string
	err  error
}

// read reads a line. Unseen ones are not shown while they are typed, on a terminal.
func (p *prompter) read(ctx context.Context, unseen bool) (string, error) {
	fd := int(p.in.Fd())
	var state *term.State
	if unseen && term.IsTerminal(fd) {
		state, _ = term.GetState(fd)
	}
	select {
	case t := <-p.begin(unseen):
		return t.text, t.err
	case <-ctx.Done():
		if state != nil {
			_ = term.Restore(fd, state) // the terminal is the person's again
		}
		return "", ctx.Err()
	}
}

// begin reads a line while others go on. One is read at a time.
func (p *prompter) begin(unseen bool) <-chan typed {
	if p.reader == nil {
		p.reader = bufio.NewReader(p.in)
	}
	line := make(chan typed, 1)
	go func() { // until a line comes, or the program ends
		if fd := int(p.in.Fd()); unseen && term.IsTerminal(fd) && p.reader.Buffered() == 0 {
			b, err := term.ReadPassword(fd)
			fmt.Fprintln(p.out)
			line <- typed{string(b), err}
			return
		}
		text, err := limited(p.reader)
		line <- typed{text, err}
	}()
	return line
}

// limited reads one line of at most lineMax bytes.
func limited(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		c, err := r.ReadByte()
		switch {
		case err == io.EOF && b.Len() > 0:
			return b.String(), nil
		case err == io.EOF:
			return "", errNoMore
		case err != nil:
			return "", err
		case c == '\n':
			return strings.TrimSuffix(b.String(), "\r"), nil
		case b.Len() >= lineMax:
			return "", fmt.Errorf("a line of more than %d bytes", lineMax)
		}
		b.WriteByte(c)
	}
}

// yes asks for a word. Anything but yes is no, so that nothing moves by chance; Enter is otherwise.
func (p *prompter) yes(ctx context.Context, otherwise bool, format string, args ...any) (bool, error) {
	offered := "no"
	if otherwise {
		offered = "yes"
	}
	for {
		fmt.Fprintf(p.out, format+" yes or no [%s]: ", append(args, offered)...)
		text, err := p.read(ctx, false)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "":
			return otherwise, nil
		case "yes", "y":
			return true, nil
		case "no", "n":
			return false, nil
		}
	}
}
