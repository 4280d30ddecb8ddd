package setup

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// document is a TOML file as lines, of which single values are set while all else stays as somebody wrote it.
//
// It knows as much of TOML as config files are written in: headers and keys at the beginning of a line, one value in
// one line. What it makes is read again by the config room and held against what was asked for, so that a file which
// is written in another way is refused and never spoilt.
type document struct{ blocks []block }

// block is a header's line and all that follows it, to the next header.
type block struct {
	header string // "slot.vend"; "" before the first
	nth    int    // of the tables that repeat, from 1: the [[slot]] that it is or belongs to; else 0
	lines  []string
}

// errElsewhere is a value that stands in the file in a way that it cannot be changed in.
var errElsewhere = errors.New("is written in more than one line, or as a table in braces")

const repeated = "slot" // the table that repeats, with all below it

// within reports whether a block is one of a slot's.
func (b block) within() bool {
	return b.header == repeated || strings.HasPrefix(b.header, repeated+".")
}

// read parts a file into its blocks.
func read(text string) *document {
	d := &document{blocks: []block{{}}}
	slot := 0
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if name, array, ok := header(line); ok {
			b := block{header: name}
			if array && name == repeated {
				slot++
			}
			if b.within() {
				b.nth = slot
			}
			d.blocks = append(d.blocks, b)
		}
		last := &d.blocks[len(d.blocks)-1]
		last.lines = append(last.lines, strings.TrimSuffix(line, "\r"))
	}
	return d
}

// header reads a line as [name] or [[name]].
func header(line string) (name string, array, ok bool) {
	line, _, _ = strings.Cut(line, "#")
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "[") || !strings.HasSuffix(line, "]") {
		return "", false, false
	}
	line = line[1 : len(line)-1]
	if array = strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"); array {
		line = line[1 : len(line)-1]
	}
	name = strings.TrimSpace(line)
	ok = name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_.") == ""
	return name, array, ok
}

// keyOf is the key that a line sets, or with a # directly before it would set; "": none.
func keyOf(line string) (key string, off bool) {
	line = strings.TrimSpace(line)
	line, off = strings.CutPrefix(line, "#")
	key, _, found := strings.Cut(line, "=")
	if key = strings.TrimRight(key, " \t"); !found || key == "" ||
		strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "", false
	}
	return key, off
}

