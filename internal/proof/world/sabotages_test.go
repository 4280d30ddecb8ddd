package world

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sabotaging "kioskd/internal/proof/sabotage"
)

var (
	sabotagesFlag = flag.Bool("sabotages", false,
		"build a kiosk with each sabotage, and see that the referee catches it")
	everyFlag     = flag.Int("every", 1, "with -sabotages: each n-th of them only")
	updateFlag    = flag.Bool("update", false, "with -sabotages: write their table anew")
	sabotagedFlag = flag.Uint64("sabotaged", 0,
		"play this many worlds with whatever kiosk this is, until one has a violation")
	flowFlag = flag.String("flow", "", "with -sabotaged or -seed: of this flow")
)

const (
	sabotageSeeds = 2000             // worlds that a sabotage may take to be noticed
	sabotageHang  = 30 * time.Second // a world that takes longer hangs: a whole one takes some milliseconds
	sabotageMax   = 10 * time.Minute // for all of one sabotage's worlds
	builders      = 2                // sabotaged kiosks that are built and played at the same time

	root          = "../../.."
	sabotageTable = root + "/docs/sabotages.md"
)

// sabotage is a mistake that a tired engineer could make, as a change to the kiosk's sources.
type sabotage struct {
	name  string // a slug
	what  string // what the kiosk does wrong, in one sentence
	edits []edit
	flow  string // the worlds are those of this flow; "": the seed decides
	hole  string // why no world shows it; "": one must. It is an error for one to show it all the same
}

type edit sabotaging.Edit

// sabotages is all of them, in the order of their names.
func sabotages() []sabotage {
	all := slices.Concat(recordSabotages(), bootSabotages(), saleSabotages(), invoiceSabotages(), chargeSabotages(),
		releaseSabotages(), refundSabotages(), giveBackSabotages(), talkSabotages(), astraySabotages(),
		motorSabotages(), busSabotages(), boardSabotages(), pageSabotages())
	slices.SortFunc(all, func(a, b sabotage) int { return cmp.Compare(a.name, b.name) })
	return all
}

// promises are the invariants, by a part of the sentence in which the referee says that one is broken.
var promises = []struct{ part, promise string }{
	{"the report", "Glase's reports have what was charged"},
	{"times for one request", "one request moves money once"},
	{" goes back of the ", "never more goes back than was charged"},
	{"more was given back than", "never more goes back than was charged"},
	{"giving back ", "giving back moves no motor"},
	{" was asked for: ", "what is given back is on record"},
	{"the journal says that", "what is given back is on record"},
	{"a person had decided", "what is given back is on record"},
	{"request to give back was turned down", "a refused refund changes nothing"},
	{"starts twice for one item", "one item, one motor start"},
	{"motor starts for item", "one item, one motor start"},
	{"products came out for item", "one item, one motor start"},
	{"its page was closed", "a page that was left gives its sale up"},
	{"its customer is in the app", "hidden is not gone"},
	{" times for ", "one item, one motor start"},
	{"starts before any sale", "recorded before its motor starts"},
	{"the journal knows no item", "recorded before its motor starts"},
	{"is asked to pay invoice", "nobody pays for another's product"},
	{", which is of terminal", "another's invoice is not touched"},
	{"a motor starts for invoice", "another's invoice is not touched"},
	{"was paid for products worth", "charged is what came out"},
	{" covered: ", "a product is covered when its motor starts"},
	{"covered at Glase", "a product is covered when its motor starts"},
	{"before its reservation ends", "a product is covered when its motor starts"},
	{"has ended, and is open again", "what is recorded is not forgotten"},
	{"not on record any more", "what is recorded is not forgotten"},
	{"Glase still holds", "nothing is left hanging"},
	{"left hanging", "nothing is left hanging"},
	{"the sticker led to invoice", "no invoice is forgotten"},
	{"was told of invoice", "no invoice is forgotten"},
	{"leaves invoice", "no invoice is forgotten"},
	{"which no sale knows", "no payment without a sale"},
	{"after its sale had ended", "no payment without a sale"},
	{"that an earlier start began", "a start never moves a motor"},
	{"who has confirmed waits", "who has confirmed is served"},
	{"nobody has looked at the slot", "one fault costs one product at most"},
	{"while the invoice is still of", "no commit before the invoice is the basket's"},
	{"would take back by itself", "silence lets Glase take a payment back"},
	{"for the answer to one question", "Glase is asked again soon"},
	{", and not 15.00", "a price is what the slot says"},
	{", and not 16.00", "a price is what the slot says"},
	{"the machine complains", "a machine hears only what it should"},
	{"approvals for", "one item, one motor start"},
	{"nobody has seen since a restart", "no charge for what nobody knows"},
	{", and not 22.50", "a price is what the slot says"},
	{"in_doubt, and nothing happened", "no doubt without a cause"},
	{"lost, and nothing happened", "no loss without a cause"},
	{"is unknown, and nothing happened", "nothing is unknown without a cause"},
	{"has no outcome", "every item has an outcome"},
	{"is charged, and did not come out", "charged is what came out"},
	{"came out past a sensor that works", "charged is what came out"},
	{"is right", "charged is what came out"},
	{"charged for nothing", "charged is what came out"},
	{"although something came out", "charged is what came out"},
	{"the relay of", "no relay stays on"},
	{"in peace", "nothing is left hanging"},
	{"after all troubles: ", "nothing is left hanging"},
	{"and the stock is", "the stock is what is left"},
	{"does not sell", "the machine sells again"},
	{"an honest sale ends as", "the machine sells again"},
	{"the kiosk does not start", "the machine sells again"},
}

