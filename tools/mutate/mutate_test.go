package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// shop is a package whose tests hold some of what it does.
const shop = `package shop

const Most = 9

// Change is held by a test, but for its last case.
func Change(paid, price int) (back int, ok bool) {
	if paid < price {
		return 0, false
	}
	if paid > 1000 {
		return 0, false
	}
	return paid - price, true
}

// Wait hangs when it does not count.
func Wait(n int) (waited int) {
	for waited < n {
		waited++
	}
	return waited
}

// Count is held by nothing.
func Count(in []int) int {
	sum := len(in)
	sum += Most
	return sum
}
`

const shopTest = `package shop

import "testing"

func TestChange(t *testing.T) {
	for _, c := range []struct {
		paid, price, back int
		ok                bool
	}{{10, 10, 0, true}, {10, 9, 1, true}, {9, 10, 0, false}} {
		if back, ok := Change(c.paid, c.price); back != c.back || ok != c.ok {
			t.Error(c, back, ok)
		}
	}
}

func TestWait(t *testing.T) {
	if Wait(3) != 3 {
		t.Error("it did not wait")
	}
}
`

// module writes a module of one package.
func module(t *testing.T, test string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module shops\n\ngo 1.24\n", "shop/shop.go": shop, "shop/shop_test.go": test,
		"empty/e.go": "package empty\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// everything is a folder's files and their texts.
func everything(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// temporary gives the program an empty folder for its temporary files.
func temporary(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

func TestWhatNoTestNoticesSurvivesAndTheWorkTreeIsNotTouched(t *testing.T) {
	root, temp := module(t, shopTest), temporary(t)
	before := everything(t, root)
	o := options{seed: 1, count: countMax, root: root, json: true, packages: []string{"./..."}}
	var out, progress bytes.Buffer
	if err := mutate(t.Context(), o, 4*time.Second, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || len(r.Packages) != 1 {
		t.Fatalf("%v\n%s", err, out.String())
	}
	p := r.Packages[0]
	var left, hung []string
	for _, m := range p.Survived {
		left = append(left, m.Func+": "+m.Change)
	}
	for _, m := range p.TimedOut {
		hung = append(hung, m.Func+": "+m.Change)
	}
	slices.Sort(left)
	want := []string{": 9 → 0", ": 9 → 10", ": 9 → 2", "Change: 0 → 1", "Change: 1000 → 1001", "Change: 1000 → 250",
		"Change: > → >= in paid > 1000", "Change: false → true", "Count: not done: sum += Most"}
	if !slices.Equal(left, want) {
		t.Errorf("survived:\n%s\nwant\n%s", strings.Join(left, "\n"), strings.Join(want, "\n"))
	}
	if !slices.Equal(hung, []string{"Wait: not done: waited++"}) {
		t.Errorf("killed by time: %q", hung)
	}
	if p.Tried != p.Possible || p.Killed+len(p.Survived) != p.Tried || p.NotCompiled != 0 {
		t.Errorf("the numbers do not add up: %+v", p)
	}
	if !maps.Equal(everything(t, root), before) {
		t.Error("the work tree was written into")
	}
	if left := everything(t, temp); len(left) != 0 {
		t.Errorf("left behind: %v", slices.Collect(maps.Keys(left)))
	}
	if !strings.Contains(progress.String(), "shops/empty has no tests of its own") {
		t.Errorf("a package without tests is not said:\n%s", progress.String())
	}
}

func TestAMutantThatDoesNotCompileGivesItsPlaceToAnother(t *testing.T) {
	root := module(t, shopTest)
	temporary(t)
	b := bench{root: root, temp: t.TempDir(), least: limitMin, out: &bytes.Buffer{}}
	ps, err := b.list(t.Context(), []string{"./shop"})
	if err != nil {
		t.Fatal(err)
	}
	all, err := b.all(ps[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range all { // the first in a function is no Go that compiles
		if all[i].body != nil {
			all[0], all[i] = all[i], all[0]
			break
		}
	}
	all[0].text, all[0].Change = `"text"`, "broken"
	var r tried
	sample, err := b.together(t.Context(), ps[0], all, &r, 5)
	if err != nil || len(sample) != 5 || r.NotCompiled != 1 {
		t.Errorf("%d in the sample, %d do not compile, %v", len(sample), r.NotCompiled, err)
	}
	if slices.ContainsFunc(sample, func(m mutant) bool { return m.Change == "broken" }) {
		t.Error("what does not compile is in the sample")
	}
}

func TestTheSameSeedGivesTheSameSample(t *testing.T) {
	order := func(seed uint64) (s string) {
		all, err := mutants("f.go", "f.go", []byte(shop))
		if err != nil {
			t.Fatal(err)
		}
		shuffle(all, seed)
		for _, m := range all {
			s += m.Func + m.Change + "\n"
		}
		return s
	}
	if seven := order(7); seven != order(7) || seven == order(8) {
		t.Error("a seed is no order, or all seeds are one")
	}
}

// hangUp ends the call as soon as a mutant is on trial.
type hangUp struct {
	bytes.Buffer
	cancel func()
}

func (h *hangUp) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(" tried, ")) {
		h.cancel()
	}
	return h.Buffer.Write(p)
}

func TestASignalLeavesNothingBehind(t *testing.T) {
	root, temp := module(t, shopTest), temporary(t)
	before := everything(t, root)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	if code := run(ctx, []string{"-root", root, "./shop"}, &out, &hangUp{cancel: cancel}); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(out.String(), "shops/shop: 0 of 0 killed") {
		t.Errorf("what was found until then is not said: %q", out.String())
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if !maps.Equal(everything(t, root), before) {
		t.Error("the work tree was written into")
	}
	programs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		if b, err := os.ReadFile(p); err == nil && bytes.Contains(b, []byte(temp)) {
			t.Errorf("still running: %q", b)
		}
	}
}

func TestAWrongCallIsSaid(t *testing.T) {
	root := module(t, strings.Replace(shopTest, "Wait(3) != 3", "Wait(3) != 4", 1))
	for call, want := range map[string]int{
		"":                     2,
		"-count 0 ./shop":      2,
		"-count 200000 ./shop": 2,
		"-no-such-flag ./shop": 2,
		"./no-such-package":    2,
		"./empty":              2,
		"-h":                   0,
		"-count 1 ./shop":      1, // its tests fail as they are
	} {
		var out, said bytes.Buffer
		code := run(t.Context(), append([]string{"-root", root}, strings.Fields(call)...), &out, &said)
		if code != want || said.Len() == 0 {
			t.Errorf("mutate %s: exit code %d, want %d: %s", call, code, want, said.String())
		}
	}
}

func TestQuickTestsComeFirstAndSlowOnesOneByOne(t *testing.T) {
	verbose := `=== RUN   TestA
--- PASS: TestA (22.10s)
--- PASS: TestB (0.00s)
    --- PASS: TestB/part (9.00s)
--- SKIP: TestC (0.00s)
--- PASS: FuzzD (0.50s)
--- PASS: TestE (3.00s)
PASS
`
	got := stages(verbose, 4*time.Second, false)
	want := []stage{{"^(TestB|FuzzD)$", 5 * time.Second}, {"^(TestE)$", 30 * time.Second},
		{"^(TestA)$", 221 * time.Second}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := stages(verbose, 4*time.Second, true); !slices.Equal(got, want[:1]) {
		t.Errorf("only the quick ones: %v, want %v", got, want[:1])
	}
}

func TestTheReportNamesWhatSurvived(t *testing.T) {
	r := report{Seed: 3, Packages: []tried{{Package: "p", Possible: 9, Tried: 4, Killed: 3, NotCompiled: 1,
		Survived: []mutant{{File: "p/f.go", Line: 7, Func: "R.On", Change: "a → b"}},
		TimedOut: []mutant{{File: "p/f.go", Line: 8, Change: "c → d"}}}}}
	var out bytes.Buffer
	if err := r.print(&out, false); err != nil {
		t.Fatal(err)
	}
	want := `p: 3 of 4 killed (75 %), 1 of these by time; 1 do not compile; seed 3, of 9 possible
  by time  p/f.go:8: c → d
  survived p/f.go:7: R.On: a → b
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}
