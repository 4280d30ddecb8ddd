package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// document is one file while it is read: what was asked of it so far and what was wrong. Every key that is read is
// thereby a known key, so that the list of known keys cannot differ from what is read.
type document struct {
	file, dir string
	problems  Errors
	tables    []*table            // all that were read
	known     map[string][]string // table path → its keys
	wires     map[string]place    // pin → where it was first used
	ports     []usedPort
	shown     []shownText
}

// place is where in the file something stands.
type place struct {
	key  string
	line int
}

// usedPort is a serial port, and where it was first used.
type usedPort struct {
	place
	device string
}

// shownText is a text that people read on the display, and where it stands.
type shownText struct {
	place
	text string
}

// judge notes what a judge complains of; a nil one of nothing.
func (d *document) judge(c Config, judge Judge) {
	for _, s := range d.shown {
		if judge == nil {
			return
		}
		if complaint := judge(c, s.text); complaint != "" {
			d.note(s.line, s.key, complaint)
		}
	}
}

// open makes the tree of the bytes. It answers nil when they are not TOML at all, with the problems noted.
func (d *document) open(b []byte) *table {
	switch at := invalid(b); {
	case len(b) > fileMax:
		d.note(0, "", fmt.Sprintf("larger than %d KiB, so this is not a config: name the right file with --config",
			fileMax/1024))
	case len(bytes.TrimSpace(b)) == 0:
		d.note(0, "", "is empty: "+d.createIt())
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		d.note(1, "", "begins with a byte order mark: save the file as UTF-8 without one (\"UTF-8\", not \"UTF-8 "+
			"with BOM\")")
	case at >= 0:
		d.note(1+bytes.Count(b[:at], []byte("\n")), "",
			fmt.Sprintf("byte %#02x is not UTF-8: save the file as UTF-8", b[at]))
	default:
		w := walk{file: d.file}
		root := w.lines(b)
		var values map[string]any
		err := toml.Unmarshal(b, &values)
		if err == nil {
			return d.table(nil, "", values, root)
		}
		if d.problems = w.twice; len(w.twice) == 0 {
			d.notTOML(b, w.table.path(), err)
		}
	}
	return nil
}

// notTOML reports where the grammar was broken; nothing after that place can be judged.
func (d *document) notTOML(b []byte, table string, err error) {
	line, key := 0, ""
	if at := (*toml.DecodeError)(nil); errors.As(err, &at) {
		line, _ = at.Position()
		if lines := bytes.Split(b, []byte("\n")); line <= len(lines) {
			before, _, found := strings.Cut(string(lines[line-1]), "=")
			if k := strings.TrimSpace(before); found && k == bare(k) {
				key = dotted(table, k)
			}
		}
	}
	d.note(line, key,
		fmt.Sprintf("not TOML (%s); texts, amounts, durations and pins stand in double quotes: key = \"value\"",
			strings.TrimPrefix(err.Error(), "toml: ")))
}

// invalid answers the offset of the first byte that is not UTF-8, or -1.
func invalid(b []byte) int {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

func (d *document) note(line int, key, message string) {
	d.problems = append(d.problems, Problem{d.file, line, key, message})
}

func (d *document) createIt() string {
	return "create it from the commented example: kioskd check --example > " + d.file
}
