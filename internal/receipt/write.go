package receipt

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kioskd/internal/markup"
	"kioskd/internal/words"
)

// WidthMin is the fewest columns that a receipt's text fits in.
const WidthMin = 24

// style is what a line is.
type style int

const (
	title  style = iota // in the middle
	row                 // a text, and what belongs to it at the right
	strong              // such a row that is to be found first
	rule                // a line across
	gap                 // nothing
)

type line struct {
	style       style
	left, right string
}

// lines are all that a receipt says, in order.
func (r Receipt) lines() []line {
	w := words.In(r.Language).Receipt
	all := []line{{title, r.Machine, ""}, {title, w.Title, ""}}
	if r.Copy {
		all = append(all, line{title, w.Copy, ""})
	}
	all = append(all, line{style: gap})
	for _, p := range r.Rows {
		all = append(all, line{row, p.Name, p.Price.Local(r.Language)})
		if p.Back {
			all = append(all, line{row, "  " + w.Back, ""})
		}
	}
	all = append(all, line{style: rule}, line{strong, w.Total, r.Total.Local(r.Language)})
	all = append(all, r.paid()...)
	if !r.Refunded.IsZero() {
		all = append(all, line{row, w.Refunded, r.Refunded.Local(r.Language)},
			line{strong, w.Kept, r.Kept().Local(r.Language)})
	}
	all = append(all, line{style: gap}, line{row, w.Reference, r.ErsReference})
	return append(all, r.which()...)
}

// paid are the VAT and the way of paying.
func (r Receipt) paid() (all []line) {
	w := words.In(r.Language).Receipt
	for _, v := range r.VAT() {
		all = append(all, line{row, fmt.Sprintf(w.VAT, v.Rate, v.In.Local(r.Language)), v.Tax.Local(r.Language)})
	}
	return append(all, line{row, Payment, r.Total.Local(r.Language)})
}

// which are the sale's own name and time.
func (r Receipt) which() (all []line) {
	w := words.In(r.Language).Receipt
	if r.Sale != "" {
		all = append(all, line{row, w.Sale, r.Sale})
	}
	return append(all, line{row, w.Time, r.time(w.Unknown)})
}

// Rest is what a page that shows the products, the sum, the refund and Glase's reference in its own way still lacks:
// a text each, and what belongs to it.
func (r Receipt) Rest() (rows [][2]string) {
	for _, l := range append(r.paid(), r.which()...) {
		rows = append(rows, [2]string{l.left, l.right})
	}
	return rows
}

func (r Receipt) time(unknown string) string {
	if r.At.IsZero() {
		return unknown
	}
	zone := r.Timezone
	if zone == nil {
		zone = time.UTC
	}
	return r.At.In(zone).Format("2006-01-02 15:04:05 MST")
}

// Text is the receipt in lines of at most so many columns, WidthMin or more, a character each. Spaces are plain ones.
func (r Receipt) Text(width int) (all []string) {
	width = max(width, WidthMin)
	for _, l := range r.lines() {
		left, right := plain(l.left), plain(l.right)
		switch l.style {
		case title:
			for _, part := range wrap(left, width) {
				all = append(all, strings.Repeat(" ", (width-utf8.RuneCountInString(part))/2)+part)
			}
		case rule:
			all = append(all, strings.Repeat("-", width))
		case gap:
			all = append(all, "")
		default:
			all = append(all, columns(left, right, width)...)
		}
	}
	return all
}

// columns writes a text at the left and one at the right edge, which begins a line of its own where there is no room.
func columns(left, right string, width int) []string {
	parts := wrap(left, width)
	for _, part := range wrap(right, width) {
		last := utf8.RuneCountInString(parts[len(parts)-1])
		own := utf8.RuneCountInString(part)
		if last+1+own > width || last == 0 {
			parts, last = append(parts, ""), 0
		}
		if part != "" {
			parts[len(parts)-1] += strings.Repeat(" ", width-last-own) + part
		}
	}
	return parts
}

// wrap breaks a text at its spaces, and a word that is longer than a line where the line ends. It gives at least one
// line.
func wrap(text string, width int) (all []string) {
	runes := []rune(text)
	for len(runes) > width {
		end, next := width, width
		for n := width; n > width/2; n-- {
			if runes[n] == ' ' {
				end, next = n, n+1
				break
			}
		}
		all = append(all, string(runes[:end]))
		runes = runes[next:]
	}
	return append(all, string(runes))
}

// plain leaves one kind of space and of minus, which printers know, and nothing that would steer them.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\u2212':
			return '-'
		case unicode.IsSpace(r), !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, s)
}

// HTML is the receipt as a whole page, for a phone's screen, that loads nothing.
func (r Receipt) HTML() string {
	var m markup.Builder
	m.Add(`<!DOCTYPE html><html lang="%s"><head><meta charset="utf-8">`, words.In(r.Language).Tag)
	m.Add(`<meta name="viewport" content="width=device-width, initial-scale=1"><title>%s</title></head><body>`, r.Machine)
	table, heading := false, "h1"
	for _, l := range r.lines() {
		if in := l.style == row || l.style == strong; in != table {
			table = in
			m.WriteString(map[bool]string{true: "<table>\n", false: "</table>\n"}[in])
		}
		switch l.style {
		case title:
			m.Add("<"+heading+">%s</"+heading+">", l.left)
			heading = "h2"
		case row:
			m.Add(`<tr><td>%s</td><td align="right">%s</td></tr>`, l.left, l.right)
		case strong:
			m.Add(`<tr><th align="left">%s</th><th align="right">%s</th></tr>`, l.left, l.right)
		case rule:
			m.Add(`<hr>`)
		}
	}
	m.Add(`</table></body></html>`)
	return m.String()
}
