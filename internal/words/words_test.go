package words

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kioskd/internal/reason"
)

// texts are all of a language's, by their names.
func texts(v reflect.Value, name string, all map[string]string) map[string]string {
	switch v.Kind() {
	case reflect.String:
		all[name] = v.String()
	case reflect.Struct:
		for n := range v.NumField() {
			texts(v.Field(n), name+"."+v.Type().Field(n).Name, all)
		}
	case reflect.Array:
		for n := range v.Len() {
			texts(v.Index(n), fmt.Sprint(name, " ", n), all)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			texts(v.MapIndex(k), name+"."+k.String(), all)
		}
	}
	return all
}

// TestEachLanguageSaysAllThatEnglishSays with the same things to fill in, and nothing else.
func TestEachLanguageSaysAllThatEnglishSays(t *testing.T) {
	blanks := func(s string) string {
		return fmt.Sprint(strings.Count(s, "%s"), strings.Count(s, "%d"), strings.Count(s, "%"))
	}
	english := texts(reflect.ValueOf(*In(Default)), "", map[string]string{})
	if n := len(Languages()); n < 2 || !slices.Contains(Languages(), Default) {
		t.Errorf("the machine speaks %v", Languages())
	}
	for _, tag := range Languages() {
		words := texts(reflect.ValueOf(*In(tag)), "", map[string]string{})
		if words[".Tag"] != tag {
			t.Errorf("the words in %s are %s", tag, words[".Tag"])
		}
		for name, e := range english {
			if w := words[name]; w == "" || strings.TrimSpace(w) != w || name != ".Tag" && blanks(w) != blanks(e) {
				t.Errorf("%s%s: %q, and in English %q", tag, name, w, e)
			}
		}
		for name := range words {
			if _, ok := english[name]; !ok {
				t.Errorf("%s%s is not in English", tag, name)
			}
		}
	}
}

// TestEachReasonIsSaidInEachLanguage and no language says one that there is not.
func TestEachReasonIsSaidInEachLanguage(t *testing.T) {
	for _, tag := range Languages() {
		w := In(tag)
		for _, why := range reason.Ends() {
			if w.Why[why] == "" || w.Why[why] == w.Any.Why {
				t.Errorf("%s: %s has no sentence", tag, why)
			}
		}
		for _, why := range reason.Choices() {
			if w.Notice[why] == "" {
				t.Errorf("%s: %s is no answer to a choice", tag, why)
			}
		}
		for why := range w.Why {
			if !slices.Contains(reason.Ends(), why) {
				t.Errorf("%s: no sale ends and no machine stands because of %q", tag, why)
			}
		}
		for why := range w.Notice {
			if !slices.Contains(reason.All(), why) || slices.Contains(reason.Notes(), why) {
				t.Errorf("%s: no choice is answered %q", tag, why)
			}
		}
	}
}

func TestAnUnknownLanguageIsEnglish(t *testing.T) {
	for language, want := range map[string]string{"": "en", "en-GB": "en", "SV": "sv", "sv-SE": "sv", "tlh": "en",
		"../sv": "en"} {
		if got := In(language).Tag; got != want {
			t.Errorf("%q is answered in %s", language, got)
		}
	}
}
