package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// ReadHeld reads what a collector says that it holds. A number has its entry's hash beside it, or it is not believed.
func ReadHeld(data []byte) (Held, error) {
	var h Held
	if len(data) > heldMax {
		return h, fmt.Errorf("fleet: %d bytes are no word of what is held", len(data))
	}
	if err := json.Unmarshal(data, &h); err != nil {
		return Held{}, fmt.Errorf("fleet: no word of what is held: %w", err)
	}
	if sum, err := hex.DecodeString(h.Hash); h.Seq < 0 || err != nil || h.Seq > 0 && len(sum) != sha256.Size {
		return Held{}, errors.New("fleet: no word of what is held: a number below 0, or without its hash")
	}
	return h, nil
}

// heldMax bounds a Held as JSON, in bytes; one is 150.
const heldMax = 1 << 10
