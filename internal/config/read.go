package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"kioskd/internal/money"
)

// textMax bounds every text in the file, in bytes; a path is the longest that has a reason to be there.
const textMax = 1024

// socketMax is what fits into Linux's sockaddr_un beside its final NUL.
const socketMax = 107

// table is one table of the document; an absent one is empty.
type table struct {
	doc    *document
	path   string // "slot.vend"; "" for the document itself
	line   int    // of its header, or when it is absent of the table around it; 0 for the document itself
	values map[string]any
	node   *node
}

func (d *document) table(parent *table, key string, values map[string]any, n *node) *table {
	t := &table{doc: d, path: key, values: values, node: n}
	if parent != nil {
		t.path, t.line = dotted(parent.path, key), parent.line
	}
	if n != nil {
		t.line = n.line
	}
	d.tables = append(d.tables, t)
	return t
}

// table answers the table of a key, empty when it is not there.
func (t *table) table(key string) *table {
	v, ok := t.get(key)
	values, isTable := v.(map[string]any)
	if ok && !isTable {
		t.fail(key, "is %s, not a table: write it as [%s]", kind(v), dotted(t.path, key))
	}
	return t.doc.table(t, key, values, t.node.at(key))
}

// each answers the tables of a [[key]].
func (t *table) each(key string) []*table {
	v, ok := t.get(key)
	list, isList := v.([]any)
	if ok && !isList {
		t.fail(key, "is %s: write each one as [[%s]], with two brackets", kind(v), key)
	}
	all := make([]*table, 0, len(list))
	for i, e := range list {
		values, isTable := e.(map[string]any)
		if !isTable {
			t.fail(key, "holds %s: write each one as [[%s]]", kind(e), key)
			return nil
		}
		all = append(all, t.doc.table(t, key, values, t.node.at(key).item(i)))
	}
	return all
}

// get answers a key's value and remembers that there is such a key.
func (t *table) get(key string) (any, bool) {
	if keys := t.doc.known[t.path]; !slices.Contains(keys, key) {
		t.doc.known[t.path] = append(keys, key)
	}
	v, ok := t.values[key]
	return v, ok
}

func (t *table) has(key string) bool { _, ok := t.values[key]; return ok }

// lineOf is the line of a key, or the table's when the key is not there.
func (t *table) lineOf(key string) int {
	if n := t.node.at(key); n != nil {
		return n.line
	}
	return t.line
}

func (t *table) fail(key, format string, args ...any) {
	t.doc.note(t.lineOf(key), dotted(t.path, bare(key)), fmt.Sprintf(format, args...))
}

// need reports a key that is not there, with an example of its value as TOML; why may be empty.
func (t *table) need(key, example, why string) {
	if _, ok := t.get(key); ok {
		return
	}
	if why != "" {
		why = ": " + why
	}
	under := ""
	if t.node == nil { // there is no such table to write it into
		under = " under [" + t.path + "]"
	}
	t.fail(key, "is missing%s: write %s = %s%s", why, key, example, under)
}

// read answers a key's value when it is there and of the type T. Want is what to write, after the word "write".
func read[T any](t *table, key, want string) (T, bool) {
	v, there := t.get(key)
	x, ok := v.(T)
	if there && !ok {
		t.fail(key, "is %s: write %s", kind(v), want)
	}
	return x, ok
}

// text reads a text into *to, unless one of the rules complains.
func (t *table) text(key string, to *string, rules ...rule) {
	s, ok := read[string](t, key, key+` = "…", a text in double quotes`)
	if !ok {
		return
	}
	for _, complaint := range append([]rule{plain}, rules...) {
		if c := complaint(s); c != "" {
			t.fail(key, "%s", c)
			return
		}
	}
	*to = s
}

// choice reads one of the words.
func (t *table) choice(key string, to *string, words []string) {
	s, ok := read[string](t, key, alternatives(words))
	if !ok {
		return
	}
	if *to = s; !slices.Contains(words, s) {
		*to = ""
		t.fail(key, "%s is no %s: write %s", quote(s), key, alternatives(words))
	}
}

