package display

import "image"

// calm is how many unchanged rows end a changed area: sending a few too many costs less than another address.
const calm = 8

// Changes are the areas in which two pictures of one size differ, from above to below, for a display to which every
// pixel takes time. A nil old picture differs everywhere.
func Changes(old, now *image.Paletted) []image.Rectangle {
	if old == nil || old.Rect != now.Rect {
		return []image.Rectangle{now.Rect}
	}
	var all []image.Rectangle
	for y := now.Rect.Min.Y; y < now.Rect.Max.Y; y++ {
		a, b := old.Pix[old.PixOffset(now.Rect.Min.X, y):][:now.Rect.Dx()],
			now.Pix[now.PixOffset(now.Rect.Min.X, y):][:now.Rect.Dx()]
		from, to := 0, len(b)
		for from < to && a[from] == b[from] {
			from++
		}
		for to > from && a[to-1] == b[to-1] {
			to--
		}
		if from == to {
			continue
		}
		row := image.Rect(now.Rect.Min.X+from, y, now.Rect.Min.X+to, y+1)
		if n := len(all) - 1; n >= 0 && y-all[n].Max.Y < calm {
			all[n] = all[n].Union(row)
		} else {
			all = append(all, row)
		}
	}
	return all
}
