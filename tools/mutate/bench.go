package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	buildMax     = 5 * time.Minute  // for the compiler
	baselineMax  = 15 * time.Minute // for a package's tests as they are
	limitFactor  = 10               // times what they should take
	progressStep = 5 * time.Second
)

// bench tries mutants. It writes into temp only.
type bench struct {
	root, temp string
	least      time.Duration // that a mutant's tests get
	quick      bool          // slow tests are not run
	out        io.Writer     // progress
	said       time.Time
}

// pkg is one package, as go list says.
type pkg struct {
	ImportPath   string
	Name         string
	Dir          string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
}

func (b *bench) list(ctx context.Context, patterns []string) ([]pkg, error) {
	fields := "-json=ImportPath,Name,Dir,GoFiles,TestGoFiles,XTestGoFiles"
	out, err := b.output(ctx, buildMax, b.root, "", "go", append([]string{"list", fields, "--"}, patterns...)...)
	if err != nil {
		return nil, usageError{err}
	}
	var found []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
			fmt.Fprintf(b.out, "%s has no tests of its own: passed over\n", p.ImportPath)
			continue
		}
		found = append(found, p)
	}
	if len(found) == 0 {
		return nil, usageError{fmt.Errorf("no package of %s has tests", strings.Join(patterns, " "))}
	}
	return found, nil
}

// all lists every mutant of a package.
func (b *bench) all(p pkg) ([]mutant, error) {
	var all []mutant
	for _, name := range p.GoFiles {
		path := filepath.Join(p.Dir, name)
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		shown, err := filepath.Rel(b.root, path)
		if err != nil {
			return nil, err
		}
		found, err := mutants(filepath.ToSlash(shown), path, source)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// try makes a sample of a package's mutants and tries each.
func (b *bench) try(ctx context.Context, p pkg, seed uint64, count int) (tried, error) {
	r := tried{Package: p.ImportPath}
	all, err := b.all(p)
	if err != nil {
		return r, err
	}
	r.Possible = len(all)
	shuffle(all, seed)
	stages, err := b.baseline(ctx, p)
	if err != nil {
		return r, err
	}
	all, err = b.together(ctx, p, all, &r, count)
	if err != nil {
		return r, err
	}
	for n, m := range all {
		b.progress(r, len(all), m)
		end, err := b.one(ctx, p, m, n+1, stages)
		if err != nil {
			return r, err
		}
		r.count(m, end)
	}
	return r, nil
}

// shuffle orders mutants by a seed, each in the same way for ever.
func shuffle(all []mutant, seed uint64) {
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
}

// together compiles the first mutants that stand in functions into one test program, and gives the sample: at most
// count of them, without those that do not compile.
func (b *bench) together(ctx context.Context, p pkg, all []mutant, r *tried, count int) (sample []mutant, err error) {
	for {
		n := min(count-len(sample), len(all))
		sample, all = append(sample, all[:n]...), all[n:]
		files, overlay, err := b.woven(p, sample)
		if err != nil {
			return nil, err
		}
		err = b.compile(ctx, p, overlay, b.wovenTest())
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil {
			return sample, nil
		}
		bad := blamed(err.Error(), files)
		if len(bad) == 0 {
			return nil, fmt.Errorf("%s does not compile with its mutants: %w", p.ImportPath, err)
		}
		r.NotCompiled += len(bad)
		slices.Sort(bad)
		for _, id := range slices.Backward(bad) {
			sample = slices.Delete(sample, id-1, id)
		}
	}
}

func (b *bench) wovenTest() string  { return filepath.Join(b.temp, "woven.test") }
func (b *bench) singleTest() string { return filepath.Join(b.temp, "single.test") }

// woven writes the package's files with the mutants in them. A mutant's id is its place in the sample, from 1.
func (b *bench) woven(p pkg, sample []mutant) (map[string]woven, string, error) {
	paths := map[string][]int{}
	for n, m := range sample {
		if m.body != nil {
			paths[m.path] = append(paths[m.path], n)
		}
	}
	files, replace := map[string]woven{}, map[string]string{}
	for path, ns := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, "", err
		}
		var ms []mutant
		var ids []int
		for _, n := range ns {
			ms, ids = append(ms, sample[n]), append(ids, n+1)
		}
		w := weave(source, ms, ids)
		name := "woven_" + filepath.Base(path)
		files[name], replace[path] = w, filepath.Join(b.temp, name)
		if err := os.WriteFile(replace[path], w.text, 0o600); err != nil {
			return nil, "", err
		}
	}
	file := filepath.Join(b.temp, "chooser.go")
	replace[filepath.Join(p.Dir, "mutate_chooser.go")] = file
	if err := os.WriteFile(file, fmt.Appendf(nil, chooser, p.Name), 0o600); err != nil {
		return nil, "", err
	}
	overlay, err := b.overlay(replace)
	return files, overlay, err
}

