package markup

import "testing"

// TestNothingThatIsFilledInIsMarkup: in an element, in an attribute, and whatever stands in it.
func TestNothingThatIsFilledInIsMarkup(t *testing.T) {
	var b Builder
	b.Add(`<a href="%s">%s</a>`, `"><script>`, `<b>'&"%s`)
	b.Some("<p>%s</p>", "")
	b.Some("<p>%s</p>", "1 < 2")
	want := "<a href=\"&#34;&gt;&lt;script&gt;\">&lt;b&gt;&#39;&amp;&#34;%s</a>\n<p>1 &lt; 2</p>\n"
	if got := b.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
