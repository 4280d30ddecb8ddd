package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"kioskd/internal/config"
	"kioskd/internal/plainfile"
)

// ErrAnother is what Open answers while another setup of the same config is on.
var ErrAnother = errors.New("another kioskd setup is on: end that one first")

// Files are a config and what lies beside it while it is made: a draft of the answers, and passwords that were not
// taken over yet. Each is replaced whole, so that a power cut leaves the old one or the new one.
type Files struct {
	*Setup
	// Resumed is how many answers were found of an earlier setup.
	Resumed int
	lock    *os.File
}

// Open begins with the config and the draft that are there, if any, and keeps others away until Close.
func Open(o Options) (*Files, error) {
	lock, err := os.Open(filepath.Dir(o.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder of %s does not exist: make it, or name another file with --config", o.Path)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: sudo kioskd setup", err)
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(ErrAnother, lock.Close())
	}
	f := &Files{lock: lock}
	existing, _, err := plainfile.Read(o.Path, fileMax)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, lock.Close())
	}
	if errors.Is(err, fs.ErrNotExist) {
		existing = nil
	} else if existing == nil {
		existing = []byte{} // it is there, and empty
	}
	f.Setup = New(o, existing)
	if err := f.resume(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return f, nil
}

// Close lets others in. The draft stays.
func (f *Files) Close() error { return f.lock.Close() }

// DraftFile is where the answers are kept until the config is written.
func (f *Files) DraftFile() string { return f.o.Path + ".draft" }

// draft is that file's JSON. No password is in it.
type draft struct {
	Version int               `json:"version"`
	Answers []Answer          `json:"answers"`
	Before  map[string]string `json:"before,omitempty"`
}

// draftVersion is of the format; another one's answers are not taken.
const draftVersion = 1

// readDraft reads a draft, which may be anything.
func readDraft(b []byte) (draft, error) {
	var d draft
	if len(b) > fileMax {
		return d, errors.New("it is too large")
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return draft{}, errors.New("it is not what kioskd setup writes")
	}
	if d.Version != draftVersion {
		return draft{}, fmt.Errorf("it is of another version (%d)", d.Version)
	}
	return d, nil
}

// resume takes the answers of a draft, as far as they are still right.
func (f *Files) resume() error {
	b, info, err := plainfile.Read(f.DraftFile(), fileMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var d draft
	if err == nil {
		d, err = readDraft(b)
	}
	if err == nil && info.Mode().Perm()&0o022 != 0 {
		err = errors.New("others than its owner may write it")
	}
	if err != nil {
		return fmt.Errorf("the answers of an earlier setup in %s cannot be used (%w): remove the file to begin anew",
			f.DraftFile(), err)
	}
	for key, text := range d.Before {
		f.before[key] = text
	}
	f.take(d.Answers)
	f.Resumed = len(f.answers)
	return nil
}

// takeMax bounds how often a draft's answers are looked at as a whole.
const takeMax = 16

// take takes answers that were right once, as far as they still are. What does not fit any more is asked for again.
func (f *Files) take(all []Answer) {
	f.answers = slices.Clone(all[:min(len(all), answersMax)])
	f.changed()
	for range takeMax {
		asked := map[string]Question{}
		for _, sec := range f.Sections() {
			for _, q := range sec.Questions {
				asked[q.Key] = q
			}
		}
		wrong := map[string]bool{}
		for _, c := range f.complaints() {
			wrong[c.answer] = wrong[c.answer] || !c.missing && !c.later
		}
		before, seen := len(f.answers), map[string]bool{}
		f.answers = slices.DeleteFunc(f.answers, func(a Answer) bool {
			q, ok := asked[a.Key]
			twice := seen[a.Key]
			seen[a.Key] = true
			if !ok || twice || wrong[a.Key] || q.Form != a.Form {
				return true
			}
			if q.Form == Secret {
				return a.Text != Kept || !f.kept(a.Key)
			}
			return q.check(a.Text) != nil
		})
		f.changed()
		if len(f.answers) == before {
			if wrong[""] { // of none of them alone
				break
			}
			return
		}
	}
	f.answers = nil
	f.changed()
}

// answersMax bounds the answers of a draft: those of the most slots, and of all else.
const answersMax = slotsMax*16 + 100

// save keeps the answers, so that neither Ctrl-C nor the power plug costs one.
func (f *Files) save() error {
	b, err := json.Marshal(draft{draftVersion, f.answers, f.before})
	if err != nil {
		return err
	}
	if err := plainfile.Replace(f.DraftFile(), b); err != nil {
		return fmt.Errorf("the answers cannot be kept: %w", err)
	}
	return nil
}

// Answer is Setup.Answer, kept.
func (f *Files) Answer(key, text string) error {
	if err := f.Setup.Answer(key, text); err != nil {
		return err
	}
	return f.save()
}

// Anew forgets all answers; what the config has is offered again.
func (f *Files) Anew() error {
	f.answers, f.Resumed = nil, 0
	f.changed()
	return f.save()
}

// Reopen is Setup.Reopen, kept.
func (f *Files) Reopen(section string) error {
	f.Setup.Reopen(section)
	return f.save()
}

// Trial is the config that the answers so far make, to try them: with the passwords that were answered. The error is
// of type config.Errors, and what could be read is there all the same.
func (f *Files) Trial() (config.Config, error) {
	c, err := f.Config()
	for key, at := range map[string]*string{"glase.password": &c.Glase.PasswordFile,
		"glase.reseller_password": &c.Glase.ResellerPasswordFile} {
		if _, missing := os.Stat(f.secretPath(key) + pending); f.has(key) && missing == nil {
			*at = f.secretPath(key) + pending
		}
	}
	return c, err
}

// Rehearse starts the machine as far as it is answered.
func (f *Files) Rehearse(ctx context.Context, acts Acts) (*Rehearsal, error) {
	cfg, _ := f.Trial() // what is not answered yet has nothing to do with it
	text, err := f.Text()
	if err != nil {
		return nil, err
	}
	whole := func(s config.Slot) bool { return s.Vend != nil && s.ID != "" }
	cfg.Slots = slices.DeleteFunc(slices.Clone(cfg.Slots), func(s config.Slot) bool { return !whole(s) })
	return acts.Rehearse(ctx, cfg, text)
}
