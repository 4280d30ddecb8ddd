package mint

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
)

// TestIdentifiersCanBeReadOut: no letter that sounds or looks like a digit, and as many bits as promised.
func TestIdentifiersCanBeReadOut(t *testing.T) {
	m := Mint{rand.Reader}
	seen := map[string]bool{}
	for range 100 {
		s := m.Sale()
		for what, c := range map[string]struct {
			text    string
			letters int
		}{
			"sale": {s.ID, 8}, "clientInvoiceId": {s.ClientInvoiceID, 16}, "notification": {s.Secret, 32},
			"item": {m.Item(), 8}, "secret": {m.Secret(), 26}, "text": {m.Text(10), 16},
		} {
			if len(c.text) != c.letters || strings.Trim(c.text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" ||
				seen[c.text] {
				t.Errorf("%s: %q", what, c.text)
			}
			seen[c.text] = true
		}
	}
}

// TestWithoutRandomNumbersNothingIsMade: an identifier that is another's would be worse than no sale.
func TestWithoutRandomNumbersNothingIsMade(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an identifier was made of nothing")
		}
	}()
	Mint{bytes.NewReader([]byte{1, 2})}.Item()
}
