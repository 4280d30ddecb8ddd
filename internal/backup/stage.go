package backup

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kioskd/internal/config"
	"kioskd/internal/identity"
	"kioskd/internal/journal"
)

// staged is a copy that was looked at and lies ready on the disk where it will be used.
type staged struct {
	Manifest
	cfg     config.Config
	text    []byte            // of the config
	small   map[string][]byte // the small files, by key
	folder  string            // to be removed in the end
	journal string            // "": there is none
	file    *os.File          // the same, while it is written
}

// stage reads the copy, and lays the journal on the disk where it will be used.
func (r Restore) stage(ctx context.Context) (s staged, err error) {
	r.tell("Reading the copy …")
	o, err := openCopy(r.From, r.Keys)
	if err != nil {
		return s, err
	}
	s.Manifest, s.small = o.Manifest, map[string][]byte{}
	defer func() {
		if err != nil && s.folder != "" {
			os.RemoveAll(s.folder)
		}
	}()
	var text bytes.Buffer
	if err := o.next(func(Part) (io.Writer, error) { return &text, nil }); err != nil {
		return s, err
	}
	s.text = text.Bytes()
	s.cfg, err = config.Parse(configName, s.text, filepath.Dir(r.File), r.Kinds)
	if err != nil {
		return s, fmt.Errorf("this version cannot use the config that is in it: %w", err)
	}
	if (Machine{Config: s.cfg}).id() != s.Machine {
		return s, damaged("its manifest is of %s, and its config of another machine", s.Machine)
	}
	home := filepath.Dir(s.cfg.Journal.Path)
	if _, err := os.Stat(home); err != nil {
		return s, fmt.Errorf("install the package first, which makes the folder of [journal] path: %w", err)
	}
	if s.folder, err = os.MkdirTemp(home, ".restore-*"); err != nil {
		return s, err
	}
	for err == nil {
		err = o.next(func(p Part) (io.Writer, error) { return s.room(ctx, p) })
	}
	if err != io.EOF {
		return s, err
	}
	if err := o.end(); err != nil {
		return s, err
	}
	if s.file != nil {
		if err := errors.Join(s.file.Sync(), s.file.Close()); err != nil {
			return s, err
		}
	}
	return s, s.check(ctx, r)
}

// room is where a part goes while it is looked at.
func (s *staged) room(ctx context.Context, p Part) (io.Writer, error) {
	if p.Name != journalName {
		s.small[p.Name] = nil
		return &kept{into: s.small, name: p.Name}, nil
	}
	s.journal = filepath.Join(s.folder, journalName)
	var err error
	s.file, err = os.OpenFile(s.journal, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	return cancellable{ctx, s.file}, err
}

// kept is a small part in memory.
type kept struct {
	into map[string][]byte
	name string
}

func (k *kept) Write(b []byte) (int, error) {
	k.into[k.name] = append(k.into[k.name], b...)
	return len(b), nil
}

// check looks at what is in the copy, as a start would.
func (s *staged) check(ctx context.Context, r Restore) error {
	if text, is := s.small[identityName]; is {
		if _, err := s.identity(text); err != nil {
			return err
		}
	}
	if s.journal == "" {
		return nil
	}
	r.tell("Looking at its journal …")
	report, err := journal.Replay(ctx, s.journal)
	if err != nil {
		return fmt.Errorf("the journal in it cannot be read: %w", err)
	}
	if report.Chain.Broken != "" || report.Chain.First != s.First || report.Chain.Last != s.Last {
		return damaged("its journal is not the one that its manifest names, or is broken: %s", report.Chain.Broken)
	}
	tip, err := journal.TipOf(ctx, s.journal)
	if err == nil && hex.EncodeToString(tip.Hash) != s.Hash {
		err = damaged("its journal ends with another entry than its manifest says")
	}
	if err != nil {
		return err
	}
	if r.Entries != nil {
		n, err := journal.Extend(ctx, s.journal, r.Version, r.Entries)
		if err != nil {
			return fmt.Errorf("what the fleet has of the journal cannot be added: %w", err)
		}
		s.Last += int64(n)
	}
	if err := journal.Try(ctx, s.journal, r.Version); err != nil {
		return fmt.Errorf("this version cannot go on from the journal in it: %w", err)
	}
	return nil
}

// identity reads an identity as a start would, by a file of its own.
func (s *staged) identity(text []byte) (identity.Identity, error) {
	path := filepath.Join(s.folder, identityName)
	if err := os.WriteFile(path, text, fileMode); err != nil {
		return identity.Identity{}, err
	}
	id, err := identity.Load(path)
	if err != nil {
		return id, damaged("its identity: %v", err)
	}
	return id, nil
}
