package chain

import (
	"bytes"
	"encoding/json"
)

// Most entries hold of the state only what changed, as a JSON merge patch (RFC 7396): a third of the bytes, and what a
// technician wants to see. A merge patch cannot set a field to null; the state has no such field, and one that did is
// recorded whole.

type object = map[string]json.RawMessage

// Fields reads an object; nil: it is something else.
func Fields(doc json.RawMessage) object {
	var o object
	if json.Unmarshal(doc, &o) != nil {
		return nil
	}
	return o
}

// Diff is the merge patch that makes document old into document now; nil: there is none.
func Diff(old, now json.RawMessage) json.RawMessage {
	a, b := Fields(old), Fields(now)
	if a == nil || b == nil {
		return nil
	}
	patch := object{}
	for name, value := range b {
		was, known := a[name]
		switch {
		case known && bytes.Equal(was, value):
		case known && Fields(was) != nil && Fields(value) != nil:
			inner := Diff(was, value)
			if inner == nil {
				return nil
			}
			if string(inner) != "{}" {
				patch[name] = inner
			}
		case hasNull(value):
			return nil
		default:
			patch[name] = value
		}
	}
	for name := range a {
		if _, kept := b[name]; !kept {
			patch[name] = json.RawMessage("null")
		}
	}
	doc, err := json.Marshal(patch)
	if err != nil {
		return nil
	}
	return doc
}

// hasNull reports a null where Merge would take it for "remove".
func hasNull(doc json.RawMessage) bool {
	if string(doc) == "null" {
		return true
	}
	for _, value := range Fields(doc) {
		if hasNull(value) {
			return true
		}
	}
	return false
}

// Merge applies a patch. Both must be objects.
func Merge(doc, patch json.RawMessage) (json.RawMessage, error) {
	var fields, changes object
	if err := json.Unmarshal(patch, &changes); err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return doc, nil
	}
	if err := json.Unmarshal(doc, &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		fields = object{}
	}
	for name, value := range changes {
		switch {
		case string(value) == "null":
			delete(fields, name)
		case Fields(value) != nil:
			was := fields[name]
			if Fields(was) == nil {
				was = json.RawMessage("{}")
			}
			inner, err := Merge(was, value)
			if err != nil {
				return nil, err
			}
			fields[name] = inner
		default:
			fields[name] = value
		}
	}
	return json.Marshal(fields)
}
