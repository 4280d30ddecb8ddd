package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/term"
)

const (
	columnsMin = 80 // of a terminal: the kiosk's QR code with words beside it, and the demo's lines
	rowsMin    = 24
	linesBelow = 3   // the demo's own, under the kiosk's screen
	strokesMax = 16  // keys that may wait for the customer's hands; more are dropped
	readMax    = 64  // bytes of keys that are read at a time
	pictureMax = 256 // KiB that are read of the kiosk's pictures at a time
)

// The control sequences that begin and end the demo's use of the terminal: the other screen, without a cursor and
// without wrapping, as the kiosk draws it. The kiosk's own last words are not waited for.
const (
	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
	leave = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"

	clearing = "\x1b[J" // the kiosk begins by clearing all of the terminal, the demo's lines too
)

// screen is the terminal in which the kiosk's screen stands, and under it the demo's lines. Only run's goroutine writes
// to it.
type screen struct {
	in, out       *os.File
	width, height int // of the kiosk's screen, in cells
	colour        bool

	picture picture
	machine status
	seen    seen
	help    string // the page that stands in place of everything; "" for none
	small   bool   // the terminal has been made too small
	below   string // the lines that stand there; "" when they do not
}

// newScreen looks whether the terminal is large enough.
func newScreen(in, out *os.File) (*screen, error) {
	columns, rows, err := term.GetSize(int(out.Fd()))
	if err != nil {
		return nil, fmt.Errorf("the terminal does not say how large it is: %w: try --auto", err)
	}
	if columns < columnsMin || rows < rowsMin {
		return nil, fmt.Errorf(
			"the terminal has %d columns and %d rows; the kiosk's screen and the lines under it need %d and %d: make "+
				"it larger, or try --auto",
			columns, rows, columnsMin, rowsMin)
	}
	return &screen{in: in, out: out, width: columns, height: rows - linesBelow, colour: os.Getenv("NO_COLOR") == ""},
		nil
}

// run shows the kiosk and takes keys until the customer or ctx ends it, or a child ends by itself. The terminal is then
// as it was before.
func (s *screen) run(ctx context.Context, w *world) error {
	before, err := term.MakeRaw(int(s.in.Fd()))
	if err != nil {
		return fmt.Errorf("the terminal gives no single keys: %w", err)
	}
	defer func() {
		fmt.Fprint(s.out, leave)
		_ = term.Restore(int(s.in.Fd()), before) // there is nothing else to try
	}()
	fmt.Fprint(s.out, enter)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)

	broken := make(chan string, 1)
	typed, drawn := make(chan keystroke), make(chan []byte)
	steps, sights := make(chan status), make(chan seen)
	strokes := make(chan keystroke, strokesMax)
	beside := func(f func()) {
		go func() {
			defer func() {
				if r := recover(); r != nil { // a panic here would leave the terminal as it is
					select {
					case broken <- fmt.Sprintf("%v\n%s", r, debug.Stack()):
					default:
					}
				}
			}()
			f()
		}()
	}
	beside(func() { readKeys(ctx, s.in, typed) })
	beside(func() { readPictures(ctx, w.picture, drawn) })
	// a kiosk that ends is noticed otherwise
	beside(func() { _ = w.follow(ctx, func(st status) { send(ctx, steps, st) }) })
	h := &hands{w: w, tell: func(v seen) { send(ctx, sights, v) }}
	beside(func() { h.run(ctx, strokes) })

	for {
		select {
		case k := <-typed:
			switch {
			case k.deed == quit:
				return nil
			case s.help != "":
				s.help = "" // any key
				s.all()
			case k.deed == toggleHelp:
				s.help = w.howTo()
				s.all()
			default:
				select {
				case strokes <- k:
				default:
				}
			}
		case b := <-drawn:
			s.show(s.picture.add(b))
		case s.machine = <-steps:
			s.lines()
		case s.seen = <-sights:
			s.lines()
		case <-resized:
			s.resize()
		case what := <-broken:
			return fmt.Errorf("panic: %s", what)
		case <-ctx.Done():
			return nil
		case <-w.glasesim.Ended():
			return w.glasesim.died()
		case <-w.kiosk().Ended():
			return w.kiosk().died()
		}
	}
}

// send sends unless ctx ends.
func send[T any](ctx context.Context, to chan<- T, v T) {
	select {
	case to <- v:
	case <-ctx.Done():
	}
}

