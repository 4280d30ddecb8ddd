package glase

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"
)

// isChar is XML 1.0's production Char.
func isChar(r rune) bool {
	return r >= 0x20 && r <= 0xD7FF || r == '\t' || r == '\n' || r == '\r' || r >= 0xE000 && r <= 0xFFFD ||
		r >= 0x10000 && r <= 0x10FFFF
}

// checkChars refuses what no XML document may hold, which also is how UTF-16 and the old code pages show.
func checkChars(b []byte) error {
	for i := 0; i < len(b); {
		c := b[i]
		if c >= 0x20 && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 || !isChar(r) {
			return errors.New("xml: not UTF-8, or a character that XML does not allow")
		}
		i += size
	}
	return nil
}

// lineFeeds turns carriage returns into line feeds, as XML demands.
func lineFeeds(b []byte) []byte {
	if bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
}

// unescape resolves references in character data, in a copy if there are any.
func unescape(b []byte) ([]byte, error) {
	b = lineFeeds(b)
	if bytes.Contains(b, []byte("]]>")) {
		return nil, errors.New("xml: ]]> in text")
	}
	if bytes.IndexByte(b, '&') < 0 {
		return b, nil
	}
	out := make([]byte, 0, len(b))
	for {
		amp := bytes.IndexByte(b, '&')
		if amp < 0 {
			return append(out, b...), nil
		}
		out = append(out, b[:amp]...)
		semi := bytes.IndexByte(b[amp:], ';')
		if semi < 0 {
			return nil, errors.New("xml: an & that begins no entity")
		}
		r, err := reference(string(b[amp+1 : amp+semi]))
		if err != nil {
			return nil, err
		}
		out = utf8.AppendRune(out, r)
		b = b[amp+semi+1:]
	}
}

// reference is the character that "lt", "#65" or "#x41" stands for.
func reference(name string) (rune, error) {
	switch name {
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "amp":
		return '&', nil
	case "apos":
		return '\'', nil
	case "quot":
		return '"', nil
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, errors.New("xml: an unknown entity")
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	if err != nil || !isChar(rune(n)) {
		return 0, errors.New("xml: a reference to no character")
	}
	return rune(n), nil
}
