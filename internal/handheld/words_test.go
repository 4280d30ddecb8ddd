package handheld

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEachLanguageSaysAllThatThePageShows with the same things to fill in.
func TestEachLanguageSaysAllThatThePageShows(t *testing.T) {
	english := library()[fallback]
	if len(library()) != 4 {
		t.Errorf("the page speaks %d languages", len(library()))
	}
	for tag, w := range library() {
		for name, e := range english {
			if say := w[name]; strings.TrimSpace(say) == "" || strings.Count(say, "%s") != strings.Count(e, "%s") ||
				strings.Count(say, "%") != strings.Count(say, "%s") {
				t.Errorf("%s %s: %q, and in English %q", tag, name, say, e)
			}
		}
		for name := range w {
			if english[name] == "" {
				t.Errorf("%s %s is not in English", tag, name)
			}
		}
	}
	others := map[string]bool{"close": true, "more": true, "count": true, "resolve": true, "slot": true, "back": true}
	named := regexp.MustCompile(`(?:say|fact)\("([a-z_]+)"[,)]|` +
		`(?:say: |message\(w, [^"]*|entrance\(w, .*|, )"([a-z_]{4,})"`)
	sources, _ := filepath.Glob("*.go")
	for _, file := range sources {
		b, err := os.ReadFile(file)
		if err != nil || strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range named.FindAllStringSubmatch(string(b), -1) {
			if name := m[1] + m[2]; english[name] == "" && !others[name] {
				t.Errorf("%s says %q, which is in no language", file, name)
			}
		}
	}
	for _, why := range []string{"sale_is_on", "act_is_on", "no_record", "bad_count", "says_too_little",
		"nothing_to_do", "no_such_slot",
		"test_delivered", "test_not_delivered", "test_unknown", "verdict_charge", "verdict_release",
		"verdict_refund", "found_ok", "found_warn", "found_fail"} {
		if english[why] == "" {
			t.Errorf("nothing says %q", why)
		}
	}
}
