package app

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed says which of our own packages each package may import. A package that is not here is a room that nobody planned.
var allowed = map[string][]string{
	"internal/money": {},

	"fsm":                       {"internal/money"},
	"glase":                     {"internal/money"},
	"glase/glasetest":           {"internal/money"},
	"glase/glasetest/toolkits":  {"glase", "internal/money"},
	"ups":                       {"internal/money"},
	"hw/display":                {"internal/money"},
	"hw/gpio":                   {"hw/gpio/hostpin", "hw/gpio/simboard"},
	"hw/gpio/hostpin":           {"hw/gpio/pinname"},
	"hw/gpio/pinname":           {},
	"hw/gpio/simboard":          {},
	"hw/vend":                   {},
	"hw/w1":                     {},
	"hw/vend/serialport":        {},
	"hw/vend/vendtest":          {},
	"hw/vend/board":             {"hw/vend", "hw/vend/serialport"},
	"hw/vend/lockboard":         {"hw/vend", "hw/vend/serialport"},
	"hw/vend/mdb":               {"hw/vend", "internal/money"},
	"hw/vend/mdb/mdbtest":       {},
	"internal/planogram":        {"internal/money"},
	"internal/plainfile":        {},
	"internal/config":           {"hw/gpio/pinname", "internal/money", "internal/plainfile"},
	"internal/identity":         {"internal/plainfile"},
	"internal/cert":             {"internal/plainfile"},
	"internal/journal":          {"fsm", "internal/money"},
	"internal/kiosk":            {"fsm", "internal/money", "internal/planogram"},
	"internal/wiring":           {"hw/gpio/pinname", "internal/config"},
	"internal/journal/powercut": {"fsm", "internal/journal", "internal/money"},
	"internal/debug":            {"fsm", "internal/journal", "internal/kiosk", "internal/money"},
	"internal/doctor":           {"glase", "hw/gpio/pinname", "internal/plainfile"},
	"internal/app":              {"*"},
	"internal/sim":              {"*"},
	"systemd/test":              {},
	"internal/crash":            {"glase", "hw/gpio/simboard", "internal/money"},
	"internal/hwtest":           {"hw/display", "hw/gpio", "hw/gpio/hostpin"},
	"cmd/kioskd":                {"hw/display", "hw/gpio", "hw/gpio/hostpin", "hw/gpio/simboard", "internal/app", "internal/config", "internal/debug", "internal/doctor", "internal/journal", "internal/wiring"},
	"cmd/glasesim":              {"glase/glasetest"},
	"cmd/demo":                  {"internal/money"},
}

// allowedInTests are the further imports that a package's tests may use.
var allowedInTests = map[string][]string{
	"glase":              {"glase/glasetest"},
	"hw/vend":            {"hw/gpio", "hw/gpio/simboard"},
	"hw/vend/serialport": {"hw/vend/vendtest"},
	"hw/vend/board":      {"hw/gpio/simboard", "hw/vend/vendtest"},
	"hw/vend/lockboard":  {"hw/vend/vendtest"},
	"internal/journal":   {"internal/identity"},
	"hw/vend/mdb":        {"hw/vend/mdb/mdbtest", "hw/vend/vendtest"},
}

// pure is what the state machine may use: no clock, no input or output, no random number. Of package time it uses durations; that
// it never asks for the time is held below.
var pure = []string{"encoding/json", "fmt", "reflect", "slices", "time"}

// unsafeFiles are those that hand structs to the kernel in calls that no package of others makes.
var unsafeFiles = []string{"fbdev_linux.go", "fbdev_linux_test.go"}

// TestImportsRunOneWay parses every source file of the module.
func TestImportsRunOneWay(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "tools" || name == "webtest" || name == "testdata" || strings.HasPrefix(name, ".") && name != "..") {
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
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if folder == "fsm" && strings.Contains(string(text), "time.Now") {
			t.Errorf("%s asks for the time", path)
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly)
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
			if folder == "fsm" && !isOurs && !strings.HasSuffix(path, "_test.go") && !slices.Contains(pure, name) {
				t.Errorf("%s imports %s: the state machine is pure, with %q at most", path, name, pure)
			}
			if name == "unsafe" && !slices.Contains(unsafeFiles, filepath.Base(path)) ||
				strings.HasPrefix(name, "periph.io/x/host/v3") && folder != "hw/gpio" || name == "github.com/tarm/serial" && folder != "hw/vend/serialport" {
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
