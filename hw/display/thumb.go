package display

import "image"

func (c canvas) thumb(m *image.Paletted, at image.Point) {
	if m == nil {
		return
	}
}
