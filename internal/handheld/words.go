package handheld

import (
	"embed"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"kioskd/internal/markup"
)

//go:embed words/*.toml
var texts embed.FS

// fallback is the language of whoever asks for none that has a file.
const fallback = "en"

// words are what a technician reads in one language, by names. Reasons, records and remedies stay in English: the
// guide, the commands and whoever is called about them use the same words.
type words map[string]string

// say is a text with its blanks filled.
func (w words) say(name string, fill ...string) string {
	text, there := w[name]
	if !there {
		return name
	}
	args := make([]any, len(fill))
	for n, f := range fill {
		args[n] = f
	}
	return fmt.Sprintf(text, args...)
}

// library has the languages by their IETF tags. It panics when a file is none: the tests read each.
var library = sync.OnceValue(func() map[string]words {
	all := map[string]words{}
	entries, err := texts.ReadDir("words")
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, e := range entries {
		b, err := texts.ReadFile("words/" + e.Name())
		w := words{}
		if err == nil {
			err = toml.Unmarshal(b, &w)
		}
		if err != nil {
			panic(fmt.Sprintf("handheld: %s: %v", e.Name(), err))
		}
		all[strings.TrimSuffix(e.Name(), path.Ext(e.Name()))] = w
	}
	return all
})

// languageOf is the language that the address, the browser or the machine asks for.
func languageOf(r *http.Request, machine string) string {
	wanted := []string{r.URL.Query().Get("lang")}
	if c, err := r.Cookie("kioskd_language"); err == nil {
		wanted = append(wanted, c.Value)
	}
	for one := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(one, ";")
		wanted = append(wanted, tag)
	}
	for _, tag := range append(wanted, machine) {
		base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if library()[base] != nil {
			return base
		}
	}
	return fallback
}

// builder is HTML under construction.
type builder = markup.Builder
