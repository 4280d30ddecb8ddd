package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

const root = "../../.."

// source is every Go file of the module, by its path. Folders with a module of their own are houses of their own.
func source(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root {
			_, own := os.Stat(filepath.Join(name, "go.mod"))
			if own == nil || d.Name() == "testdata" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		files[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// survey is one look through the whole house.
type survey struct {
	said  []string
	used  map[string]bool     // allowances that somebody needs, as table, room and what
	leads map[string][]string // a room's imports of our own, without its tests'
	rooms map[string]bool
}

func (s *survey) say(format string, args ...any) {
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

func inspect(files map[string]string) []string {
	s := &survey{used: map[string]bool{}, leads: map[string][]string{}, rooms: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		s.file(name, files[name])
	}
	s.daemon()
	s.stale()
	return s.said
}

func (s *survey) file(name, text string) {
	room := path.Dir(name)
	s.rooms[room] = true
	if _, planned := rooms[room]; !planned {
		s.say("%s: the house has no room %q", name, room)
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		s.say("%v", err)
		return
	}
	test := strings.HasSuffix(name, "_test.go")
	for _, i := range f.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			s.say("%s: %v", name, err)
			continue
		}
		ours, isOurs := strings.CutPrefix(imported, "kioskd/")
		switch {
		case isOurs && ours == room:
		case isOurs:
			s.neighbour(name, room, ours, test)
		case strings.Contains(strings.Split(imported, "/")[0], "."):
			s.lender(name, room, imported, test)
		case imported == "unsafe" && !slices.Contains(unsafeFiles, path.Base(name)):
			s.say("%s imports unsafe", name)
		}
	}
	if room == "fsm" && !test {
		s.pure(name, f)
	}
	if room != childRoom && mentions(f, "Pdeathsig") {
		s.say("%s sets Pdeathsig, which a thread's end sends as well: %s starts it", name, childRoom)
	}
}

// childRoom is the only one that starts programs which end with us.
const childRoom = "internal/proof/child"

func mentions(f *ast.File, name string) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		id, is := n.(*ast.Ident)
		found = found || is && id.Name == name
		return !found
	})
	return found
}

// neighbour is an import of our own.
func (s *survey) neighbour(name, room, ours string, test bool) {
	if !test {
		s.leads[room] = append(s.leads[room], ours)
	}
	switch {
	case slices.Contains(rooms[room], "*"):
	case slices.Contains(rooms[room], ours):
		s.used["rooms "+room+" "+ours] = true
	case test && slices.Contains(forTests[room], ours):
		s.used["forTests "+room+" "+ours] = true
	default:
		s.say("%s imports %s: %s may import only %q", name, ours, room, rooms[room])
	}
}

// lender is an import of somebody else's.
func (s *survey) lender(name, room, imported string, test bool) {
	of := func(table string, lenders map[string]string) bool {
		for lender := range lenders {
			if imported == lender || strings.HasPrefix(imported, lender+"/") {
				s.used[table+" "+room+" "+lender] = true
				return true
			}
		}
		return false
	}
	if !of("borrowed", borrowed[room]) && !(test && of("borrowedForTests", borrowedForTests[room])) {
		s.say("%s imports %s: say in rooms_test.go why %s needs it", name, imported, room)
	}
}

// pure holds a file of the state machine against what makes a step repeatable.
func (s *survey) pure(name string, f *ast.File) {
	packages := map[string]string{} // by the name in this file
	for _, i := range f.Imports {
		imported, _ := strconv.Unquote(i.Path.Value)
		local := path.Base(imported)
		if i.Name != nil {
			local = i.Name.Name
		}
		packages[local] = imported
		if _, allowed := pure[imported]; !allowed && !strings.HasPrefix(imported, "kioskd/") || local == "." {
			s.say("%s imports %s: the state machine is pure", name, imported)
		}
	}
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			s.say("%s has a package variable: the state machine remembers nothing outside its state", name)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			s.say("%s starts a goroutine", name)
		case *ast.ChanType, *ast.SelectStmt, *ast.SendStmt:
			s.say("%s uses a channel", name)
		case *ast.CallExpr:
			if i, ok := n.Fun.(*ast.Ident); ok && (i.Name == "print" || i.Name == "println") {
				s.say("%s prints", name)
			}
		case *ast.SelectorExpr:
			i, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			allowed := pure[packages[i.Name]]
			if len(allowed) > 0 && !slices.Contains(allowed, n.Sel.Name) && !slices.Contains(allowed, "*") {
				s.say("%s uses %s.%s: the state machine is pure", name, i.Name, n.Sel.Name)
			}
		}
		return true
	})
}

