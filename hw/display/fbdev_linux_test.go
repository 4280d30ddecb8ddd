package display

import (
	"testing"
	"unsafe"
)

// TestTheKernelsStructsAreAsLargeAsTheKernels: an ioctl that fills more than it is given overwrites what lies behind.
// Sizes of linux/fb.h.
func TestTheKernelsStructsAreAsLargeAsTheKernels(t *testing.T) {
	fix := uintptr(68) // of 32 bits
	if unsafe.Sizeof(uintptr(0)) == 8 {
		fix = 80
	}
	if v, f := unsafe.Sizeof(fbVar{}), unsafe.Sizeof(fbFix{}); v != 160 || f != fix {
		t.Errorf("fb_var_screeninfo takes %d bytes, want 160; fb_fix_screeninfo %d, want %d", v, f, fix)
	}
}
