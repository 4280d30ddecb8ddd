package fsm

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// diagram is where the drawing lies; go generate ./fsm draws it anew.
const diagram = "../docs/state-machine.md"

// edge is a way from one step to another.
type edge struct{ from, to Stage }

// TestTheDiagramShowsTheCode draws every change of step that any event causes in any state of any story.
func TestTheDiagramShowsTheCode(t *testing.T) {
	edges := map[edge]map[string]bool{}
	for n, node := range storyStates(t) {
		for _, e := range alphabet(node.s, node.now, n+1000) {
			next, _, _ := Step(node.s, e)
			k := edge{node.s.Stage, next.Stage}
			if k.from == k.to || n == 0 {
				continue
			}
			if edges[k] == nil {
				edges[k] = map[string]bool{}
			}
			edges[k][Name(e)] = true
		}
	}
	got := drawing(edges)
	if *update {
		if err := os.WriteFile(diagram, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(diagram)
	if err != nil || got != string(want) {
		t.Errorf("%s does not show the code any more (%v): go generate ./fsm", diagram, err)
	}
}

var stages = []Stage{Ready, OutOfService, Maintenance, Resolving, Invoicing, Awaiting, Choosing, Asking, Vending,
	Updating, Committing,
	Confirming, Releasing, Refunding, Receipting}

// drawing is the page. Starts of the daemon and faults can come in any step, so they stand in words instead of arrows.
func drawing(edges map[edge]map[string]bool) string {
	var b strings.Builder
	b.WriteString(`# The state machine

Drawn from the code by ` + "`go generate ./fsm`" + `; a test fails when it no longer shows it. The stories in
[fsm/testdata](../fsm/testdata) tell what happens along the arrows, one readable file each.

` + "```mermaid\nstateDiagram-v2\n")
	for _, phase := range []Phase{Idle, Reserved, Dispensing, Commit} {
		fmt.Fprintf(&b, "  state %s {\n", phase)
		for _, s := range stages {
			if s.Phase() == phase {
				fmt.Fprintf(&b, "    %s\n", s)
			}
		}
		b.WriteString("  }\n")
	}
	for _, from := range stages {
		for _, to := range stages {
			var names []string
			for _, name := range slices.Sorted(maps.Keys(edges[edge{from, to}])) {
				switch name {
				case "Booted", "FaultRaised", "FaultCleared", "SaleStopped":
				default:
					names = append(names, name)
				}
			}
			if len(names) > 0 {
				fmt.Fprintf(&b, "  %s --> %s: %s\n", from, to, strings.Join(names, ", "))
			}
		}
	}
	b.WriteString("```\n\nNot drawn, since they can come in any step:\n\n")
	for _, event := range []string{"Booted", "FaultRaised", "FaultCleared", "SaleStopped"} {
		var ways []string
		for _, from := range stages {
			var to []string
			for _, s := range stages {
				if edges[edge{from, s}][event] {
					to = append(to, string(s))
				}
			}
			if len(to) > 0 {
				ways = append(ways, fmt.Sprintf("%s → %s", from, strings.Join(to, " or ")))
			}
		}
		fmt.Fprintf(&b, "- **%s**: %s.\n", event, strings.Join(ways, "; "))
	}
	return b.String()
}
