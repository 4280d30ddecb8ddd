// Package markup writes HTML by hand, with everything that is filled in escaped. The library's templates would be a
// seventh of the whole daemon's size.
package markup

import (
	"fmt"
	"html"
	"strings"
)

// Builder is HTML under construction. What its WriteString writes stands there as it is.
type Builder struct{ strings.Builder }

// Add writes a line of HTML into which texts are filled, each escaped: as an element's content, or within double
// quotes.
func (b *Builder) Add(format string, texts ...string) {
	args := make([]any, len(texts))
	for n, t := range texts {
		args[n] = html.EscapeString(t)
	}
	fmt.Fprintf(b, format+"\n", args...)
}

// Some is Add, unless the text is empty.
func (b *Builder) Some(format, text string) {
	if text != "" {
		b.Add(format, text)
	}
}
