package display

import (
	"strings"
	"unicode"
)

// Bounds on what a screen may carry, so that drawing takes bounded time and memory whatever a config says.
const (
	textMax   = 200 // runes of one text: more than the widest line of a usual terminal
	pricesMax = 200 // rows of a price list: more than the slots of the largest machine
)

const noBreak = '\u00a0' // keeps an amount and its currency on one line

// clean makes a text from outside safe to draw: control and format characters (escape sequences, line breaks,
// bidirectional overrides), private-use runes and combining marks go, and every space becomes a plain one, or U+00A0 if
// it does not break. Marks go because terminals disagree about their width; Swedish and English are written with
// composed letters. Bytes that are no UTF-8 become U+FFFD.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		switch {
		case r == noBreak || r == '\u202f':
			r = noBreak
		case unicode.IsSpace(r):
			r = ' '
		case unseen(r):
			continue
		}
		if n++; n > textMax {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// unseen reports whether clean leaves a rune out.
func unseen(r rune) bool {
	return !unicode.IsSpace(r) && (!unicode.IsPrint(r) || unicode.In(r, unicode.Mn, unicode.Me))
}

// Unseen finds the first character of a text that no driver shows, and its place, counted from 1; 0: all can be seen,
// as far as a terminal has a font for them.
func Unseen(text string) (r rune, at int) { return first(text, unseen) }

func first(text string, bad func(rune) bool) (r rune, at int) {
	for _, r := range text {
		if at++; bad(r) {
			return r, at
		}
	}
	return 0, 0
}

// stand is what is shown for a text of which nothing can be shown, and for a character that a font lacks.
const stand = '\ufffd'

// named is clean for the name of something that is sold: it is never empty where there is one.
func named(s string) string {
	if c := clean(s); c != "" || strings.TrimSpace(s) == "" {
		return c
	}
	return string(stand)
}

// runeWidth is how many columns a terminal gives to a cleaned rune: 2 for the East Asian wide blocks and the emoji,
// else 1. The blocks are coarse; Terminal places the cursor anew after a wide rune, so a wrong guess does not move the
// rest of a line.
func runeWidth(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xA960 && r <= 0xA97F, r >= 0xAC00 && r <= 0xD7A3,
		r >= 0xF900 && r <= 0xFAFF, r >= 0xFE30 && r <= 0xFE6F, r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6,
		r >= 0x16FE0 && r <= 0x1B2FF, r >= 0x1F000 && r <= 0x1FAFF, r >= 0x20000 && r <= 0x3FFFD:
		return 2
	}
	return 1
}

func textWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// truncate and wrap are ruler's, in a terminal's columns.
func truncate(s string, width int) string { return ruler(textWidth).truncate(s, width) }

func wrap(s string, width int) []string { return ruler(textWidth).wrap(s, width) }
