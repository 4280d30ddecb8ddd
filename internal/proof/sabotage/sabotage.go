// Package sabotage builds programs with a mistake in them, for the tests that must catch it. The sources are not
// touched: the compiler reads others in their place.
package sabotage

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Edit replaces text that is in a file exactly once.
type Edit struct{ File, Old, New string }

// Apply gives each file that the edits change, changed, by its path below root. The edits may be of a type of the
// caller's, who has very many and writes them without their fields' names.
func Apply[E ~struct{ File, Old, New string }](root string, edits []E) (map[string]string, error) {
	files := map[string]string{}
	for _, edit := range edits {
		e := Edit(edit)
		text, changed := files[e.File]
		if !changed {
			b, err := os.ReadFile(filepath.Join(root, e.File))
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		replaced, err := replace(text, e.Old, e.New)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.File, err)
		}
		files[e.File] = replaced
	}
	return files, nil
}

// replace gives the text with another one in the place of old, which must be in it exactly once, wherever its lines are
// broken.
func replace(text, old, instead string) (string, error) {
	found := loosely(old).FindAllStringIndex(text, -1)
	if len(found) != 1 || old == instead {
		return "", fmt.Errorf("it has this %d times: %q", len(found), old)
	}
	return text[:found[0][0]] + instead + text[found[0][1]:], nil
}

// loosely finds the text wherever its lines are broken: what is between its first and its last word may be any space,
// and some may be behind an opening bracket that is not the last.
func loosely(text string) *regexp.Regexp {
	words := strings.TrimSpace(text)
	lead, trail, _ := strings.Cut(text, words)
	pattern := strings.Join(strings.Fields(regexp.QuoteMeta(words)), `\s+`)
	for _, open := range []string{`\(`, `\[`, `\{`} {
		pattern = strings.ReplaceAll(pattern, open, open+`\s*`)
	}
	pattern = strings.ReplaceAll(pattern, `\s*\s+`, `\s*`)
	pattern = strings.TrimSuffix(pattern, `\s*`) // what is behind the last word stays
	return regexp.MustCompile(regexp.QuoteMeta(lead) + pattern + regexp.QuoteMeta(trail))
}

// Overlay writes the files, by their paths below root, into dir, and gives what to hand to go's -overlay so that they
// are read in the place of the real ones.
func Overlay(root, dir string, files map[string]string) (list string, err error) {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, text := range files {
		real, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			return "", err
		}
		instead := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		overlay.Replace[real] = instead
		if err := os.WriteFile(instead, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	list = filepath.Join(dir, "overlay.json")
	return list, os.WriteFile(list, b, 0o600)
}