// readKeys reads until the terminal gives no more, which is taken as the wish to end. It may outlive ctx: a terminal's
// read cannot be ended.
func readKeys(ctx context.Context, in *os.File, typed chan<- keystroke) {
	b := make([]byte, readMax)
	for {
		n, err := in.Read(b)
		for _, k := range keys(b[:n]) {
			send(ctx, typed, k)
		}
		if err != nil {
			send(ctx, typed, keystroke{deed: quit})
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// readPictures reads what the kiosk draws until it ends. It goes on after ctx, so that the kiosk never waits for a
// reader while it settles its sale.
func readPictures(ctx context.Context, from *os.File, drawn chan<- []byte) {
	for {
		b := make([]byte, pictureMax<<10)
		n, err := from.Read(b)
		if n > 0 {
			send(ctx, drawn, b[:n])
		}
		if err != nil {
			return
		}
	}
}

// resize follows the terminal's size. The kiosk's screen keeps its own: there is only the question whether it still
// fits.
func (s *screen) resize() {
	columns, rows, err := term.GetSize(int(s.out.Fd()))
	s.small = err == nil && (columns < s.width || rows < s.height+linesBelow)
	s.all()
}

// all draws everything anew.
func (s *screen) all() {
	s.below = ""
	fmt.Fprint(s.out, "\x1b[0m\x1b[2J\x1b[H")
	switch {
	case s.small:
		fmt.Fprintf(s.out, "Too small: make this terminal\r\nat least %d x %d again. q ends.", s.width,
			s.height+linesBelow)
	case s.help != "":
		fmt.Fprint(s.out, "\x1b[?7h", strings.ReplaceAll(s.help, "\n", "\r\n"), "\r\nAny key goes back.\x1b[?7l")
	default:
		s.show(s.picture.last)
	}
}

// show puts a piece of the kiosk's picture on the terminal.
func (s *screen) show(b []byte) {
	if s.small || s.help != "" || len(b) == 0 {
		return
	}
	_, _ = s.out.Write(b) // a terminal that went away ends the keys too
	if bytes.Contains(b, []byte(clearing)) {
		s.below = ""
	}
	s.lines()
}

// lines draws the demo's lines, and leaves the cursor and the colours as the kiosk has them.
func (s *screen) lines() {
	if s.small || s.help != "" {
		return
	}
	machine := s.machine.String()
	for _, more := range []struct {
		word string
		is   bool
	}{{s.seen.front, s.seen.front != ""}, {"the next one jams", s.seen.jam}, {"the door is open", s.seen.open}} {
		if more.is {
			machine += " · " + more.word
		}
	}
	var b strings.Builder
	b.WriteString("\x1b7")
	for i, l := range []struct{ name, keys, says string }{
		{"phone", "s scan   p PIN     x cancel", s.seen.phone},
		{"machine", "1-6 buy  c cancel  j jam  o door", machine},
		{"demo", "h help   q end", "with curl, and all addresses: h"},
	} {
		fmt.Fprintf(&b, "\x1b[%d;1H%s", s.height+1+i, line(l.name, l.keys, l.says, s.width, s.colour))
	}
	b.WriteString("\x1b8")
	if b.String() != s.below {
		s.below = b.String()
		fmt.Fprint(s.out, s.below)
	}
}

// Places in a line of the demo's, in cells.
const (
	keysAt = 10
	saysAt = 44
)

// line is one line of the demo's: a name, keys, and what is so now, exactly width cells of it.
func line(name, keys, says string, width int, colour bool) string {
	cells := func(text string, n int) string {
		if utf8.RuneCountInString(text) > n {
			text = string([]rune(text)[:n-1]) + "…"
		}
		return text + strings.Repeat(" ", n-utf8.RuneCountInString(text))
	}
	name, keys, says = cells(" "+name, keysAt), cells(keys, saysAt-keysAt), cells(says, width-saysAt)
	if !colour {
		return name + keys + says
	}
	const back, dim, key, text = "\x1b[0;48;5;238m", "\x1b[22;38;5;250m", "\x1b[1;38;5;221m", "\x1b[22;38;5;255m"
	for _, k := range []string{"s ", "p ", "x ", "1-6 ", "c ", "j ", "o ", "h ", "q "} {
		if at := strings.Index(" "+keys, " "+k); at >= 0 {
			keys = keys[:at] + key + strings.TrimSpace(k) + dim + " " + keys[at+len(k):]
		}
	}
	return back + dim + name + keys + text + says + "\x1b[0m"
}