func promiseOf(violation string) string {
	for _, p := range promises {
		if strings.Contains(violation, p.part) {
			return p.promise
		}
	}
	return ""
}

// catch is what a sabotaged kiosk came to. The zero catch is that nothing was noticed.
type catch struct {
	Seed      uint64 `json:"seed"`
	Violation string `json:"violation"`
	promise   string
}

// build makes this package's test binary with the sabotage in it. The tree is not touched.
func (s sabotage) build(dir string) (binary string, err error) {
	files, err := sabotaging.Apply(root, s.edits)
	if err != nil {
		return "", err
	}
	list, err := sabotaging.Overlay(root, dir, files)
	if err != nil {
		return "", err
	}
	binary = filepath.Join(dir, "sabotaged.test")
	out, err := exec.Command("go", "test", "-c", "-ldflags=-s -w", "-overlay", list, "-o", binary, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("does not build: %w\n%s", err, out)
	}
	return binary, nil
}

// panicked finds what a dead process said last.
var panicked = regexp.MustCompile(`(?m)^\s*(panic: .*|fatal error: .*)$`)

// play lets the sabotaged kiosk work in its worlds until the referee, a panic or a hang stops it.
func play(binary, flow string) (catch, error) {
	var out, diagnosis bytes.Buffer
	cmd := exec.Command(binary, "-test.run", "^TestSabotaged$", "-test.timeout", sabotageMax.String(), "-sabotaged",
		fmt.Sprint(sabotageSeeds), "-flow", flow)
	cmd.Stdout, cmd.Stderr = &out, &diagnosis
	err := cmd.Run()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		return catch{}, err
	}
	var last catch
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		if b := lines.Bytes(); bytes.HasPrefix(b, []byte(`{"seed":`)) {
			last = catch{} // the fields that this line leaves out
			if err := json.Unmarshal(b, &last); err != nil {
				return catch{}, err
			}
		}
	}
	switch m := panicked.FindSubmatch(append(out.Bytes(), diagnosis.Bytes()...)); {
	case last.Violation == "hangs":
		last.promise = "(hangs)"
	case last.Violation != "":
		if last.promise = promiseOf(last.Violation); last.promise == "" {
			return last, fmt.Errorf("which promise is that? %s", last.Violation)
		}
	case m != nil:
		last.Violation, last.promise = string(m[1]), "(panics)"
	case err != nil:
		return catch{}, fmt.Errorf("%w\n%.2000s%.2000s", err, out.Bytes(), diagnosis.Bytes())
	default:
		return catch{}, nil
	}
	return last, nil
}

