package config

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// node remembers where a key or a table of the document stands, which the decoded values have lost.
type node struct {
	parent *node // nil for the document itself
	key    string
	line   int  // where it was first mentioned, from 1
	placed bool // by a key or header of its own, not only as a part of a longer one
	kids   map[string]*node
	items  []*node // of an array, in order; those that are tables or arrays
}

// pathMax bounds the parts of a path that is shown. The longest that has a meaning is slot.vend.driver.
const pathMax = 6

// path is the node's key with those of the tables around it, "slot.vend.relay".
func (n *node) path() string {
	var parts []string
	for ; n != nil && len(parts) < pathMax; n = n.parent {
		if n.parent != nil {
			parts = append(parts, bare(n.key))
		}
	}
	slices.Reverse(parts)
	return strings.Join(parts, ".")
}

// at answers the node of a key, or nil.
func (n *node) at(key string) *node {
	if n == nil {
		return nil
	}
	return n.kids[key]
}

// item answers the node of an array's element, or nil.
func (n *node) item(i int) *node {
	if n == nil || i >= len(n.items) {
		return nil
	}
	return n.items[i]
}

// walk reads a document for its lines alone. It also finds the keys and tables that stand in it twice: go-toml would
// report the first of them only, and not where the other one is.
type walk struct {
	file   string
	parser unstable.Parser
	starts []int // the offset of each line's first byte
	table  *node // the last header's
	twice  Errors
}

// lines answers the document's root. When the document is not TOML, it is complete up to the mistake.
func (w *walk) lines(b []byte) *node {
	w.starts = []int{0}
	for i, c := range b {
		if c == '\n' {
			w.starts = append(w.starts, i+1)
		}
	}
	root := &node{}
	w.table = root
	w.parser.Reset(b)
	for w.parser.NextExpression() {
		e := w.parser.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			w.table = w.header(root, e)
		case unstable.KeyValue:
			w.keyValue(w.table, e)
		}
	}
	return root
}

// lineOf is the line of a key's part.
func (w *walk) lineOf(key *unstable.Node) int {
	return sort.SearchInts(w.starts, int(key.Raw.Offset)+1)
}

// header answers the table that a [table] or [[table]] line opens.
func (w *walk) header(root *node, e *unstable.Node) *node {
	n, line := root, 0
	for keys := e.Key(); keys.Next(); {
		if len(n.items) > 0 { // [slot.vend] belongs to the last [[slot]]
			n = n.items[len(n.items)-1]
		}
		line = w.lineOf(keys.Node())
		n = n.kid(string(keys.Node().Data), line)
	}
	if e.Kind == unstable.ArrayTable {
		return n.append(line)
	}
	w.place(n, line, "table")
	return n
}

// keyValue enters key = value into a table.
func (w *walk) keyValue(n *node, e *unstable.Node) {
	line := 0
	for keys := e.Key(); keys.Next(); {
		line = w.lineOf(keys.Node())
		n = n.kid(string(keys.Node().Data), line)
	}
	w.place(n, line, "key")
	w.value(n, line, e.Value())
}

// value enters the keys of inline tables, and of those in an array.
func (w *walk) value(n *node, line int, v *unstable.Node) {
	for kids := v.Children(); kids.Next(); {
		switch k := kids.Node(); {
		case v.Kind == unstable.InlineTable:
			w.keyValue(n, k)
		case v.Kind == unstable.Array && (k.Kind == unstable.InlineTable || k.Kind == unstable.Array):
			w.value(n.append(line), line, k)
		}
	}
}

// place notes that a key or header of its own is here, which may be so once.
func (w *walk) place(n *node, line int, what string) {
	if n.placed && len(w.twice) < problemsMax {
		w.twice = append(w.twice, Problem{w.file, line, n.path(),
			fmt.Sprintf("the %s is in line %d already: keep one of them", what, n.line)})
	}
	n.placed = true
}

// kid answers the node of a key, a new one if need be.
func (n *node) kid(key string, line int) *node {
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	if n.kids[key] == nil {
		n.kids[key] = &node{parent: n, key: key, line: line}
	}
	return n.kids[key]
}

// append answers a new last element of an array. It has the array's name, as [slot.vend] has that of each [[slot]].
func (n *node) append(line int) *node {
	e := &node{parent: n.parent, key: n.key, line: line}
	n.items = append(n.items, e)
	return e
}

// dotted joins a table's path and a key.
func dotted(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// bare writes a key as it must stand in the file: in quotes when it is more than letters, digits, - and _.
func bare(key string) string {
	if key != "" && len(key) <= quoteMax && only(key, bareChars) {
		return key
	}
	if len(key) > quoteMax {
		key = strings.ToValidUTF8(key[:quoteMax], "") + "…"
	}
	return strconv.Quote(key)
}

const bareChars = lower + upper + digits + "-_"
