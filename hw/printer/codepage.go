package printer

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// page is a table of 256 letters, of which the first half is ASCII.
type page struct {
	name   string
	number byte   // what ESC t takes
	high   string // the letters of 0x80 to 0xFF; U+FFFD where there is none that a receipt needs
}

// pages are the tables that have the letters of northern Europe, with the numbers that Epson's printers and those that
// follow them give them: ESC t in Epson's "ESC/POS Command Reference", "Page 0 [PC437: USA, Standard Europe]", "Page 2
// [PC850: Multilingual]", "Page 5 [PC865: Nordic]", "Page 16 [WPC1252]", "Page 19 [PC858: Euro]". The letters are those
// of the Unicode consortium's mapping tables (CP437.TXT and its like). A printer's self-test, which a long press on its
// feed key at power-on prints, lists what it has.
func pages() []page {
	return []page{
		{"cp437", 0, "" +
			"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ" +
			"áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐" +
			"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
			"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\ufffd"},
		{"cp850", 2, "" +
			"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ" +
			"áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐" +
			"└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀" +
			"ÓßÔÒõÕµþÞÚÛÙýÝ¯´\ufffd±‗¾¶§÷¸°¨·¹³²■\ufffd"},
		{"cp858", 19, "" +
			"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ" +
			"áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐" +
			"└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀" +
			"ÓßÔÒõÕµþÞÚÛÙýÝ¯´\ufffd±‗¾¶§÷¸°¨·¹³²■\ufffd"},
		{"cp865", 5, "" +
			"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø₧ƒ" +
			"áíóúñÑªº¿⌐¬½¼¡«¤░▒▓│┤╡╢╖╕╣║╗╝╜╛┐" +
			"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
			"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\ufffd"},
		{"cp1252", 16, "" +
			"€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ" +
			"\ufffd¡¢£¤¥¦§¨©ª«¬\ufffd®¯°±²³´µ¶·¸¹º»¼½¾¿" +
			"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß" +
			"àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ"},
	}
}

// CodePages are the names of the tables that a printer may be told to use, in alphabetic order.
func CodePages() (names []string) {
	for _, p := range pages() {
		names = append(names, p.name)
	}
	slices.Sort(names)
	return names
}

// pageOf finds a table by its name.
func pageOf(name string) (page, error) {
	for _, p := range pages() {
		if p.name == name {
			return p, nil
		}
	}
	return page{}, fmt.Errorf("printer: there is no code page %q: it is one of %s", name,
		strings.Join(CodePages(), ", "))
}

// encode writes a line in the table's letters: one byte for each character, so that columns stay columns. A character
// that the table does not have becomes a simpler one, or "?". Nothing below a space comes through: it would steer the
// printer.
func (p page) encode(line string) []byte {
	b := make([]byte, 0, len(line))
	for _, r := range line {
		b = append(b, p.letter(r))
	}
	return b
}

func (p page) letter(r rune) byte {
	if r >= ' ' && r < 0x7F {
		return byte(r)
	}
	if at := p.find(r); at != 0 {
		return at
	}
	if plain, ok := simpler(r); ok {
		return plain
	}
	return '?'
}

// find is a letter's place in the upper half; 0: it has none.
func (p page) find(r rune) byte {
	at := strings.IndexRune(p.high, r)
	if at < 0 || r == utf8.RuneError {
		return 0
	}
	return byte(0x80 + utf8.RuneCountInString(p.high[:at]))
}

// simpler is what stands for a sign of typesetting where the table has no such sign.
func simpler(r rune) (byte, bool) {
	switch r {
	case '\u00a0', '\u202f', '\u2009': // kinds of spaces, as amounts have
		return ' ', true
	case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212':
		return '-', true
	case '\u2018', '\u2019', '\u00b4':
		return '\'', true
	case '\u201c', '\u201d', '\u201e':
		return '"', true
	}
	return 0, false
}