// daemon follows the imports of cmd/kioskd to their ends.
func (s *survey) daemon() {
	from := map[string]string{"cmd/kioskd": ""}
	for next := []string{"cmd/kioskd"}; len(next) > 0; next = next[1:] {
		room := next[0]
		if slices.Contains(doubles, room) || strings.HasPrefix(room, "internal/proof/") ||
			strings.HasSuffix(room, "test") {
			way := room
			for at := from[room]; at != ""; at = from[at] {
				way = at + " → " + way
			}
			s.say("the daemon contains %s: %s", room, way)
		}
		for _, ours := range s.leads[room] {
			if _, seen := from[ours]; !seen {
				from[ours] = room
				next = append(next, ours)
			}
		}
	}
}

// stale are allowances that nobody needs.
func (s *survey) stale() {
	unused := func(table, room, what string) {
		if what != "*" && !s.used[table+" "+room+" "+what] {
			s.say("nothing in %s imports %s any more: take it from %s", room, what, table)
		}
	}
	for room, allowed := range rooms {
		if !s.rooms[room] {
			s.say("the room %q is empty", room)
		}
		for _, ours := range allowed {
			unused("rooms", room, ours)
		}
	}
	for room, allowed := range forTests {
		for _, ours := range allowed {
			unused("forTests", room, ours)
		}
	}
	for room, lenders := range borrowed {
		for lender := range lenders {
			unused("borrowed", room, lender)
		}
	}
	for room, lenders := range borrowedForTests {
		for lender := range lenders {
			unused("borrowedForTests", room, lender)
		}
	}
	for _, d := range doubles {
		if !s.rooms[d] {
			s.say("the double %q is not there any more: take it from doubles", d)
		}
	}
	slices.Sort(s.said)
}

func TestImportsRunOneWay(t *testing.T) {
	for _, said := range inspect(source(t)) {
		t.Error(said)
	}
}

// TestThePlanIsHeld makes one wrong file each, and looks for the complaint.
func TestThePlanIsHeld(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"internal/app/x.go", `import _ "kioskd/glase/glasetest"`,
			"the daemon contains glase/glasetest: cmd/kioskd → internal/app → glase/glasetest"},
		{"internal/app/x.go", `import _ "kioskd/hw/vend/mdb/mdbtest"`, "the daemon contains hw/vend/mdb/mdbtest"},
		{"internal/app/x.go", `import _ "kioskd/internal/proof/world"`, "the daemon contains internal/proof/world"},
		{"fsm/x.go", `import "time"; func f() { time.Sleep(1) }`, "fsm/x.go uses time.Sleep"},
		{"fsm/x.go", `import t "time"; func f() any { return t.Since }`, "fsm/x.go uses t.Since"},
		{"fsm/x.go", `import . "time"; func f() any { return Now }`, "fsm/x.go imports time"},
		{"fsm/x.go", `import "fmt"; func f() { fmt.Println() }`, "fsm/x.go uses fmt.Println"},
		{"fsm/x.go", `func f() { println() }`, "fsm/x.go prints"},
		{"fsm/x.go", `import _ "os"`, "fsm/x.go imports os"},
		{"fsm/x.go", `func f() { go f() }`, "fsm/x.go starts a goroutine"},
		{"fsm/x.go", `func f(c chan int) {}`, "fsm/x.go uses a channel"},
		{"fsm/x.go", `var n int`, "fsm/x.go has a package variable"},
		{"internal/kiosk/x.go", `import _ "modernc.org/sqlite"`, "internal/kiosk/x.go imports modernc.org/sqlite"},
		{"internal/kiosk/x.go", `import _ "github.com/tarm/serial"`,
			"internal/kiosk/x.go imports github.com/tarm/serial"},
		{"internal/kiosk/x_test.go", `import _ "modernc.org/sqlite"`,
			"internal/kiosk/x_test.go imports modernc.org/sqlite"},
		{"ups/x.go", `import _ "kioskd/internal/journal"`, "ups/x.go imports internal/journal"},
		{"ups/x.go", `import _ "unsafe"`, "ups/x.go imports unsafe"},
		{"internal/gate/x_test.go", `import "syscall"; var a = syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}`,
			"internal/gate/x_test.go sets Pdeathsig"},
		{"internal/attic/x.go", ``, `the house has no room "internal/attic"`},
	} {
		files := source(t)
		files[c.file] = "package x\n" + c.text
		if said := inspect(files); !slices.ContainsFunc(said,
			func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s with %q: nobody said %q, but %q", c.file, c.text, c.want, said)
		}
	}
	files := source(t)
	for name := range files { // nobody draws a code any more
		if strings.HasPrefix(name, "hw/display/") {
			delete(files, name)
		}
	}
	files["hw/display/doc.go"] = "package display"
	for _, want := range []string{"nothing in hw/display imports rsc.io/qr any more",
		"nothing in hw/display imports internal/money any more"} {
		if said := inspect(files); !slices.ContainsFunc(said,
			func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("without hw/display nobody said %q, but %q", want, said)
		}
	}
}

