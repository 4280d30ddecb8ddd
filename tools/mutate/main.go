package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	countMax = 100_000          // mutants of one package: more than any has
	limitMin = 10 * time.Second // the least time that a mutant's tests get, for a machine that is busy
)

// options are what a call says.
type options struct {
	seed     uint64
	count    int // of mutants tried, of each package
	root     string
	json     bool
	quick    bool // only the tests that take less than a second each
	packages []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "mutate: %v\n", err)
		return 2
	}
	if err := mutate(ctx, o, limitMin, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "mutate: %v\n", err)
		if wrong := (usageError{}); errors.As(err, &wrong) {
			return 2
		}
		return 1
	}
	return 0
}

// usageError is a call that names what is not there.
type usageError struct{ error }

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("mutate", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Uint64Var(&o.seed, "seed", 1, "chooses the sample")
	f.IntVar(&o.count, "count", 60, "how many mutants of each package are tried, at most")
	f.StringVar(&o.root, "root", ".", "the folder of the module")
	f.BoolVar(&o.quick, "quick", false,
		"run only tests that take less than a second each: kills less, in much less time")
	f.BoolVar(&o.json, "json", false, "print the report as JSON")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.packages = f.Args()
	switch {
	case len(o.packages) == 0:
		return o, errors.New("name a package, like ./fsm")
	case o.count < 1 || o.count > countMax:
		return o, fmt.Errorf("-count %d: write 1 to %d", o.count, countMax)
	}
	root, err := filepath.Abs(o.root)
	o.root = root
	return o, err
}

// mutate tries each package's sample and prints the report. What was found is printed also when a signal ends it.
func mutate(ctx context.Context, o options, least time.Duration, stdout, stderr io.Writer) error {
	temp, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer clean(temp, stderr)
	bench := bench{root: o.root, temp: temp, least: least, quick: o.quick, out: stderr}
	packages, err := bench.list(ctx, o.packages)
	if err != nil {
		return err
	}
	report := report{Seed: o.seed, Count: o.count, Quick: o.quick}
	for _, p := range packages {
		tried, err := bench.try(ctx, p, o.seed, o.count)
		report.Packages = append(report.Packages, tried)
		if err != nil {
			return errors.Join(report.print(stdout, o.json), err)
		}
	}
	return report.print(stdout, o.json)
}

// clean removes the temporary folder. A test that was killed may have left something mounted in it.
func clean(temp string, stderr io.Writer) {
	mounts, _ := os.ReadFile("/proc/self/mountinfo") // without it there is nothing to be done
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], temp+"/") {
			_ = syscall.Unmount(f[4], 0) // what is left then is said
		}
	}
	if err := os.RemoveAll(temp); err != nil {
		fmt.Fprintf(stderr, "mutate: left behind: %v\n", err)
	}
}
