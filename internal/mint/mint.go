// Package mint makes identifiers and secrets of random bytes, written with letters and digits that are hard to confuse.
package mint

import (
	"encoding/base32"
	"fmt"
	"io"

	"kioskd/fsm"
)

// Mint makes them of what it reads; crypto/rand.Reader but in a test. Its methods panic when there is none to read,
// which on Linux does not happen.
type Mint struct{ Random io.Reader }

// Text is so many random bytes in letters and digits, eight for each five bytes.
func (m Mint) Text(bytes int) string {
	b := make([]byte, bytes)
	if _, err := io.ReadFull(m.Random, b); err != nil {
		panic(fmt.Sprintf("no random numbers: %v", err)) // crypto/rand never fails on Linux
	}
	return base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).EncodeToString(b)
}

// Sale is a sale's identifiers: 40 bits are enough to tell the sales of one machine apart, and short enough to read
// to somebody on the phone.
func (m Mint) Sale() fsm.NewSale {
	id := m.Text(5)
	return fsm.NewSale{ID: id, ClientInvoiceID: m.Text(10), Secret: m.Text(20)}
}

// Item is an item's identifier.
func (m Mint) Item() string { return m.Text(5) }

// Secret is 128 random bits: nobody guesses it.
func (m Mint) Secret() string { return m.Text(16) }

// Code is 80 random bits for somebody to type: four groups of four.
func (m Mint) Code() string {
	text := m.Text(10)
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
}
