package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"filippo.io/age"

	"kioskd/internal/config"
	"kioskd/internal/journal"
)

// Machine is what is copied.
type Machine struct {
	Config config.Config
	File   string // of the config
	// Version is the program's.
	Version string
	Serial  string    // of the board; "": not known
	Now     time.Time // by the machine's clock
	Synced  bool      // which a time server has set
	// Tell says what is done now, to a person who waits; nil: nobody does.
	Tell func(string)
}

// Made is a copy that was made.
type Made struct {
	File    string   `json:"file"`
	Bytes   int64    `json:"bytes"`
	Last    int64    `json:"last_entry"`
	Secrets bool     `json:"secrets"`
	LeftOut []string `json:"left_out,omitempty"` // keys of the config whose files are not in it
	Gone    []string `json:"removed,omitempty"`  // older copies that it replaced
}

// Recipients reads age's public keys. The error names the one that is none, by its number.
func Recipients(texts []string) (all []age.Recipient, err error) {
	for n, text := range texts {
		r, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, fmt.Errorf("number %d is no public key of age's, or has a typing mistake: copy it anew from what "+
				"age-keygen printed", n+1)
		}
		all = append(all, r)
	}
	return all, nil
}

// Check tries what a config says of copies, as far as that can be done without a stick.
func Check(cfg config.Config) config.Errors {
	if _, err := Recipients(cfg.Backup.Recipients); err != nil {
		return config.Errors{{Key: "backup.recipients", Message: err.Error()}}
	}
	return nil
}

// Make copies a machine into a folder, and takes older copies of it away from there so that keep of them stay. A daemon
// may run the machine, or nobody. Nothing that was there is touched before the new copy is whole, on the disk, and read
// back.
func Make(ctx context.Context, m Machine, folder string, keep int) (made Made, err error) {
	keys, err := Recipients(m.Config.Backup.Recipients)
	if err != nil {
		return made, fmt.Errorf("[backup] recipients: %w", err)
	}
	p, err := openPlace(folder, m.id(), m.Config)
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for {
		made, err = m.copyInto(ctx, p, keys)
		if !full(err) {
			break
		}
		older, gone := p.oldest()
		if !gone {
			return made, fmt.Errorf("the disk of %s is full: take something away, or use a larger one: %w", folder, err)
		}
		if err := p.remove(older); err != nil {
			return made, err
		}
		made.Gone = append(made.Gone, older)
	}
	if err != nil {
		return made, err
	}
	gone, err := p.prune(keep)
	made.Gone = append(made.Gone, gone...)
	return made, err
}

// id is the machine in the names of its copies.
func (m Machine) id() string {
	if m.Config.Machine.Token != "" {
		return m.Config.Machine.Token
	}
	plain := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, m.Config.Machine.Name)
	if plain == "" {
		return "machine"
	}
	return plain
}

func (m Machine) tell(format string, args ...any) {
	if m.Tell != nil {
		m.Tell(fmt.Sprintf(format, args...))
	}
}

// copyInto makes one copy.
func (m Machine) copyInto(ctx context.Context, p *place, keys []age.Recipient) (made Made, err error) {
	manifest := Manifest{Format: Format, Version: m.Version, Machine: m.id(), Name: m.Config.Machine.Name,
		Serial: m.Serial, Made: m.Now.UTC().Truncate(time.Second), Synced: m.Synced, Secrets: len(keys) > 0}
	text, err := readSmall(m.File)
	if err != nil {
		return made, err
	}
	parts := []source{held(configName, text)}
	ours, elsewhere := filesOf(m.Config, m.File)
	manifest.LeftOut = elsewhere
	for _, f := range ours {
		if f.secret && len(keys) == 0 {
			manifest.LeftOut = append(manifest.LeftOut, f.key)
			continue
		}
		content, err := readSmall(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // an identity before the first start, or a fleet that this machine has not entered yet
		}
		if err != nil {
			return made, fmt.Errorf("%s: %w", f.key, err)
		}
		parts = append(parts, held(f.key, content))
	}
	if _, err := os.Stat(m.Config.Journal.Path); err == nil {
		m.tell("Copying the journal …")
		drawn, err := m.journal(ctx, p, &manifest)
		if err != nil {
			return made, err
		}
		defer os.Remove(p.draft(journalName))
		parts = append(parts, drawn)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return made, err
	}
	m.tell("Writing the copy …")
	name, size, err := p.write(ctx, m.Now, func(to io.Writer) error { return write(to, manifest, parts, keys) })
	return Made{File: name, Bytes: size, Last: manifest.Last, Secrets: manifest.Secrets, LeftOut: manifest.LeftOut}, err
}

// journal has a copy of the journal drawn where the copy will be, and walks along its chain.
func (m Machine) journal(ctx context.Context, p *place, manifest *Manifest) (source, error) {
	path := p.draft(journalName)
	report, err := journal.Export(ctx, m.Config.Journal.Path, path)
	if err != nil {
		return source{}, err
	}
	if report.Chain.Broken != "" {
		os.Remove(path)
		return source{}, fmt.Errorf("the journal is damaged, and a copy would be of no use: %s: older copies stay; "+
			"kioskd export copies what can be read", report.Chain.Broken)
	}
	tip, err := journal.TipOf(ctx, path)
	if err != nil {
		os.Remove(path)
		return source{}, err
	}
	manifest.First, manifest.Last, manifest.Hash = tip.First, tip.Last, hex.EncodeToString(tip.Hash)
	s := source{Part: Part{Name: journalName}, open: func() (io.ReadCloser, error) {
		f, err := os.Open(path)
		return cancelled{ctx, f}, err
	}}
	from, err := s.open()
	if err != nil {
		return s, err
	}
	defer from.Close()
	sum := sha256.New()
	s.Size, err = io.Copy(sum, from)
	s.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return s, err
}

// cancelled is a file that can be read no more once ctx has ended.
type cancelled struct {
	ctx context.Context
	*os.File
}

func (c cancelled) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.File.Read(b)
}

// WriteTo hides the file's own, which would not look at ctx.
func (c cancelled) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{c})
}

func full(err error) bool { return errors.Is(err, journal.ErrFull) || isFull(err) }
