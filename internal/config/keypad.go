package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Keypad is a matrix of keys with which a slot's id is typed. Without rows there is none.
type Keypad struct {
	Rows    []string // pins, 1 to 8
	Columns []string // pins, 1 to 8
	Keys    []string // what is printed on them: a text per row, a character per column
	Clear   string   // the key that takes back what was typed, or ""
	Enter   string   // the key that ends an id, or ""
}

// keypadMax bounds the rows and the columns: twice the usual 4 by 4.
const keypadMax = 8

// keyChars may stand on a key: those of a slot's id, and two that telephones have besides.
const keyChars = upper + digits + "*#"

func (t *table) keypad(k *Keypad, slots []Slot) {
	rows, columns := t.texts("rows", keypadMax, `["GPIO7", "GPIO8"]`, isPin),
		t.texts("columns", keypadMax, `["GPIO11", "GPIO14"]`, isPin)
	k.Keys = t.texts("keys", keypadMax, `["123A", "456B"]`,
		code(keypadMax, keyChars, "capital letters, digits, * and #, one for each column"))
	t.text("clear", &k.Clear, code(1, keyChars, "of the keys"))
	t.text("enter", &k.Enter, code(1, keyChars, "of the keys"))
	for _, pin := range rows {
		t.wire("rows", pin)
	}
	for _, pin := range columns {
		t.wire("columns", pin)
	}
	if k.Rows, k.Columns = rows, columns; len(t.values) == 0 {
		return
	}
	t.need("rows", `["GPIO7", "GPIO8"]`, "the pins of the keypad's rows")
	t.need("columns", `["GPIO11", "GPIO14"]`, "the pins of the keypad's columns")
	t.need("keys", `["12", "34"]`, "what is printed on the keys, a text for each row")
	if len(rows) > 0 && len(columns) > 0 && len(k.Keys) > 0 {
		t.layout(k)
		t.typeable(k, slots)
	}
}

// layout compares the keys with the wires.
func (t *table) layout(k *Keypad) {
	if len(k.Keys) != len(k.Rows) {
		t.fail("keys", "has %d texts for %d rows: write one for each row", len(k.Keys), len(k.Rows))
	}
	all := strings.Join(k.Keys, "")
	for _, keys := range k.Keys {
		if n := utf8.RuneCountInString(keys); n != len(k.Columns) {
			t.fail("keys", "%s has %d keys for %d columns: write a character for each column", quote(keys), n,
				len(k.Columns))
		}
	}
	for i, key := range all {
		if strings.ContainsRune(all[:i], key) {
			t.fail("keys", "has %s twice: every key needs a character of its own", quote(string(key)))
		}
	}
	for name, key := range map[string]string{"clear": k.Clear, "enter": k.Enter} {
		if key != "" && !strings.Contains(all, key) {
			t.fail(name, "%s is none of the keys: write one of %s", quote(key), all)
		}
	}
	if k.Clear != "" && k.Clear == k.Enter {
		t.fail("enter", "%s is the key that clears: write another one, or leave one of them out", quote(k.Enter))
	}
}

// typeable says which slots the keys cannot choose.
func (t *table) typeable(k *Keypad, slots []Slot) {
	ids := strings.NewReplacer(k.Clear, "", k.Enter, "").Replace(strings.Join(k.Keys, ""))
	for _, s := range slots {
		if s.ID == "" {
			continue
		}
		if s.Button == "" && !only(s.ID, ids) {
			t.fail("keys", "cannot type slot %s, which has no button: give the slot an id of %s, or a button", s.ID,
				ids)
		}
		for _, longer := range slots {
			if k.Enter == "" && longer.ID != s.ID && strings.HasPrefix(longer.ID, s.ID) && only(longer.ID, ids) {
				t.fail("enter", "is missing: without it nobody can choose %s, which %s begins with: write enter = "+
					"%s, or another id", s.ID, longer.ID, quote("#"))
			}
		}
	}
}

// texts reads a list of 1 to most texts.
func (t *table) texts(key string, most int, example string, rules ...rule) (all []string) {
	list, ok := read[[]any](t, key, key+" = "+example+", a list of texts")
	if !ok {
		return nil
	}
	if len(list) == 0 || len(list) > most {
		t.fail(key, "has %d texts: write 1 to %d", len(list), most)
		return nil
	}
	for n, v := range list {
		s, ok := v.(string)
		if !ok {
			t.fail(key, "holds %s: write each one as a text, like %s", kind(v), example)
			return nil
		}
		for _, complaint := range append([]rule{plain}, rules...) {
			if c := complaint(s); c != "" {
				t.fail(key, "%s: %s", fmt.Sprint("number ", n+1), c)
				return nil
			}
		}
		all = append(all, s)
	}
	return all
}
