package collect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/nats-io/nats.go"

	"kioskd/internal/chain"
	"kioskd/internal/fleet/protocol"
)

// FuzzReadCopy: what comes is an entry whose hash is the one that was said, or an error.
func FuzzReadCopy(f *testing.F) {
	e := chain.Entry{Seq: 7, Event: "x", Prev: make([]byte, sha256.Size)}
	f.Add(e.Text(), hex.EncodeToString(e.Sum()), "7")
	f.Add([]byte{}, "", "")
	f.Fuzz(func(t *testing.T, text []byte, hash, first string) {
		c, err := readCopy(nats.Header{protocol.HeaderHash: {hash}, protocol.HeaderFirst: {first}}, text)
		if err == nil && (hex.EncodeToString(c.Sum()) != hash || !bytes.Equal(c.Text(), text) || c.First < 1 ||
			c.First > c.Seq) {
			t.Errorf("%x with hash %q, from %q on, is taken as %+v", text, hash, first, c)
		}
	})
}
