package main

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// file is a file's content: what is safe on the disk, and every state of it since.
type file struct {
	synced []byte
	since  [][]byte // after each change since the last sync; the newest is what the process sees
}

func (f *file) now() []byte {
	if n := len(f.since); n > 0 {
		return f.since[n-1]
	}
	return f.synced
}

func (f *file) write(b []byte, at int) {
	next := make([]byte, max(len(f.now()), at+len(b)))
	copy(next, f.now())
	copy(next[at:], b)
	f.since = append(f.since, next)
}

func (f *file) truncate(size int) {
	next := make([]byte, size)
	copy(next, f.now())
	f.since = append(f.since, next)
}

func (f *file) sync() { f.synced, f.since = f.now(), nil }

// torn is one content that a cut may leave: each sector as in any state since the last sync, so that writes come in any
// order, and by halves; the length likewise; what was never written is zeros or rubbish.
func (f *file) torn(r *rand.Rand) []byte {
	states := append([][]byte{f.synced}, f.since...)
	out := make([]byte, len(states[r.IntN(len(states))]))
	rubbish := r.IntN(2) == 0
	for at := 0; at < len(out); at += sector {
		end := min(at+sector, len(out))
		from := states[r.IntN(len(states))]
		switch {
		case at < len(from):
			copy(out[at:end], from[at:])
		case rubbish && at >= len(f.synced):
			for n := at; n < end; n++ {
				out[n] = byte(r.Uint32())
			}
		}
	}
	return out
}

// names are a folder's.
type names map[string]*file

// disk is a folder: the names that are safe, and every state of them since the folder's last sync.
type disk struct {
	synced names
	since  []names
}

func (d *disk) now() names {
	if n := len(d.since); n > 0 {
		return d.since[n-1]
	}
	return d.synced
}

func (d *disk) rename(change func(names)) {
	next := maps.Clone(d.now())
	if next == nil {
		next = names{}
	}
	change(next)
	d.since = append(d.since, next)
}

func (d *disk) sync() { d.synced, d.since = d.now(), nil }

// kind is how much of what was not synced a cut leaves.
type kind int

const (
	nothing    kind = iota
	everything      // the process was killed, and the disk went on
	byChance        // and every kind above it
)

// cut writes what a cut now may leave into an empty folder.
func (d *disk) cut(into string, k kind, r *rand.Rand) error {
	if err := os.MkdirAll(into, 0o700); err != nil {
		return err
	}
	left := d.synced
	switch {
	case k == everything:
		left = d.now()
	case k >= byChance:
		left = append([]names{d.synced}, d.since...)[r.IntN(len(d.since)+1)]
	}
	for name, f := range left {
		b := f.synced
		switch {
		case k == everything:
			b = f.now()
		case k >= byChance:
			b = f.torn(r)
		}
		if err := os.WriteFile(filepath.Join(into, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
