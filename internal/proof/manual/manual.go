// Package manual writes what a command line says of itself as pages for man and as completions for shells. It is a part
// of the tests, so that no program carries the writer: make deb runs them with a folder.
package manual

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// folder, in the environment, is where the pages go; without it they are forgotten.
const folder = "KIOSKD_MANUAL"

// indented is a line of help that is not to be filled: with two spaces for a terminal, four for the pages' writer.
var indented = regexp.MustCompile(`(?m)^ {2}\S`)

// Hold fails the test when a command that a user can call has no page, or the program no completion in a shell.
func Hold(t *testing.T, root *cobra.Command) {
	t.Helper()
	to := os.Getenv(folder)
	if to == "" {
		to = t.TempDir()
	}
	commands := ready(root)
	err := doc.GenManTreeFromOpts(root, doc.GenManTreeOptions{
		Path: to, CommandSeparator: "-",
		Header: &doc.GenManHeader{Section: "1", Source: root.Name(), Manual: "kioskd"}})
	if err != nil {
		t.Fatal(err)
	}
	shells := map[string]func(string) error{
		root.Name() + ".bash": func(f string) error { return root.GenBashCompletionFileV2(f, true) },
		"_" + root.Name():     root.GenZshCompletionFile,
		root.Name() + ".fish": func(f string) error { return root.GenFishCompletionFile(f, true) },
	}
	for name, write := range shells {
		if err := write(filepath.Join(to, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		page(t, filepath.Join(to, name), root.Name())
	}
	for name, short := range commands {
		page(t, filepath.Join(to, name+".1"), short)
	}
}

// ready readies a command and those below it for the pages' writer: the page that each will have, and what it must say.
func ready(c *cobra.Command) map[string]string {
	pages := map[string]string{}
	c.DisableAutoGenTag = true
	c.Long = indented.ReplaceAllString(c.Long, "  $0")
	name := c.Name()
	for p := c.Parent(); p != nil; p = p.Parent() {
		name = p.Name() + "-" + name
	}
	pages[name] = c.Short
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		for name, short := range ready(sub) {
			pages[name] = short
		}
	}
	return pages
}

func page(t *testing.T, file, says string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return
	}
	if says == "" || !strings.Contains(string(text), says) {
		t.Errorf("%s does not say %q", filepath.Base(file), says)
	}
}
