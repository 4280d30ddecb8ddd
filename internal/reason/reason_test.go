package reason

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// TestAllWordsAreListedOnce: each constant is in just one of the lists, and nothing else is.
func TestAllWordsAreListedOnce(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var words []Why
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.ValueSpec); ok {
			text, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
			if id, typed := c.Type.(*ast.Ident); err != nil || !typed || id.Name != "Why" {
				t.Errorf("%s is no word: %v", c.Names[0], err)
			}
			words = append(words, Why(text))
		}
		return true
	})
	all := All()
	slices.Sort(words)
	slices.Sort(all)
	if len(words) < 60 || !slices.Equal(words, all) || len(slices.Compact(words)) != len(all) {
		t.Errorf("the constants and the lists differ:\n%q\n%q", words, all)
	}
}
