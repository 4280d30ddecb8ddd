package app

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed says which of our own packages each package may import. A package that is not here is a room that nobody planned.
var allowed = map[string][]string{
	"internal/money": {},

	"fsm":                {"internal/money"},
	"glase":              {"internal/money"},
	"glase/glasetest":    {"internal/money"},
	"ups":                {"internal/money"},
	"hw/display":         {"internal/money"},
	"hw/gpio":            {"hw/gpio/simboard"},
	"hw/gpio/simboard":   {},
	"hw/vend":            {},
	"internal/planogram": {"internal/money"},
	"internal/config":    {"internal/money"},
	"internal/identity":  {},
	"internal/journal":   {"fsm", "internal/money"},
	"internal/kiosk":     {"fsm", "internal/money", "internal/planogram"},
	"internal/debug":     {"fsm", "internal/journal", "internal/kiosk", "internal/money"},
	"internal/app":       {"*"},
	"cmd/kioskd":         {"hw/display", "hw/gpio/simboard", "internal/app", "internal/config", "internal/journal"},
	"cmd/glasesim":       {"glase/glasetest"},
	"cmd/demo":           {"internal/money"},
}

// allowedInTests are the further imports that a package's tests may use.
var allowedInTests = map[string][]string{
	"hw/vend":          {"hw/gpio", "hw/gpio/simboard"},
	"internal/journal": {"internal/identity"},
}

// TestImportsRunOneWay parses every source file of the module.
func TestImportsRunOneWay(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "tools" || name == "testdata" || strings.HasPrefix(name, ".") && name != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		seen[folder] = true
		rule, planned := allowed[folder]
		if !planned {
			t.Errorf("%s: the house has no room %q", path, folder)
			return nil
		}
		if strings.HasSuffix(path, "_test.go") {
			rule = append(slices.Clip(rule), allowedInTests[folder]...)
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			ours, isOurs := strings.CutPrefix(name, "kioskd/")
			if isOurs && ours != folder && !slices.Contains(rule, ours) && !slices.Contains(rule, "*") {
				t.Errorf("%s imports %s: %s may import only %q", path, ours, folder, rule)
			}
			if name == "unsafe" || name == "periph.io/x/host/v3" && folder != "hw/gpio" {
				t.Errorf("%s imports %s", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range allowed {
		if !seen[room] {
			t.Errorf("the room %q is empty", room)
		}
	}
}
