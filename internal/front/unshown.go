package front

import (
	"fmt"
	"unicode"

	"kioskd/hw/display"
	"kioskd/internal/config"
)

// Unshown is a config.Judge: it says which character of a text the config's display does not show. A terminal is
// trusted with all that takes a place, since its font is not known here; without a display nothing is shown.
func Unshown(cfg config.Config, text string) string {
	find := display.Unseen
	var painter *display.Painter
	var err error
	switch d := cfg.Display; d.Driver {
	case "none", "":
		return ""
	case "png":
		painter, err = display.NewPainter(d.Width, d.Height)
	case "framebuffer":
		if painter, err = display.NewPainter(d.Width, d.Height); d.Width == 0 || d.Height == 0 { // it fills the display
			painter, err = display.NewPainter(PictureWidth, PictureHeight)
		}
	case "ssd1306":
		painter, err = display.NewPainter(128, 64) // of whose size they all are
	case "epd":
		painter, err = display.NewPaperPainter(PictureWidth, PictureHeight) // whose letters are those of any size
	}
	if err != nil {
		return "" // its size is a mistake of its own
	}
	if painter != nil {
		find = painter.Unseen
	}
	r, at := find(text)
	if at == 0 {
		return ""
	}
	what := fmt.Sprintf("%.60q: character %d, %q (%U), ", text, at, r, r)
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return what + "is a mark on the letter before it, which no display here draws: write both as one character, " +
			"like é"
	case !unicode.IsPrint(r):
		return what + "cannot be seen: leave it out"
	}
	return what + fmt.Sprintf("is not in the letters of display driver %q, and customers would see a box: "+
		"write it otherwise, in Latin letters and without emoji", cfg.Display.Driver)
}
