package board

import (
	"bytes"
	"reflect"
	"testing"
	"time"
)

func TestFramesAreTheProtocols(t *testing.T) {
	for want, f := range map[string]frame{
		"\xFA\xFB\x41\x00\x40":                     {cmd: poll},
		"\xFA\xFB\x42\x00\x43":                     {cmd: ack},
		"\xFA\xFB\x06\x05\x07\x01\x00\x00\x0C\x08": {dispense, []byte{7, 1, 0, 0, 12}},
		"\xFA\xFB\x04\x04\x09\x02\x01\x0C\x07":     {status, []byte{9, 2, 1, 12}},
		"\xFA\xFB\x01\x03\x01\x00\x0C\x0E":         {check, []byte{1, 0, 12}},
		"\xFA\xFB\x02\x04\x01\x01\x00\x0C\x0B":     {checked, []byte{1, 1, 0, 12}},
		// a frame within a frame is none
		"\xFA\xFB\x04\x05\xFA\xFB\x41\x00\x40\x00": {status, []byte{0xFA, 0xFB, 0x41, 0x00, 0x40}},
	} {
		if b := f.bytes(); string(b) != want {
			t.Errorf("%v is %x on the line, want %x", f, b, want)
		}
		var d decoder
		if got := d.feed([]byte(want), time.Time{}); len(got) != 1 || got[0].cmd != f.cmd ||
			!bytes.Equal(got[0].data, f.data) {
			t.Errorf("%x is read as %v", want, got)
		}
	}
}

func TestAHalfFrameHidesNothingAfterAPause(t *testing.T) {
	var d decoder
	at := time.Unix(0, 0)
	half, whole := frame{cmd: status, data: make([]byte, 200)}.bytes()[:50], frame{cmd: poll}.bytes()
	if got := d.feed(append(bytes.Clone(half), whole...), at); len(got) != 0 {
		t.Fatalf("read %v: the half frame says that it is longer", got)
	}
	if got := d.feed(whole, at.Add(200*time.Millisecond)); len(got) != 2 {
		t.Errorf("read %v, want the poll within and the poll after", got)
	}
}

// FuzzFrames: whatever arrives, in whatever pieces, is read alike, costs a bounded memory, and a frame that is whole is
// found.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\xFA\xFB\x41\x00\x40"), uint8(1))
	f.Add([]byte("\x00\xFA\xFA\xFB\x04\x04\x09\x02\x01\x0C\x07\xFA\xFB\x41"), uint8(3))
	f.Add([]byte("\xFA\xFB\x04\xFF\x09\xFA\xFB\x41\x00\x40"), uint8(200))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		at := time.Unix(0, 0)
		var whole, pieces decoder
		want := whole.feed(b, at)
		var got []frame
		for rest := b; len(rest) > 0; {
			n := min(len(rest), 1+int(step))
			got = append(got, pieces.feed(rest[:n], at)...)
			rest = rest[n:]
		}
		if !reflect.DeepEqual(got, want) || !bytes.Equal(pieces.buf, whole.buf) {
			t.Fatalf("%x in pieces of %d is %v and %x, at once %v and %x", b, 1+int(step), got, pieces.buf, want,
				whole.buf)
		}
		if len(whole.buf) >= frameMax {
			t.Errorf("%d bytes are kept", len(whole.buf))
		}
		for _, f := range want {
			if sent := f.bytes(); !bytes.Contains(b, sent) {
				t.Errorf("%x was read, and never sent", sent)
			}
		}
		later := whole.feed(frame{cmd: poll}.bytes(), at.Add(time.Second))
		if len(later) == 0 || later[len(later)-1].cmd != poll {
			t.Errorf("after a pause a poll is read as %v", later)
		}
	})
}
