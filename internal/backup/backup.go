// Package backup copies a machine for the day on which its card dies, and makes the machine again of such a copy.
//
// A copy is one file: the journal, the config, and, encrypted with age to the keys that the config names, the identity
// and the files of secrets. It is made beside a running daemon, by a process of its own: no sale waits for it, and a
// stick that hangs hangs nothing else. It is written under another name, read back, and only then has its name; older
// ones are taken away after that, so that there is always a whole one.
//
// What is in it:
//
//	"kioskd backup 1\n"
//	a tar in gzip's format: manifest.json first, then config.toml, then small files, then journal.db
//	"\nsha256 " and 64 digits, over all before it, and a line break
//
// With keys all of that is inside age's format, which says of itself when it was cut short or changed.
package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Format is that of the copies that this version makes. It reads none that is newer.
const Format = 1

const (
	magic      = "kioskd backup "
	trailer    = "\nsha256 " // and the sum in hexadecimal digits, and a line break
	trailerLen = len(trailer) + 2*sha256.Size + 1
	ageMagic   = "age-encryption.org/"
)

// The names of what is in a copy; the other names are the config's keys of the files.
const (
	manifestName = "manifest.json"
	configName   = "config.toml"
	identityName = "identity.json"
	journalName  = "journal.db"
)

// The bounds of what is read of a copy, in bytes but for partsMax: a copy comes from anywhere.
const (
	manifestMax = 64 << 10
	smallMax    = 1 << 20 // a part that is not the journal: a config may have so much
	journalMax  = 16 << 30
	partsMax    = 32
)

// Manifest says what a copy is of, and what is in it.
type Manifest struct {
	Format  int       `json:"format"`
	Version string    `json:"version"`          // of the program that made it
	Machine string    `json:"machine"`          // its token; of a machine without one, its name
	Name    string    `json:"name"`             // for people
	Serial  string    `json:"serial,omitempty"` // of the board that it was made on; "": not known
	Made    time.Time `json:"made"`             // by the machine's clock
	Synced  bool      `json:"synced"`           // which a time server had set
	Secrets bool      `json:"secrets"`          // the identity and files of secrets are in it
	First   int64     `json:"first"`            // the oldest entry of the journal, and the last; 0: it has none
	Last    int64     `json:"last"`
	Hash    string    `json:"hash,omitempty"` // of the last entry
	LeftOut []string  `json:"left_out,omitempty"`
	Parts   []Part    `json:"parts"`
}

// Part is a file in a copy.
type Part struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// What is wrong with a file that is read as a copy, for errors.Is.
var (
	ErrDamaged = errors.New("damaged, or no copy of a machine")
	ErrNewer   = errors.New("made by a newer kioskd: install that version or a newer one")
	ErrSealed  = errors.New("encrypted")
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// readManifest reads what a copy says of itself, strictly: what this version does not know it would not put back.
func readManifest(text []byte) (Manifest, error) {
	var m Manifest
	var format struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &format); err != nil {
		return m, damaged("its manifest is no JSON")
	}
	if format.Format > Format {
		return m, fmt.Errorf("its format is %d, and this program knows %d: %w", format.Format, Format, ErrNewer)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, damaged("its manifest: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return m, damaged("something follows its manifest")
	}
	return m, m.check()
}

func (m Manifest) check() error {
	if m.Format != Format || m.Machine == "" || m.First < 0 || m.Last < m.First || (m.Last > 0) != (m.Hash != "") {
		return damaged("its manifest does not say what it is of")
	}
	if len(m.Parts) == 0 || len(m.Parts) > partsMax || m.Parts[0].Name != configName {
		return damaged("its manifest names %d files, and the first is not the config", len(m.Parts))
	}
	var names []string
	for n, p := range m.Parts {
		most := int64(smallMax)
		if p.Name == journalName {
			if n != len(m.Parts)-1 {
				return damaged("the journal is not its last file")
			}
			most = journalMax
		}
		sum, err := hex.DecodeString(p.SHA256)
		switch {
		case err != nil || len(sum) != sha256.Size || p.Size < 0 || p.Size > most:
			return damaged("its manifest does not say of %.40q how long it is, and its hash", p.Name)
		case p.Name == manifestName || p.Name == "" || slices.Contains(names, p.Name):
			return damaged("its manifest names %.40q, which it must not, or twice", p.Name)
		}
		names = append(names, p.Name)
	}
	if m.Last > 0 && !slices.Contains(names, journalName) {
		return damaged("its journal is not in it")
	}
	return nil
}
