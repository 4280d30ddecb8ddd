package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// heldMax bounds a Held as JSON, in bytes; one is 150.
const heldMax = 1 << 10

// ReadHeld reads what a collector says that it holds, strictly: a broker's own acknowledgement of an entry has a "seq"
// too, and any kiosk can have one sent to another's Have. A number has its entry's hash beside it, which whoever gets
// it compares with his own entry's, or it is not believed.
func ReadHeld(data []byte) (Held, error) {
	if len(data) > heldMax {
		return Held{}, fmt.Errorf("fleet: %d bytes are no word of what is held", len(data))
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var h Held
	if err := d.Decode(&h); err != nil {
		return Held{}, fmt.Errorf("fleet: no word of what is held: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Held{}, errors.New("fleet: something follows the word of what is held")
	}
	sum, err := hex.DecodeString(h.Hash)
	if h.Seq < 0 || err != nil || (h.Seq == 0) != (h.Hash == "") || h.Seq > 0 && len(sum) != sha256.Size {
		return Held{}, errors.New("fleet: no word of what is held: a number below 0, or not with its hash")
	}
	return h, nil
}
