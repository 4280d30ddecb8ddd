// Package words is what customers read, in each language that the machine speaks: a file a language, named by its IETF
// tag.
//
// To add a language, copy en.toml and translate it. Nothing else names the languages: the config takes each that has a
// file here. The tests hold that each file says all that English says, with the same things to fill in, and that each
// display has room for it.
package words

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"kioskd/internal/reason"
)

//go:embed *.toml
var files embed.FS

// Default is the language of a machine whose own has no file.
const Default = "en"

// Words are the texts of one language. A text with %s takes what its name says. They are shared: nobody writes into
// them.
type Words struct {
	Tag string `toml:"-"` // the IETF tag, by which money is spelled too

	Idle       struct{ Title, Step1, Step2, Step3, Hint string } // the machine waits, and its code is scanned
	First      struct{ Title, Line, Hint string }                // the machine waits, and a product is chosen first
	Confirm    struct{ Title, Line, Amount string }
	Scan       Scan
	Choose     Choose
	Asking     struct{ Title, Line, Hint string }
	Dispensing struct{ Title, Product, Line string }
	Settling   struct{ Title, Line string }
	Done       struct{ Title, Amount, Reference string }
	Nothing    struct{ Title string }
	Refunded   Refunded
	Out        struct{ Title, Soon, Hint string } // out of service; Soon: for moments only
	Doubt      struct{ Title string }
	Page       Page
	Any        Any
	Invoice    struct{ Reserved, Refund string } // lines that stand for no product
	Receipt    Receipt

	Why    map[reason.Why]string // how a sale ended, or why the machine is out of service
	Notice map[reason.Why]string // what follows a choice that did not lead to a product
}

// Scan is how a chosen product is paid.
type Scan struct {
	Title, Line, Sticker string
	TitleAmount          string `toml:"title_amount"`
}

// Choose is the choice within a credit.
type Choose struct {
	Title, Credit, Hint string
	SoFar               string `toml:"so_far"`
}

// Refunded is the end with money going back.
type Refunded struct {
	Title, Line string
	TitleAmount string `toml:"title_amount"`
}

// Page is the page in a customer's browser, and the machine's screen that leads to it.
type Page struct {
	Title, Step1, Step2, Step3 string // the machine waits, and its code leads to the page
	Also                       string // beside the machine's own code

	Choose, Line, Busy, Pay, Cancel, Again, Used, Cookies, Lost, QR string

	BusyLine    string `toml:"busy_line"`
	PayApp      string `toml:"pay_app"`
	PayScan     string `toml:"pay_scan"`
	PayWait     string `toml:"pay_wait"`
	UsedLine    string `toml:"used_line"`
	CookiesLine string `toml:"cookies_line"`
}

// Receipt is what a sale's receipt says. VAT takes a rate in whole percent and the sum that it is in.
type Receipt struct {
	Title, Copy, Total, Refunded, Kept, VAT, Reference, Sale, Time string

	Back    string // below a product that did not come out
	Unknown string // instead of the time
}

// Any are the texts that are on several screens. Why and Notice are for words of a reason that the language does not
// know.
type Any struct {
	Cancel, Remaining, Support, Code, Test string
	Closed, Unavailable, Typed             string
	SupportCode                            string `toml:"support_code"`
	SoldOut                                string `toml:"sold_out"`
	TooSmall                               string `toml:"too_small"` // takes columns and rows
	Phases                                 [4]string
	Why, Notice                            string
}

// library has each language's words, which are read when they are first asked for.
var library = sync.OnceValue(func() map[string]func() *Words {
	all := map[string]func() *Words{}
	for _, tag := range Languages() {
		all[tag] = sync.OnceValue(func() *Words { return read(tag) })
	}
	return all
})

// Languages are the IETF tags of those that the machine speaks, in alphabetic order.
func Languages() (tags []string) {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, e := range entries {
		tags = append(tags, strings.TrimSuffix(e.Name(), path.Ext(e.Name())))
	}
	return tags
}

// In gives the words of an IETF tag's language, "sv" for "sv-SE" as well; those of Default when it has no file.
func In(language string) *Words {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	if words, known := library()[base]; known {
		return words()
	}
	return library()[Default]()
}

// read panics when a file is no language: it is part of the program, and each is read by the tests.
func read(tag string) *Words {
	b, err := files.ReadFile(tag + ".toml")
	if err != nil {
		panic(err)
	}
	w := &Words{Tag: tag}
	if err := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields().Decode(w); err != nil {
		panic(fmt.Sprintf("words: %s.toml: %v", tag, err))
	}
	return w
}
