package shop

import (
	"strconv"

	"kioskd/hw/display"
	"kioskd/internal/markup"
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

// html is the part of the page that changes.
func (c content) html() string {
	var m markup.Builder
	m.Add(`<h1 id="title" tabindex="-1">%s</h1>`, c.text.Title)
	for _, line := range c.text.Lines {
		m.Some(`<p>%s</p>`, line)
	}
	m.Some(`<p class="notice" role="alert">%s</p>`, c.text.Notice)
	if c.link != "" {
		m.Add(`<p class="phone"><a id="app" class="act" href="%s">%s</a></p>`, c.link, c.words.PayApp)
		// which tells the machine that the app was opened, where no script can
		m.Add(`<noscript><p class="phone"><a class="act" href="open">%s</a></p></noscript>`, c.words.PayApp)
		m.Add(`<figure><img src="qr.svg?%s" width="260" height="260" alt="%s"><figcaption>%s</figcaption></figure>`,
			c.invoice, c.words.QR, c.words.PayScan)
	}
	if len(c.text.List) > 0 {
		c.list(&m)
	}
	if len(c.rest) > 0 {
		m.Add(`<table id="receipt">`)
		for _, r := range c.rest {
			m.Add(`<tr><td>%s</td><td class="price">%s</td></tr>`, r[0], r[1])
		}
		m.Add(`</table>`)
	}
	m.Some(`<p class="support">%s</p>`, c.text.Support)
	m.Some(`<p class="hint">%s</p>`, c.text.Hint)
	if c.cancel {
		m.Add(`<form method="post" action="cancel"><button id="cancel" class="quiet">%s</button></form>`, c.words.Cancel)
	}
	return m.String()
}

// list writes the products to choose from, or what came out.
func (c content) list(m *markup.Builder) {
	if !c.buy {
		m.Add(`<table>`)
		for _, e := range c.text.List {
			m.Add(`<tr><td>%s</td><td class="price">%s</td></tr>`, e.Name, e.Price)
		}
		m.Add(`</table>`)
		return
	}
	m.Add(`<form method="post" action="order"><ul class="list">`)
	for _, e := range c.text.List {
		off := ""
		if e.Off {
			off = " disabled"
		}
		m.Add(`<li><button id="slot-%s" name="slot" value="%s"`+off+`><span class="key">%s</span> `+
			`<span class="name">%s</span> <span class="price">%s</span></button></li>`, e.Key, e.Key, e.Key, e.Name, e.Price)
	}
	m.Add(`</ul></form>`)
}

// document is the whole page around a view.
func (v View) document(machine, language string) string {
	var m markup.Builder
	m.Add(`<!doctype html>`)
	m.Add(`<html lang="%s"><head><meta charset="utf-8">`, language)
	m.Add(`<meta name="viewport" content="width=device-width, initial-scale=1"><title>%s</title>`, machine)
	if v.Step != Ended && v.Step != Gone {
		m.Add(`<noscript><meta http-equiv="refresh" content="4;url=./"></noscript>`)
	}
	m.Add(`<link rel="stylesheet" href="page.css"><script src="page.js" defer></script></head>`)
	m.Add(`<body data-step="%s"><header>%s</header>`, string(v.Step), machine)
	m.Add(`<main id="main" aria-live="polite">`)
	m.WriteString(v.HTML) // escaped already
	m.Add(`</main>`)
	m.Add(`<p id="time" role="timer" data-left="%s">%s</p>`, strconv.FormatInt(v.Remaining, 10), v.Time)
	m.Add(`<p id="lost" role="status" hidden>%s</p></body></html>`, words.In(language).Page.Lost)
	return m.String()
}
