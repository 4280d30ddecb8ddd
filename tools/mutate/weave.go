package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// Compiling and linking a test program costs more than running it. So the mutants that stand inside functions are
// compiled together, each as a closure at the beginning of its function, and the environment says which one is on:
//
//	func (r *Relay) Halt() error {
//		switch mutantNow {
//		case 7: return func() error { …the body, with mistake 7… }()
//		}
//		…the body…
//	}
//
// A mistake in a constant, and in whatever else stands outside a function, is compiled by itself.

// chosen is the environment's variable that names the mutant; without it all is as it was.
const chosen = "MUTATE_NOW"

// chooser is the file that goes into the package for it.
const chooser = `package %s

import (
	"os"
	"strconv"
)

var mutantNow, _ = strconv.Atoi(os.Getenv("` + chosen + `"))
`

// body is a function that a mutant stands in: its results as they are written, and where its body's braces are.
type body struct {
	results    string
	open, shut int // offsets: after {, and of }
}

// woven is a source file with mutants in it.
type woven struct {
	text  []byte
	lines map[int]int // which mutant, counted from 1, a line belongs to
}

// weave puts mutants, which all stand in functions of this file, into it. ids gives each its number.
func weave(source []byte, ms []mutant, ids []int) woven {
	order := make([]int, len(ms))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return ms[a].body.open - ms[b].body.open })
	w := woven{lines: map[int]int{}}
	line, from := 1, 0
	write := func(text []byte) {
		w.text = append(w.text, text...)
		line += bytes.Count(text, []byte("\n"))
	}
	for n := 0; n < len(order); {
		b := ms[order[n]].body
		write(source[from:b.open])
		write([]byte("\nswitch mutantNow {\n"))
		for ; n < len(order) && ms[order[n]].body.open == b.open; n++ {
			begin := line
			write(closure(source, ms[order[n]], ids[order[n]]))
			for l := begin; l < line; l++ {
				w.lines[l] = ids[order[n]]
			}
		}
		write([]byte("}\n"))
		from = b.open
	}
	write(source[from:])
	return w
}

// closure is a mutant's case in its function's switch.
func closure(source []byte, m mutant, id int) []byte {
	b := m.body
	inner := slices.Concat(source[b.open:m.start], []byte(m.text), source[m.end:b.shut])
	if b.results == "" {
		return fmt.Appendf(nil, "case %d:\nfunc() {%s\n}()\nreturn\n", id, inner)
	}
	return fmt.Appendf(nil, "case %d:\nreturn func() %s {%s\n}()\n", id, b.results, inner)
}

// mistake is a line of the compiler's.
var mistake = regexp.MustCompile(`(?m)(\S+\.go):(\d+):\d+: `)

// blamed are the mutants that the compiler does not take. files gives what was woven by the base names of the files
// that it read.
func blamed(said string, files map[string]woven) []int {
	var bad []int
	for _, m := range mistake.FindAllStringSubmatch(said, -1) {
		line, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		if id := files[filepath.Base(m[1])].lines[line]; id != 0 && !slices.Contains(bad, id) {
			bad = append(bad, id)
		}
	}
	return bad
}
