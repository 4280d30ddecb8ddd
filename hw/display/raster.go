package display

import (
	"encoding/binary"
	"fmt"
	"image/color"
)

// Raster is how a framebuffer's pixels lie in memory. A pixel is a little-endian number of 2, 3 or 4 bytes with a field
// of bits for each colour.
type Raster struct {
	Width, Height    int // pixels that can be seen
	X, Y             int // the first of them, in pixels from the memory's beginning
	Stride           int // bytes from one row to the next
	Bits             int // of a pixel: 16, 24 or 32
	Size             int // bytes of the memory
	Red, Green, Blue Field
	Alpha            Field // all ones, where there is one
}

// Field is a colour's bits within a pixel: Length of them from bit Offset on.
type Field struct{ Offset, Length int }

// strideMax bounds a row's bytes, and with pictureMax all that is computed with a raster: the widest display with a
// virtual screen beside.
const strideMax = 1 << 16

// check says what this package cannot draw on. Everything else in a raster is inside its memory.
func (r Raster) check() error {
	switch {
	case r.Bits != 16 && r.Bits != 24 && r.Bits != 32:
		return fmt.Errorf("%d bits a pixel: set 16, 24 or 32 (on a Raspberry Pi framebuffer_depth=16 in config.txt)",
			r.Bits)
	case r.Width < 1 || r.Height < 1 || r.Width > pictureMax || r.Height > pictureMax:
		return fmt.Errorf("%d by %d pixels: at most %d by %[3]d are possible: set a smaller mode", r.Width, r.Height,
			pictureMax)
	case r.X < 0 || r.Y < 0 || r.X > strideMax || r.Y > strideMax || r.Stride < (r.X+r.Width)*r.bytes() ||
		r.Stride > strideMax:
		return fmt.Errorf("rows of %d bytes for %d pixels from the %d. on: the driver contradicts itself", r.Stride,
			r.Width, r.X)
	case int64(r.Size) < r.offset(r.Width, r.Height-1):
		return fmt.Errorf("%d bytes of memory for %d rows of %d from the %d. on: the driver contradicts itself", r.Size,
			r.Height, r.Stride, r.Y)
	}
	for _, f := range []Field{r.Red, r.Green, r.Blue} {
		if f.Length < 1 || f.Length > 16 || f.Offset < 0 || f.Offset+f.Length > r.Bits {
			return fmt.Errorf(
				"a colour of %d bits at bit %d of %d: set a mode in which each pixel holds its own colour", f.Length,
				f.Offset, r.Bits)
		}
	}
	if f := r.Alpha; f.Length < 0 || f.Length > 16 || f.Offset < 0 || f.Offset+f.Length > r.Bits {
		return fmt.Errorf("an alpha of %d bits at bit %d of %d: the driver contradicts itself", f.Length, f.Offset,
			r.Bits)
	}
	return nil
}

func (r Raster) bytes() int { return r.Bits / 8 }

// offset is where a pixel that can be seen lies in memory.
func (r Raster) offset(x, y int) int64 {
	return int64(r.Y+y)*int64(r.Stride) + int64(r.X+x)*int64(r.bytes())
}

// value is a colour as a pixel.
func (r Raster) value(c color.Color) uint32 {
	red, green, blue, _ := c.RGBA()
	return r.Red.of(red) | r.Green.of(green) | r.Blue.of(blue) | r.Alpha.of(0xffff)
}

// of is a colour's share of 16 bits in this field.
func (f Field) of(v uint32) uint32 { return v >> (16 - f.Length) << f.Offset }

// put writes a pixel.
func (r Raster) put(to []byte, v uint32) {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	copy(to[:r.bytes()], b[:])
}

// palette is a palette's colours as pixels, one after the other.
func (r Raster) palette(p color.Palette) []byte {
	all := make([]byte, len(p)*r.bytes())
	for n, c := range p {
		r.put(all[n*r.bytes():], r.value(c))
	}
	return all
}
