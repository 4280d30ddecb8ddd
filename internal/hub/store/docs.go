package store

import (
	"bytes"
	"container/list"
	"encoding/json"
	"sync"
)

// docs remembers the newest states of machines, so that an entry that holds only what changed can be taken without
// reading back to the last whole one. What it remembers is used only for the row that it was made of.
type docs struct {
	mu    sync.Mutex
	size  int // in bytes
	byID  map[int64]*list.Element
	order *list.List // the one that was used last in front
}

type doc struct {
	machine, seq int64
	hash         []byte
	text         json.RawMessage
}

// docsMax bounds all texts, in bytes: a state has about 4 KiB, so 64 MiB are some 16,000 machines'.
const docsMax = 64 << 20

func newDocs() *docs { return &docs{byID: map[int64]*list.Element{}, order: list.New()} }

// get gives the state after an entry, if it is remembered.
func (d *docs) get(machine, seq int64, hash []byte) (json.RawMessage, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.byID[machine]
	if e == nil {
		return nil, false
	}
	known := e.Value.(doc)
	if known.seq != seq || !bytes.Equal(known.hash, hash) {
		return nil, false
	}
	d.order.MoveToFront(e)
	return known.text, true
}

func (d *docs) put(n doc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.byID[n.machine]; e != nil {
		d.remove(e)
	}
	d.byID[n.machine] = d.order.PushFront(n)
	d.size += len(n.text)
	for d.size > docsMax {
		d.remove(d.order.Back())
	}
}

func (d *docs) remove(e *list.Element) {
	old := d.order.Remove(e).(doc)
	delete(d.byID, old.machine)
	d.size -= len(old.text)
}
