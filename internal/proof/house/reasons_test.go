package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const section = "a section of the config"

const reasonRoom = "internal/reason"

// homonyms are words of package reason that a room may write as they are, since there they are something else. A
// section of the config is said, too: it is the fault's name while its board is not there.
var homonyms = map[string]struct {
	words []string
	why   string
}{
	"cmd/kioskd": {[]string{"charged", "ended", "in_doubt", "closed", "not_delivered", "stopped", "technician",
		"display"}, "it reads the port's JSON from outside"},
	"internal/hub/collect": {[]string{"held"}, "a log's field: what the record has"},
	"fsm": {[]string{"unknown", "sold_out", "closed"},
		"what a note says of a status, and a slot's state"},
	"glase": {[]string{"unknown"}, "a field's value is"},
	"hw/gpio/simboard": {[]string{"tilt", "door", "closed", "left_open", "jam", "stuck_sensor"},
		"the names of its fronts and faults"},
	"hw/vend/board":     {[]string{"board"}, section},
	"hw/vend/lockboard": {[]string{"lock_board"}, section},
	"hw/vend/lockplate": {[]string{"lock_plate"}, section},
	"hw/vend/mdb":       {[]string{"mdb"}, section},
	"hw/wire":           {[]string{"closed", "door", "tilt"}, "what is at a wire's end"},
	"internal/books":    {[]string{"in_doubt", "unknown"}, "verdicts"},
	"internal/totals":   {[]string{"in_doubt"}, "it reads the port's JSON from outside"},
	"internal/config": {[]string{"reset", "busy", "journal", "display", "timeout", "pin_timeout", "door", "tilt"},
		"its keys"},
	"internal/doctor":         {[]string{"journal", "reset"}, "an area, and a pin's name"},
	"internal/fleet/protocol": {[]string{"busy"}, "a request's fate"},
	"internal/hardware":       {[]string{"tilt"}, "a contact's name"},
	"internal/journal":        {[]string{"closed"}, "a field of the state"},
	"internal/kiosk":          {[]string{"charged"}, "a field of the log"},
	"internal/hub/page": {[]string{"charged", "ended", "in_doubt", "stopped"},
		"columns, and a grade's name in the style sheet"},
	"internal/hub/watch": {[]string{"stopped"}, "a grade"},
	"internal/story":     {[]string{"refused"}, "an English word of a story"},
}

// vocabulary gives the words of package reason by their constants' names.
func vocabulary(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	words := map[string]string{}
	f, err := parser.ParseFile(token.NewFileSet(), "", files[reasonRoom+"/reason.go"], 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.ValueSpec); ok && len(c.Values) == 1 {
			words[c.Names[0].Name], _ = strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
		}
		return true
	})
	if len(words) < 60 {
		t.Fatalf("only %d words: this looks at something else", len(words))
	}
	return words
}

// produced looks at the product's files for words that nobody says, and for words that are said as mere text.
func produced(words, files map[string]string) (said []string) {
	names := map[string]string{}
	for name, word := range words {
		names[word] = name
	}
	used, excused := map[string]bool{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		room := path.Dir(name)
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(room, "test") ||
			strings.HasPrefix(room, "internal/proof/") ||
			slices.Contains(doubles, room) || room == reasonRoom || room == "internal/words" {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, name, files[name], 0)
		if err != nil {
			said = append(said, err.Error())
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field: // a tag is no word
				return n.Tag == nil
			case *ast.ValueSpec: // of a list of words of its own
				return n.Type == nil
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "reason" {
					used[n.Sel.Name] = true
				}
			case *ast.BasicLit:
				word, err := strconv.Unquote(n.Value)
				if constant := names[word]; n.Kind == token.STRING && err == nil && constant != "" {
					if slices.Contains(homonyms[room].words, word) {
						excused[room+" "+word] = true
						used[constant] = used[constant] || homonyms[room].why == section
						return true
					}
					said = append(said, fmt.Sprintf("%s says %q: reason.%s is meant, or a homonym",
						set.Position(n.Pos()), word, constant))
				}
			}
			return true
		})
	}
	for name := range words {
		if !used[name] {
			said = append(said, fmt.Sprintf("nobody says reason.%s", name))
		}
	}
	for room, h := range homonyms {
		for _, word := range h.words {
			if !excused[room+" "+word] {
				said = append(said, fmt.Sprintf("%s does not say %q any more: take it from homonyms", room, word))
			}
		}
	}
	slices.Sort(said)
	return said
}

// TestEveryReasonIsProducedAndTyped: a word that is recorded or shown is one of the list, and one of the list is said
// by somebody.
func TestEveryReasonIsProducedAndTyped(t *testing.T) {
	files := source(t)
	words := vocabulary(t, files)
	for _, said := range produced(words, files) {
		t.Error(said)
	}
	words["Meteor"] = "meteor"
	files["fsm/new.go"] = "package fsm\n\nfunc f() string { return \"meteor\" }\n"
	files["internal/front/new.go"] = "package front\n\nvar why = \"jam\"\n"
	found := strings.Join(produced(words, files), "\n")
	for _, want := range []string{
		`fsm/new.go:3:26 says "meteor": reason.Meteor is meant`, "nobody says reason.Meteor",
		`internal/front/new.go:3:11 says "jam": reason.Jam is meant`,
	} {
		if !strings.Contains(found, want) {
			t.Errorf("not noticed: %s\n%s", want, found)
		}
	}
}
