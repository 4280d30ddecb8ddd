package main

import (
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

func changes(t *testing.T, source string) (out []string) {
	t.Helper()
	ms, err := mutants("f.go", "f.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		out = append(out, m.Change)
		if _, err := parser.ParseFile(token.NewFileSet(), "f.go", m.apply([]byte(source)), 0); err != nil {
			t.Errorf("%s is no Go: %v", m.Change, err)
		}
	}
	return out
}

func TestEachOperatorMakesItsMistakes(t *testing.T) {
	for body, want := range map[string][]string{
		`if a { f() }`:            {"a → !(a)", "not done: f()"},
		`for a && b { continue }`: {"a && b → !(a && b)", "&& → || in a && b", "not done: continue"},
		`switch { case a: }`:      {"a → !(a)"},
		`switch x { case a: }`:    nil,
		`a, b := x < y, x >= y`:   {"< → <= in x < y", ">= → > in x >= y"},
		`a := x == y`:             {"== → != in x == y"},
		`k.v[id] = stop`:          {"not done: k.v[id] = stop"},
		`a := 1`:                  {"1 → 2", "1 → 0"},
		`a := 40`:                 {"40 → 41", "40 → 0", "40 → 10"},
		`a := 50 * time.Millisecond`: {
			"50 * time.Millisecond → (50 * time.Millisecond / 4)",
			"50 * time.Millisecond → (0 * 50 * time.Millisecond)"},
		`a := time.Minute`:                     {"time.Minute → (time.Minute / 4)", "time.Minute → (0 * time.Minute)"},
		`log.Error().Err(err).Msg("it broke")`: nil,
		`_ = f()`:                              nil,
		`defer f()`:                            {"not done: defer f()"},
		`return`:                               {"not done: return"},
		`x++`:                                  {"not done: x++"},
		`c <- x`:                               {"not done: c <- x"},
	} {
		if got := changes(t, "package p\nfunc g() {\n"+body+"\n}\n"); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", body, got, want)
		}
	}
}

func TestEachResultIsTurnedIntoAnother(t *testing.T) {
	for fn, want := range map[string][]string{
		`func g() error { return err }`:               {"err → nil"},
		`func g() error { return nil }`:               nil,
		`func g() (n T, err error) { return v, err }`: {"err → nil"},
		`func g() (T, error) { return h() }`:          nil,
		`func g() bool { return ok }`:                 {"ok → !(ok)"},
		`func g() bool { return true }`:               {"true → false"},
		`func g() (a, b string) { return x, "" }`:     {`x → ""`},
		`func g() *T { return p }`:                    {"p → nil"},
		`func g() []T { return p }`:                   {"p → nil"},
		`func g() bool { h(func() error { return err }); return ok }`: {
			"not done: h(func() error { return err })", "err → nil", "ok → !(ok)"},
	} {
		if got := changes(t, "package p\n"+fn+"\n"); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", fn, got, want)
		}
	}
}

func TestAMistakeIsFoundByItsFunctionAndLine(t *testing.T) {
	ms, err := mutants("a/f.go", "f.go", []byte("package p\n\nconst c = 1\n\nfunc (r *R) On() {\n\tr.x = 1\n}\n"))
	if err != nil || len(ms) != 5 {
		t.Fatal(ms, err)
	}
	if m := ms[0]; m.Func != "" || m.Line != 3 || m.body != nil {
		t.Errorf("outside a function: %+v", m)
	}
	if m := ms[2]; m.Func != "R.On" || m.Line != 6 || m.body == nil || m.File != "a/f.go" {
		t.Errorf("inside of one: %+v", m)
	}
}

// TestEveryMistakeOfAFileIsWovenIntoIt: each has lines of its own, by which the compiler's errors find it.
func TestEveryMistakeOfAFileIsWovenIntoIt(t *testing.T) {
	source := []byte("package p\n\nfunc (r *R) On(n int) (err error) {\n\tif n > 1 {\n" +
		"\t\treturn r.e\n\t}\n\treturn nil\n}\n\nfunc off() { x() }\n")
	ms, err := mutants("f.go", "f.go", source)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for i := range ms {
		ids = append(ids, i+1)
	}
	w := weave(source, ms, ids)
	if _, err := parser.ParseFile(token.NewFileSet(), "f.go", w.text, 0); err != nil {
		t.Fatalf("%v\n%s", err, w.text)
	}
	seen := map[int]bool{}
	for n, line := range strings.Split(string(w.text), "\n") {
		if strings.HasPrefix(line, "case ") {
			seen[w.lines[n+1]] = true
		}
	}
	if len(seen) != len(ms) || seen[0] {
		t.Errorf("%d mistakes, found %v in\n%s", len(ms), seen, w.text)
	}
	said := "# p\n/tmp/x/woven_f.go:" + "7:2: declared and not used: a\nother.go:7:1: no\n"
	if bad := blamed(said, map[string]woven{"woven_f.go": w}); !slices.Equal(bad, []int{w.lines[7]}) ||
		w.lines[7] == 0 {
		t.Errorf("blamed %v, want %d", bad, w.lines[7])
	}
}
