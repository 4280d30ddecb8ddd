package display

import "strings"

// ruler is how wide a text is, in a driver's own units.
type ruler func(string) int

// truncate cuts a text to a width, with "…" for what is missing.
func (w ruler) truncate(s string, width int) string {
	if w(s) <= width {
		return s
	}
	best := ""
	for i := range s {
		cut := strings.TrimRight(s[:i], " ") + "…"
		if w(cut) > width {
			break
		}
		best = cut
	}
	return best
}

// wrap breaks a text at its plain spaces into lines of at most a width; a word longer than that is truncated.
func (w ruler) wrap(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.SplitSeq(s, " ") {
		word = w.truncate(word, width)
		switch {
		case word == "":
		case line == "":
			line = word
		case w(line+" "+word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// most breaks a text into at most so many lines; what is left is cut.
func (w ruler) most(s string, width, most int) []string {
	lines := w.wrap(s, width)
	if len(lines) > most {
		lines = append(lines[:most-1], w.truncate(strings.Join(lines[most-1:], " "), width))
	}
	return lines
}

// whole breaks a text into as many lines as it takes, and leaves nothing out: a word that is longer than a line goes on
// in the next.
func (w ruler) whole(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.SplitSeq(s, " ") {
		if line != "" && w(line+" "+word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; w(line) > width; {
			fits := 0
			for i := range line {
				if i > 0 && (fits == 0 || w(line[:i]) <= width) {
					fits = i
				}
			}
			if fits == 0 { // one character
				break
			}
			lines, line = append(lines, line[:fits]), line[fits:]
		}
	}
	return append(lines, line)
}
