package config

import (
	"maps"
	"slices"
	"strings"
)

// unknown reports every key that nothing asked for. It runs last, when all that can be asked for is known.
func (d *document) unknown() {
	for _, t := range d.tables {
		if _, asked := d.known[t.path]; !asked { // one slot too many: none of them was read
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(t.values)) {
			if !slices.Contains(d.known[t.path], key) {
				t.fail(key, "is not a key of %s%s", where(t.path), d.meant(t.path, key))
			}
		}
	}
}

func where(path string) string {
	if path == "" {
		return "this file"
	}
	return "[" + path + "]"
}

// meant guesses what was wanted with an unknown key.
func (d *document) meant(path, key string) string {
	keys := d.known[path]
	if slices.Contains(keys, key+"_file") {
		return ": a secret never stands in this file; write it into a file of its own and name that in " + key + "_file"
	}
	if near := nearest(key, keys); near != "" {
		return ": did you mean " + near + "?"
	}
	for _, other := range slices.Sorted(maps.Keys(d.known)) {
		if slices.Contains(d.known[other], key) {
			return ": it belongs in " + where(other)
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return ", which has " + strings.Join(slices.Sorted(slices.Values(keys)), ", ")
}

// nearMax bounds the keys that are compared: no key is longer, and comparing costs the product of the lengths.
const nearMax = 40

// nearest answers the known key that differs in at most two letters and in less than half of them, or "".
func nearest(key string, keys []string) string {
	if len(key) > nearMax {
		return ""
	}
	plain := strings.ReplaceAll(strings.ToLower(key), "-", "_")
	best, least := "", min(2, len(plain)/2)+1
	for _, k := range keys {
		if n := distance(plain, k); n < least {
			best, least = k, n
		}
	}
	return best
}

// distance is Levenshtein's: the letters to change, add or leave out to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
