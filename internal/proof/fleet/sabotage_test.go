package fleet

import (
	"flag"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	sabotaging "kioskd/internal/proof/sabotage"
)

var everyFlag = flag.Int("every", 1, "with -sabotages: each n-th of them only")

var sabotagesFlag = flag.Bool("sabotages", false, "build each sabotage in, and see that its test fails")

const (
	root       = "../../.."
	builders   = 2     // sabotages that are built and tested at the same time
	testWithin = "5m"  // of one sabotage; a test that hangs has noticed
	shownMax   = 12000 // bytes of a test's output
)

// sabotage is a mistake that a tired engineer could make, as a change to the sources, and the test that must see it.
type sabotage struct {
	name, what string
	in, test   string // the package's folder and the test's name
	edits      []edit
}

type edit sabotaging.Edit

// run runs the sabotage's test with the mistake built in, or without it. failed is nil when the test passed.
func (s sabotage) run(dir string, sabotaged bool) (out string, failed error, err error) {
	args := []string{"test", "-count=1", "-timeout", testWithin, "-v", "-run", "^" + s.test + "$"}
	if sabotaged {
		files, err := sabotaging.Apply(root, s.edits)
		if err != nil {
			return "", nil, err
		}
		list, err := sabotaging.Overlay(root, dir, files)
		if err != nil {
			return "", nil, err
		}
		args = append(args, "-overlay", list)
	}
	c := exec.Command("go", append(args, "./"+s.in)...)
	c.Dir = root
	text, failed := c.CombinedOutput()
	out = string(text[max(0, len(text)-shownMax):])
	switch {
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return out, nil, fmt.Errorf("it does not build: %s", out)
	case !strings.Contains(string(text), "=== RUN   "+s.test):
		return out, nil, fmt.Errorf("there is no test %s in %s: %s", s.test, s.in, out)
	case failed == nil && !strings.Contains(out, "--- PASS: "+s.test):
		return out, nil, fmt.Errorf("the test was skipped: %s", out)
	}
	return out, failed, nil
}

// TestEverySabotageOfAFleetFits: each one still finds the text that it changes.
func TestEverySabotageOfAFleetFits(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sabotages() {
		if seen[s.name] || s.what == "" || s.in == "" || s.test == "" || len(s.edits) == 0 {
			t.Errorf("%q: there twice, or incomplete", s.name)
		}
		seen[s.name] = true
		if _, err := sabotaging.Apply(root, s.edits); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

// TestEverySabotageOfAFleetIsCaught proves that the tests of the money rules see what they are there to see, and fail
// for that alone. It takes minutes, so only -sabotages runs it.
func TestEverySabotageOfAFleetIsCaught(t *testing.T) {
	if !*sabotagesFlag {
		t.Skip("takes minutes: -sabotages -v runs it")
	}
	var good sync.Map // what passes without a sabotage, by package and test
	turns := make(chan struct{}, builders)
	for n, s := range sabotages() {
		if n%*everyFlag != 0 {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			turns <- struct{}{}
			defer func() { <-turns }()
			passes, _ := good.LoadOrStore(s.in+" "+s.test, sync.OnceValue(func() error {
				out, failed, err := s.run("", false)
				if failed != nil {
					err = fmt.Errorf("it fails without any sabotage: %s", out)
				}
				return err
			}))
			if err := passes.(func() error)(); err != nil {
				t.Fatalf("%s: %v", s.test, err)
			}
			out, failed, err := s.run(t.TempDir(), true)
			switch {
			case err != nil:
				t.Fatal(err)
			case failed == nil:
				t.Fatalf("%s does not notice that %s", s.test, s.what)
			}
			t.Logf("%s: %s", s.test, complaint(out))
		})
	}
}

// said finds what a test complains of.
var complaintLine = regexp.MustCompile(`(?m)^\s+\w+_test\.go:\d+: .*$|^panic: .*$`)

// complaint is a test's last complaint, in a line.
func complaint(out string) string {
	all := complaintLine.FindAllString(out, -1)
	if len(all) == 0 {
		return "(it ended without a word)"
	}
	return strings.TrimSpace(all[len(all)-1])
}