// TestSabotaged plays worlds with whatever kiosk it was built with. It tells each world's seed before it begins, since
// a panic tells nothing, and with it the first violation.
func TestSabotaged(t *testing.T) {
	if *sabotagedFlag == 0 {
		t.Skip("only for TestEverySabotageIsCaught: -sabotaged says how many worlds to play")
	}
	tell := func(c catch) {
		if err := json.NewEncoder(os.Stdout).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	ground := NewGround(t, t.TempDir())
	for seed := uint64(1); seed <= *sabotagedFlag; seed++ {
		tell(catch{Seed: seed})
		dog := time.AfterFunc(sabotageHang, func() {
			tell(catch{Seed: seed, Violation: "hangs"})
			os.Exit(1)
		})
		r := Play(t, seed, Options{Ground: ground, Flow: *flowFlag})
		dog.Stop()
		if len(r.Violations) > 0 {
			tell(catch{Seed: seed, Violation: r.Violations[0]})
			return
		}
		if seed > astrayUsual || *flowFlag != "" {
			continue
		}
		if a := playArcade(t, t.TempDir(), seed); len(a.violations) > 0 {
			tell(catch{Seed: seed, Violation: a.violations[0]})
			return
		}
	}
}

// TestEverySabotageFits: each one still finds the text that it changes, and stands in the table.
func TestEverySabotageFits(t *testing.T) {
	doc, err := os.ReadFile(sabotageTable)
	if err != nil {
		t.Fatal(err)
	}
	if rows := bytes.Count(doc, []byte("\n| `")); rows != len(sabotages()) {
		t.Errorf("the table has %d rows, and there are %d sabotages: %s", rows, len(sabotages()), remake)
	}
	seen := map[string]bool{}
	for _, s := range sabotages() {
		if !bytes.Contains(doc, []byte(s.row())) {
			t.Errorf("%s is not in the table: %s", s.name, remake)
		}
		if seen[s.name] || s.name == "" || s.what == "" || len(s.edits) == 0 {
			t.Errorf("%q: there twice, or incomplete", s.name)
		}
		seen[s.name] = true
		if _, err := sabotaging.Apply(root, s.edits); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

// TestEverySabotageIsCaught proves that the simulated world sees what it is there to see. It takes minutes, so only
// -sabotages runs it.
func TestEverySabotageIsCaught(t *testing.T) {
	if !*sabotagesFlag {
		t.Skip("takes minutes: -sabotages -v runs it")
	}
	all := []sabotage{{name: "none", hole: "the kiosk as it is"}}
	for n, s := range sabotages() {
		if n%*everyFlag == 0 {
			all = append(all, s)
		}
	}
	began, done := time.Now(), 0
	var mu sync.Mutex
	caught := map[string]catch{}
	t.Run("all", func(t *testing.T) {
		turns := make(chan struct{}, builders)
		for _, s := range all {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				turns <- struct{}{}
				defer func() { <-turns }()
				binary, err := s.build(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				c, err := play(binary, s.flow)
				mu.Lock()
				defer mu.Unlock()
				done++
				caught[s.name] = c
				t.Logf("%3d/%d %6.1fs  seed %4d  %-42s %.200s", done, len(all), time.Since(began).Seconds(), c.Seed,
					c.promise, c.Violation)
				switch {
				case err != nil:
					t.Error(err)
				case c.promise == "" && s.hole == "":
					t.Errorf("not noticed in %d worlds", sabotageSeeds)
				case c.promise != "" && s.hole != "":
					t.Errorf("noticed, although it should not be: %s", s.hole)
				}
			})
		}
	})
	if *updateFlag && !t.Failed() && *everyFlag == 1 && len(caught) == len(all) {
		if err := os.WriteFile(sabotageTable, []byte(table(caught)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const remake = "make sabotage UPDATE=-update"

// row is the begin of the sabotage's row: what does not depend on a seed.
func (s sabotage) row() string { return fmt.Sprintf("\n| `%s` | %s |", s.name, s.what) }

func table(caught map[string]catch) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# What the simulated world catches

Each row is a mistake in the kiosk's own sources, built into it and let loose in the worlds of package internal/proof/world. The third column
is the promise that the referee saw broken first, the fourth the first world, of up to %d, in which he did. Made by

    %s
`, sabotageSeeds, remake)
	b.WriteString("\n| sabotage | what the kiosk does | caught as | seed |\n| --- | --- | --- | ---: |")
	var holes []sabotage
	for _, s := range sabotages() {
		if c := caught[s.name]; s.hole == "" {
			fmt.Fprintf(&b, "%s %s | %d |", s.row(), c.promise, c.Seed)
		} else {
			holes = append(holes, s)
		}
	}
	b.WriteString("\n")
	if len(holes) > 0 {
		b.WriteString("\nNo world shows these, for the reason given:\n\n| sabotage | what the kiosk does | why |\n| " +
			"--- | --- | --- |")
		for _, s := range holes {
			fmt.Fprintf(&b, "%s %s |", s.row(), s.hole)
		}
		b.WriteString("\n")
	}
	return b.String()
}
