package display

import (
	"image/color"
	"math"
)

// contrast is WCAG 2.2's ratio of two colours.
func contrast(a, b color.RGBA) float64 {
	light, dark := luminance(a), luminance(b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

func luminance(c color.RGBA) float64 {
	channel := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(c.R) + 0.7152*channel(c.G) + 0.0722*channel(c.B)
}

// xterm is a colour of the 256 that no theme changes: the cube from 16 on, and the greys.
func xterm(n int) color.RGBA {
	if n >= 232 {
		grey := uint8(8 + 10*(n-232))
		return color.RGBA{grey, grey, grey, 255}
	}
	step := [6]uint8{0, 95, 135, 175, 215, 255}
	n -= 16
	return color.RGBA{step[n/36], step[n/6%6], step[n%6], 255}
}
