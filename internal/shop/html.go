package shop

import (
	"fmt"
	"html"
	"strconv"
	"strings"

	"kioskd/hw/display"
	"kioskd/internal/words"
)

// content is what a view's HTML is made of.
type content struct {
	step     Step
	text     display.Wording
	words    *words.Page
	link     string // opens the app; there is something to pay
	buy      bool   // the list's products can be chosen
	cancel   bool   // the sale can be cancelled
	language string
	rest     [][2]string // what a receipt says besides
	invoice  string      // makes the address of its code's picture another one
}

// markup is HTML under construction. The library's templates would be a seventh of the whole daemon's size.
type markup struct{ strings.Builder }

// add writes HTML into which texts are filled, each escaped: as an element's content, or within double quotes.
func (m *markup) add(format string, texts ...string) {
	args := make([]any, len(texts))
	for n, t := range texts {
		args[n] = html.EscapeString(t)
	}
	fmt.Fprintf(m, format+"\n", args...)
}

// some is add, unless the text is empty.
func (m *markup) some(format, text string) {
	if text != "" {
		m.add(format, text)
	}
}

// html is the part of the page that changes.
func (c content) html() string {
	var m markup
	m.add(`<h1 id="title" tabindex="-1">%s</h1>`, c.text.Title)
	for _, line := range c.text.Lines {
		m.some(`<p>%s</p>`, line)
	}
	m.some(`<p class="notice" role="alert">%s</p>`, c.text.Notice)
	if c.link != "" {
		m.add(`<p class="phone"><a id="app" class="act" href="%s">%s</a></p>`, c.link, c.words.PayApp)
		// which tells the machine that the app was opened, where no script can
		m.add(`<noscript><p class="phone"><a class="act" href="open">%s</a></p></noscript>`, c.words.PayApp)
		m.add(`<figure><img src="qr.svg?%s" width="260" height="260" alt="%s"><figcaption>%s</figcaption></figure>`,
			c.invoice, c.words.QR, c.words.PayScan)
	}
	if len(c.text.List) > 0 {
		c.list(&m)
	}
	if len(c.rest) > 0 {
		m.add(`<table id="receipt">`)
		for _, r := range c.rest {
			m.add(`<tr><td>%s</td><td class="price">%s</td></tr>`, r[0], r[1])
		}
		m.add(`</table>`)
	}
	m.some(`<p class="support">%s</p>`, c.text.Support)
	m.some(`<p class="hint">%s</p>`, c.text.Hint)
	if c.cancel {
		m.add(`<form method="post" action="cancel"><button id="cancel" class="quiet">%s</button></form>`, c.words.Cancel)
	}
	return m.String()
}

// list writes the products to choose from, or what came out.
func (c content) list(m *markup) {
	if !c.buy {
		m.add(`<table>`)
		for _, e := range c.text.List {
			m.add(`<tr><td>%s</td><td class="price">%s</td></tr>`, e.Name, e.Price)
		}
		m.add(`</table>`)
		return
	}
	m.add(`<form method="post" action="order"><ul class="list">`)
	for _, e := range c.text.List {
		off := ""
		if e.Off {
			off = " disabled"
		}
		m.add(`<li><button id="slot-%s" name="slot" value="%s"`+off+`><span class="key">%s</span> `+
			`<span class="name">%s</span> <span class="price">%s</span></button></li>`, e.Key, e.Key, e.Key, e.Name, e.Price)
	}
	m.add(`</ul></form>`)
}

// document is the whole page around a view.
func (v View) document(machine, language string) string {
	var m markup
	m.add(`<!doctype html>`)
	m.add(`<html lang="%s"><head><meta charset="utf-8">`, language)
	m.add(`<meta name="viewport" content="width=device-width, initial-scale=1"><title>%s</title>`, machine)
	if v.Step != Ended && v.Step != Gone {
		m.add(`<noscript><meta http-equiv="refresh" content="4;url=./"></noscript>`)
	}
	m.add(`<link rel="stylesheet" href="page.css"><script src="page.js" defer></script></head>`)
	m.add(`<body data-step="%s"><header>%s</header>`, string(v.Step), machine)
	m.add(`<main id="main" aria-live="polite">`)
	m.WriteString(v.HTML) // escaped already
	m.add(`</main>`)
	m.add(`<p id="time" role="timer" data-left="%s">%s</p>`, strconv.FormatInt(v.Remaining, 10), v.Time)
	m.add(`<p id="lost" role="status" hidden>%s</p></body></html>`, words.In(language).Page.Lost)
	return m.String()
}
