package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"filippo.io/age"

	"kioskd/hw/vend"
	"kioskd/internal/journal"
)

// Restore is how a copy is put back.
type Restore struct {
	From    io.Reader
	Keys    []age.Identity // of who may read the secrets; none: the copy must not be encrypted
	File    string         // where the config goes
	Kinds   []vend.Kind    // that a config may name
	Version string
	Serial  string    // of this board; "": not known
	Now     time.Time // by this machine's clock
	// Replace names the machine that may be replaced here, for a card that is not blank; "": nothing is.
	Replace string
	// NewBoard: the board that the copy was made on is dead, and this one takes its place.
	NewBoard bool
	// what the fleet has of the journal after the copy, as kioskhub entries wrote it; nil: nothing
	Entries io.Reader
	Tell    func(string) // what is done now; nil: nobody waits
	// step is told before each change of a file: a test cuts the power there.
	step func(string) error
}

// Restored is what was put back.
type Restored struct {
	Manifest Manifest `json:"of"`
	Written  []string `json:"written"`
	Kept     []string `json:"kept,omitempty"` // what was here before, by its new name
	// files that the config names and that are neither in the copy nor here
	Missing []string `json:"missing,omitempty"`
	Last    int64    `json:"last_entry"`
}

// The reasons why a copy is not put back, for errors.Is.
var (
	ErrRunning = errors.New("a kioskd runs this machine: stop it first: systemctl stop kioskd")
	ErrInUse   = errors.New("this card is not blank")
	ErrBoard   = errors.New("the copy is of another board")
)

// Run looks at all of the copy, and only then changes anything. The config goes first and comes last: between these two
// no kioskd starts here. A power cut leaves the old machine, or none, or the new one; Run may be called again then,
// with the same copy.
func (r Restore) Run(ctx context.Context) (done Restored, err error) {
	if r.step == nil {
		r.step = func(string) error { return nil }
	}
	s, err := r.stage(ctx)
	if err != nil {
		return done, err
	}
	defer os.RemoveAll(s.folder)
	done.Manifest = s.Manifest
	if err := r.judge(ctx, s); err != nil {
		return done, err
	}
	r.tell("Putting it in its place …")
	return done, r.install(ctx, s, &done)
}

func (r Restore) tell(what string) {
	if r.Tell != nil {
		r.Tell(what)
	}
}

// judge says whether the copy may be put back on this card.
func (r Restore) judge(ctx context.Context, s staged) error {
	path := s.cfg.Journal.Path
	if _, err := os.Stat(path); err == nil && journal.InUse(path) {
		return ErrRunning
	}
	if s.Serial != "" && r.Serial != "" && s.Serial != r.Serial && !r.NewBoard {
		return fmt.Errorf("%w, %s, and this is %s. Two machines must not share a terminal at Glase: when that board is "+
			"dead, or has another card now, say so with --new-board", ErrBoard, s.Serial, r.Serial)
	}
	if r.Replace != "" && r.Replace != s.Machine {
		return fmt.Errorf("--replace %s: the copy is of %s", r.Replace, s.Machine)
	}
	if r.Replace != "" {
		return nil
	}
	var here []string
	if text, err := readSmall(r.File); err == nil && !bytes.Equal(text, s.text) {
		here = append(here, r.File+" is another config")
	}
	files, _ := filesOf(s.cfg, r.File)
	for _, f := range files {
		wanted, is := s.small[f.key]
		if text, err := readSmall(f.path); err == nil && is && !bytes.Equal(text, r.adopt(s, f, wanted)) {
			here = append(here, f.path+" is another one")
		}
	}
	if _, err := os.Stat(path); err == nil {
		ahead, same, err := int64(0), false, error(nil)
		if s.journal == "" {
			var tip journal.Tip
			tip, err = journal.TipOf(ctx, path)
			ahead, same = tip.Last, tip.Last == 0
		} else {
			ahead, same, err = journal.Relate(ctx, path, s.journal)
		}
		switch {
		case err != nil:
			here = append(here, err.Error())
		case !same:
			here = append(here, path+" is another machine's journal, or has gone another way")
		case ahead > 0:
			here = append(here, fmt.Sprintf("%s is newer: it has %d entries more than the copy", path, ahead))
		}
	}
	if len(here) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s. When the copy shall take the place of all this, say whose it is: --replace %s; what is here "+
		"is then kept beside it", ErrInUse, strings.Join(here, "; "), s.Machine)
}
