package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/debug/api"
	"kioskd/internal/plainfile"
)

const (
	// old is how old the last copy may be before a technician is told.
	old = 48 * time.Hour
	// nightly is how often one is due where nobody knows what time it is, and early how long after a start.
	nightly, early = 24 * time.Hour, time.Hour
	// troubleMax bounds what is kept of an error, in bytes.
	troubleMax = 400
)

// State is how the copies of a machine stand, beside its journal.
type State struct {
	Made    time.Time     `json:"made,omitzero"` // the last whole copy, by the machine's clock of that moment
	File    string        `json:"file,omitempty"`
	Bytes   int64         `json:"bytes,omitzero"`
	Last    int64         `json:"last_entry,omitzero"`
	Secrets bool          `json:"secrets,omitzero"`
	Boot    string        `json:"boot,omitempty"` // in which it was made, and how long after its beginning
	Up      time.Duration `json:"up,omitzero"`
	Trouble string        `json:"trouble,omitempty"` // why the last attempt came to nothing; "": it did not
	Tried   time.Time     `json:"tried,omitzero"`    // when that was
}

// StateFile is where a config's machine keeps it.
func StateFile(cfg config.Config) string {
	return filepath.Join(filepath.Dir(cfg.Journal.Path), "backup.json")
}

// ReadState reads it; the zero State when there was no attempt yet.
func ReadState(path string) (s State, err error) {
	b, _, err := plainfile.Read(path, manifestMax)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	return parseState(b)
}

func parseState(b []byte) (s State, err error) {
	if err := json.Unmarshal(b, &s); err != nil {
		return State{}, fmt.Errorf("what is known of the last copy cannot be read, and the next one mends it: %w", err)
	}
	return s, nil
}

// Note writes down how an attempt went. The daemon's user can read it, whoever made the copy.
func Note(path string, was State, at Moment, made Made, failed error) error {
	s := was
	if s.Tried = at.Now.UTC(); failed != nil {
		text := failed.Error()
		s.Trouble = text[:min(len(text), troubleMax)]
	} else {
		s = State{Made: at.Now.UTC(), File: made.File, Bytes: made.Bytes, Last: made.Last, Secrets: made.Secrets,
			Boot: at.Boot, Up: at.Up, Tried: at.Now.UTC()}
	}
	b, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	if err := plainfile.Replace(path, append(b, '\n')); err != nil {
		return err
	}
	return ownLike(path, filepath.Dir(path))
}

// Moment is what time it is.
type Moment struct {
	Now    time.Time     // by the machine's clock
	Synced bool          // which a time server has set
	Boot   string        // which boot this is
	Up     time.Duration // since its beginning, sleep included
}

// Due says whether the nightly copy is to be made: once after each time of the day that the config names, as soon as
// the machine is on. Where no time server has set the clock, a Pi's may stand in 1970: then an hour after a boot, and
// each 24 hours.
func (s State) Due(b config.Backup, zone *time.Location, at Moment) bool {
	if !at.Synced {
		if s.Boot == at.Boot {
			return at.Up-s.Up >= nightly
		}
		return at.Up >= early
	}
	local := at.Now.In(zone)
	// by the clock on the wall, also in the nights that have 23 or 25 hours
	moment := func(day int) time.Time {
		return time.Date(local.Year(), local.Month(), day, int(b.At/time.Hour), int(b.At%time.Hour/time.Minute), 0, 0,
			zone)
	}
	last := moment(local.Day())
	if last.After(at.Now) {
		last = moment(local.Day() - 1)
	}
	return s.Made.Before(last) || s.Made.After(at.Now.Add(time.Hour)) // a clock that was wrong
}

// Health says to a technician how old the last copy is; nothing of a machine that makes none.
func Health(cfg config.Config, now time.Time, synced bool) []api.Part {
	if cfg.Backup.Folder == "" {
		return nil
	}
	s, err := ReadState(StateFile(cfg))
	p := api.Part{Name: "Backup", Since: s.Made, OK: true}
	age := now.Sub(s.Made)
	switch {
	case err != nil:
		p.OK, p.What = false, err.Error()
	case s.Made.IsZero():
		p.OK, p.What = false, "no copy of this machine has been made yet"
	case synced && age >= old:
		p.OK, p.What = false, fmt.Sprintf("the last copy is %d days old", int(age/nightly))
	default:
		p.What = fmt.Sprintf("the last copy holds everything up to entry %d", s.Last)
		if !s.Secrets {
			p.What += ", and no secret: [backup] recipients is not set"
		}
	}
	if s.Trouble != "" {
		p.OK = false
		p.What += "; the last attempt came to nothing: " + s.Trouble
	}
	if !p.OK {
		p.Do = "it keeps nothing from selling: look at " + cfg.Backup.Folder + ", then: sudo kioskd backup"
	}
	return []api.Part{p}
}

// Told tells when the last whole copy was made; false: none was, or the machine makes none.
func Told(cfg config.Config) func() (time.Time, bool) {
	return func() (time.Time, bool) {
		if cfg.Backup.Folder == "" {
			return time.Time{}, false
		}
		s, err := ReadState(StateFile(cfg))
		return s.Made, err == nil && !s.Made.IsZero()
	}
}