// text is the whole file.
func (d *document) text() string {
	var b strings.Builder
	for _, block := range d.blocks {
		for _, line := range block.lines {
			b.WriteString(line)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// where is the line of each key that is set, from 1, by the key of its answer.
func (d *document) where() map[string]int {
	all, at := map[string]int{}, 0
	for _, b := range d.blocks {
		prefix := b.header + "."
		if b.nth > 0 {
			prefix = fmt.Sprint(repeated, ".", b.nth, strings.TrimPrefix(b.header, repeated), ".")
		}
		for _, l := range b.lines {
			at++
			if k, off := keyOf(l); k != "" && !off {
				all[prefix+k] = at
			}
		}
	}
	return all
}

// keys are those that a table sets.
func (d *document) keys(table string, nth int) (all []string) {
	for _, b := range d.blocks {
		for _, l := range b.lines {
			if k, off := keyOf(l); b.header == table && b.nth == nth && k != "" && !off {
				all = append(all, k)
			}
		}
	}
	return all
}

// find is the place of a table's block; -1: there is none.
func (d *document) find(table string, nth int) int {
	return slices.IndexFunc(d.blocks, func(b block) bool { return b.header == table && b.nth == nth })
}

// set gives a key of a table this value, which is TOML. A line that has the key keeps its comment, also one that has it
// behind a #; a new one gets comment, which may be "".
func (d *document) set(table string, nth int, key, value, comment string) error {
	i := d.find(table, nth)
	if i < 0 {
		i = d.add(table, nth)
	}
	b := &d.blocks[i]
	at := -1
	for n, l := range b.lines {
		k, off := keyOf(l)
		if k == key && !off {
			at = n
			break
		}
		if k == key && at < 0 {
			at = n
		}
	}
	if at < 0 {
		at = b.end()
		b.lines = slices.Insert(b.lines, at, row("", key, value, comment))
		return nil
	}
	line, err := replaced(b.lines[at], value)
	if err != nil {
		return fmt.Errorf("%s.%s %w", table, key, err)
	}
	b.lines[at] = line
	return nil
}

// unset takes a key's line out of force, with a # before it.
func (d *document) unset(table string, nth int, key string) error {
	i := d.find(table, nth)
	if i < 0 {
		return nil
	}
	for n, l := range d.blocks[i].lines {
		if k, off := keyOf(l); k == key && !off {
			if _, err := replaced(l, `""`); err != nil {
				return fmt.Errorf("%s.%s %w", table, key, err)
			}
			d.blocks[i].lines[n] = "#" + strings.TrimLeft(l, " \t")
		}
	}
	return nil
}

// end is where a new line of a block goes: behind its last key, before what is said of the next block.
func (b *block) end() int {
	for n := len(b.lines) - 1; n >= 0; n-- {
		if k, _ := keyOf(b.lines[n]); k != "" {
			return n + 1
		}
	}
	for n, l := range b.lines {
		if _, _, ok := header(l); ok {
			return n + 1
		}
	}
	return len(b.lines)
}

// add makes a table's block and answers its place. That of a slot comes behind the slots that there are.
func (d *document) add(table string, nth int) int {
	head := "[" + table + "]"
	if table == repeated {
		head = "[[" + table + "]]"
	}
	b := block{header: table, nth: nth, lines: []string{head}}
	if table == repeated {
		b.lines = []string{"", head}
	}
	after := len(d.blocks) - 1
	for n, other := range d.blocks {
		if nth > 0 && other.within() && other.nth <= nth {
			after = n
		}
	}
	last := &d.blocks[after]
	if tail := last.end(); last.header != "" { // what is said at its end is about what comes then
		if nth > 0 && !last.within() { // the first slot: after what is said of all of them
			tail = len(last.lines)
		}
		b.lines = append(b.lines, last.lines[tail:]...)
		last.lines = last.lines[:tail]
	}
	if nth == 0 {
		b.lines = append([]string{""}, b.lines...)
	}
	d.blocks = slices.Insert(d.blocks, after+1, b)
	return after + 1
}

// retire takes all lines of the slots behind the last one that stays out of force. Nothing of them is lost.
func (d *document) retire(last int) {
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.nth <= last {
			continue
		}
		for n, end := 0, b.end(); n < end; n++ {
			if l := strings.TrimSpace(b.lines[n]); l != "" && !strings.HasPrefix(l, "#") {
				b.lines[n] = "#" + b.lines[n]
			}
		}
	}
}

// retireAt takes the lines of the block out of force in which this line is, from 1, and its header.
func (d *document) retireAt(line int) {
	at := 0
	for i := range d.blocks {
		b := &d.blocks[i]
		if at += len(b.lines); line > at {
			continue
		}
		for n, end := 0, b.end(); n < end; n++ {
			if l := strings.TrimSpace(b.lines[n]); l != "" && !strings.HasPrefix(l, "#") {
				b.lines[n] = "#" + b.lines[n]
			}
		}
		return
	}
}

// column is where the comment of a line begins, as in the commented example.
const column = 36

// row is a line with a key, its value, and a comment.
func row(indent, key, value, comment string) string {
	line := indent + key + " = " + value
	if comment == "" {
		return line
	}
	return line + strings.Repeat(" ", max(1, column-len([]rune(line)))) + comment
}

// replaced is a key's line with another value, and the comment that it has.
func replaced(line, value string) (string, error) {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	key, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimLeft(line, " \t"), "#"), "=")
	rest = strings.TrimLeft(rest, " \t")
	n, ok := extent(rest)
	if !ok {
		return "", errElsewhere
	}
	comment := strings.TrimSpace(rest[n:])
	if comment != "" && !strings.HasPrefix(comment, "#") {
		return "", errElsewhere
	}
	if rest[:n] == value && !strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") {
		return line, nil // as somebody has laid it out
	}
	return row(indent, strings.TrimSpace(key), value, comment), nil
}

// extent is how many bytes the value at the beginning of a text has; false: it is none of one line.
func extent(s string) (n int, ok bool) {
	switch {
	case s == "" || strings.HasPrefix(s, `"""`) || strings.HasPrefix(s, "'''") || s[0] == '{':
		return 0, false
	case s[0] == '[':
		return listed(s)
	case s[0] == '\'':
		end := strings.IndexByte(s[1:], '\'')
		return end + 2, end >= 0
	case s[0] == '"':
		for n := 1; n < len(s); n++ {
			switch s[n] {
			case '\\':
				n++
			case '"':
				return n + 1, true
			}
		}
		return 0, false
	}
	if n = strings.IndexAny(s, " \t#"); n < 0 {
		n = len(s)
	}
	return n, n > 0
}

// listed is extent of a list.
func listed(s string) (n int, ok bool) {
	for n = 1; n < len(s); {
		switch s[n] {
		case ']':
			return n + 1, true
		case ' ', '\t', ',':
			n++
		default:
			length, ok := extent(s[n:])
			if !ok || strings.ContainsAny(s[n:n+1], "[#") {
				return 0, false
			}
			if s[n] != '"' && s[n] != '\'' { // a bare value ends before a comma too
				if end := strings.IndexAny(s[n:n+length], ",]"); end > 0 {
					length = end
				}
			}
			n += length
		}
	}
	return 0, false
}

// quoted is a text as TOML has it.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