const sizeMax = 256 << 10 // bytes of a file that is kept: what is larger was made by a program, and can be made again

// TestNothingLargeOrBuiltIsKept looks at what git keeps, or would keep.
func TestNothingLargeOrBuiltIsKept(t *testing.T) {
	out, err := exec.Command("git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard").Output()
	if err != nil {
		t.Skipf("this is no checkout, so nobody can say what is kept: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		f, err := os.Open(filepath.Join(root, name))
		if err != nil {
			continue // deleted, and not committed yet
		}
		if why := unkept(name, f); why != "" {
			t.Errorf("%s %s", name, why)
		}
		f.Close()
	}
}

// unkept says why a file may not be kept; "": it may.
func unkept(name string, f fs.File) string {
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return ""
	}
	head := make([]byte, 4)
	n, _ := f.Read(head)
	switch {
	case bytes.Equal(head[:n], []byte("\x7fELF")):
		return "is a program that was built: delete it, and name it in .gitignore"
	case info.Size() > sizeMax && !slices.Contains(pictures, name):
		return fmt.Sprintf("has %d bytes: what is larger than %d is made, not kept", info.Size(), sizeMax)
	}
	return ""
}

func TestAProgramAndALargeFileAreFound(t *testing.T) {
	for name, text := range map[string]string{"kioskd": "\x7fELF\x02", "huge.json": strings.Repeat("x", sizeMax+1)} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if unkept(name, f) == "" {
			t.Errorf("%s could be kept", name)
		}
		f.Close()
	}
}

// TestTheBuilderStaysSmall: internal/app builds a kiosk from its parts. What else a kiosk does has a room of its own.
func TestTheBuilderStaysSmall(t *testing.T) {
	const most = 1100
	files, err := filepath.Glob(root + "/internal/app/*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines += bytes.Count(text, []byte("\n"))
	}
	if lines == 0 || lines > most {
		t.Errorf("internal/app has %d lines, and may have %d: give what it does besides building a room", lines, most)
	}
}

const columns = 120

// tooWide gives the lines that are wider than a screen's half: a tab counts 4. A line that a raw string is on, or one
// word of a string, or a table of a package's doc, is as it must be.
func tooWide(name, text string) (said []string) {
	set := token.NewFileSet()
	file := set.AddFile(name, set.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), nil, scanner.ScanComments)
	as := map[int]bool{} // lines that are as they must be
	for {
		pos, kind, literal := s.Scan()
		if kind == token.EOF {
			break
		}
		first := file.Line(pos)
		if kind == token.STRING && (literal[0] == '`' || len(literal) > columns/2) {
			for n := range strings.Count(literal, "\n") + 1 {
				as[first+n] = true
			}
		}
		if kind == token.COMMENT && strings.HasPrefix(literal, "//\t") {
			as[first] = true
		}
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", "    ")
		if w := utf8.RuneCountInString(line); w > columns && !as[n] {
			said = append(said, fmt.Sprintf("%s:%d has %d columns", name, n, w))
		}
	}
	return said
}

func TestLinesAreShort(t *testing.T) {
	files := source(t)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, said := range tooWide(name, files[name]) {
			t.Errorf("%s: break it, at most %d are read", said, columns)
		}
	}
	wide := "package a\n\nvar a = []int{" + strings.Repeat("1, ", 40) + "2}\n"
	if said := tooWide("a.go", wide); len(said) != 1 {
		t.Errorf("a wide line: %q", said)
	}
}