// duration reads a length of time between least and most.
func (t *table) duration(key string, to *time.Duration, least, most time.Duration) {
	s, ok := read[string](t, key, fmt.Sprintf("%s = %q, a number and its unit in double quotes", key, short(most)))
	if !ok {
		return
	}
	v, err := time.ParseDuration(s)
	switch {
	case err != nil:
		t.fail(key, "%s is no duration: write a number and its unit, from %q to %q", quote(s), short(least),
			short(most))
	case v < least || v > most:
		t.fail(key, "%s is out of range: write %q to %q", quote(s), short(least), short(most))
	default:
		*to = v
	}
}

// short writes a duration as a person would: "10m", not "10m0s".
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// amount reads an amount above zero. It answers whether there is one to go on with; without a known currency there is
// not.
func (t *table) amount(key string, to *money.Amount, code string) bool {
	if code == "" {
		// the currency's own problem is noted already, and the amount's spelling can be judged all the same
		code = "SEK"
	}
	like := money.Amount{Minor: 1500, Currency: code}.Decimal()
	s, ok := read[string](t, key, fmt.Sprintf("%s = %q, digits and a point in double quotes", key, like))
	if !ok {
		return false
	}
	v, err := money.Parse(s, code)
	switch fixed, pointErr := money.Parse(strings.Replace(s, ",", ".", 1), code); {
	case err != nil && pointErr == nil:
		t.fail(key, "%s has a comma: write it with a point, %q", quote(s), fixed.Decimal())
	case err == nil && v.IsZero() || strings.HasPrefix(s, "-"):
		t.fail(key, "%s is not above zero: write an amount like %q", quote(s), like)
	case err != nil:
		t.fail(key, "%s is no amount of %s: write digits and a point, like %q", quote(s), code, like)
	default:
		*to = v
		return true
	}
	return false
}

// whole reads a whole number between least and most, and answers whether there was one.
func (t *table) whole(key string, to *int, least, most int) bool {
	v, ok := read[int64](t, key, fmt.Sprintf("a whole number from %d to %d without quotes", least, most))
	if !ok {
		return false
	}
	if v < int64(least) || v > int64(most) {
		t.fail(key, "%d is out of range: write %d to %d", v, least, most)
		return false
	}
	*to = int(v)
	return true
}

// flag reads true or false.
func (t *table) flag(key string, to *bool) {
	if v, ok := read[bool](t, key, "true or false without quotes"); ok {
		*to = v
	}
}

// file reads the path of a file; a relative one is relative to the config's folder.
func (t *table) file(key string, to *string) {
	var path string
	if t.text(key, &path, isPath); path == "" {
		return
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(t.doc.dir, path)
	}
	*to = filepath.Clean(path)
}

// socket reads the path of a unix socket.
func (t *table) socket(key string, to *string) {
	if t.file(key, to); len(*to) > socketMax {
		t.fail(key, "is a path of %d bytes: the system allows a socket at most %d", len(*to), socketMax)
	}
}

// kind names the type of a value without repeating the value, which could be a secret in a wrong place.
func kind(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case int64, float64:
		return "a number"
	case bool:
		return "true or false"
	case map[string]any:
		return "a table"
	case []any:
		return "a list"
	default:
		return "a date or time"
	}
}

// plain is the rule of every text.
func plain(s string) string {
	switch {
	case len(s) > textMax:
		return fmt.Sprintf("is %d bytes long: at most %d are allowed", len(s), textMax)
	case strings.ContainsFunc(s, unicode.IsControl):
		return "has a line break, tab or other control character: write it in one line of plain text"
	}
	return ""
}

func alternatives(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = `"` + w + `"`
	}
	if n := len(quoted) - 1; n > 0 {
		return strings.Join(quoted[:n], ", ") + " or " + quoted[n]
	}
	return quoted[0]
}