// progress says each few seconds how far it is.
func (b *bench) progress(r tried, of int, m mutant) {
	if time.Since(b.said) < progressStep {
		return
	}
	b.said = time.Now()
	fmt.Fprintf(b.out, "%s: %d of %d tried, %d survived; now %s:%d\n",
		r.Package, r.Tried, of, len(r.Survived), m.File, m.Line)
}

// stage is a part of a package's tests, and the time that a mutant gets for it.
type stage struct {
	run   string // as -test.run
	limit time.Duration
}

// baseline runs the tests as they are, and puts the quick ones together into the first stage.
func (b *bench) baseline(ctx context.Context, p pkg) ([]stage, error) {
	fmt.Fprintf(b.out, "%s: its tests as they are\n", p.ImportPath)
	if err := b.compile(ctx, p, "", b.singleTest()); err != nil {
		return nil, fmt.Errorf("%s does not compile as it is: %w", p.ImportPath, err)
	}
	out, err := b.output(ctx, baselineMax, p.Dir, "", b.singleTest(), "-test.v", "-test.timeout=0")
	if err != nil {
		return nil, fmt.Errorf("the tests of %s fail as they are: %w", p.ImportPath, err)
	}
	found := stages(string(out), b.least, b.quick)
	if len(found) == 0 {
		return nil, fmt.Errorf("no test of %s would be run: leave -quick out", p.ImportPath)
	}
	return found, nil
}

// outcome is how a mutant ended.
type outcome int

const (
	survived outcome = iota
	killed
	timedOut
	notCompiled
)

// one tries one mutant.
func (b *bench) one(ctx context.Context, p pkg, m mutant, id int, stages []stage) (outcome, error) {
	binary, env := b.wovenTest(), fmt.Sprintf("%s=%d", chosen, id)
	if m.body == nil {
		binary, env = b.singleTest(), ""
		if compiled, err := b.alone(ctx, p, m); err != nil || !compiled {
			return notCompiled, err
		}
	}
	for _, s := range stages {
		_, err := b.output(ctx, s.limit, p.Dir, env, binary, "-test.failfast", "-test.timeout=0", "-test.run="+s.run)
		switch {
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case errors.Is(err, context.DeadlineExceeded):
			return timedOut, nil
		case err != nil:
			return killed, nil
		}
	}
	return survived, nil
}

// alone compiles one mutant that stands outside all functions.
func (b *bench) alone(ctx context.Context, p pkg, m mutant) (compiled bool, err error) {
	source, err := os.ReadFile(m.path)
	if err != nil {
		return false, err
	}
	file := filepath.Join(b.temp, "single.go")
	if err := os.WriteFile(file, m.apply(source), 0o600); err != nil {
		return false, err
	}
	overlay, err := b.overlay(map[string]string{m.path: file})
	if err != nil {
		return false, err
	}
	err = b.compile(ctx, p, overlay, b.singleTest())
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	return err == nil, nil
}

// overlay tells the compiler which files to read in the place of others.
func (b *bench) overlay(replace map[string]string) (string, error) {
	text, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(b.temp, "overlay.json")
	return name, os.WriteFile(name, text, 0o600)
}

// compile makes a package's test program.
func (b *bench) compile(ctx context.Context, p pkg, overlay, binary string) error {
	// -e: all errors, not only the first ten
	args := []string{"test", "-c", "-ldflags=-s -w", "-gcflags=-e", "-o", binary}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	_, err := b.output(ctx, buildMax, b.root, "", "go", append(args, p.ImportPath)...)
	return err
}
