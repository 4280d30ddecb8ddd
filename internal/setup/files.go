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
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

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
			wrong[c.answer] = wrong[c.answer] || !c.missing
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

// Password is Setup.Password, kept.
func (f *Files) Password(key, text string) error {
	if err := f.Setup.Password(key, text); err != nil {
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

// secretMax is what the config room reads of a password.
const secretMax = 4 << 10

// secretFile is a password's file as the config names it.
func (s *Setup) secretFile(key string) string {
	if named := s.before[key+"_file"]; named != "" {
		return named
	}
	if key == "glase.password" {
		return "glase.password"
	}
	return "reseller.password"
}

// secretPath is where that is.
func (s *Setup) secretPath(key string) string {
	name := s.secretFile(key)
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(s.o.Path), name)
}

// pending is the end of a password's file that is not taken over yet: a kioskd that runs has the other one.
const pending = ".new"

// kept reports whether there is a password already.
func (s *Setup) kept(key string) bool {
	for _, end := range []string{pending, ""} {
		if _, err := config.ReadSecret(s.secretPath(key) + end); err == nil {
			return true
		}
	}
	return false
}

// Password answers a question for one, which goes into a file of its own that only kioskd's user can read, and nowhere
// else. Kept, or nothing, leaves the one that is there. No error repeats anything of it.
func (s *Setup) Password(key, text string) error {
	q, ok := s.question(key)
	text = strings.TrimRight(text, "\r\n")
	switch {
	case !ok || q.Form != Secret:
		return fmt.Errorf("%w: %.60q", ErrNoQuestion, key)
	case (text == "" || text == Kept) && s.kept(key):
		return s.put(Answer{Key: key, Text: Kept, Form: Secret})
	case text == "" || text == Kept:
		return ErrNeeded
	case len(text) > secretMax:
		return fmt.Errorf("this is longer than %d bytes", secretMax)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || strings.HasPrefix(text, "\ufeff"):
		return errors.New("this is not one line of plain text")
	}
	if err := s.put(Answer{Key: key, Text: Kept, Form: Secret}); err != nil {
		return err
	}
	return plainfile.ReplaceAs(s.secretPath(key)+pending, []byte(text+"\n"), 0o600, s.o.UID, s.o.GID)
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

// Written is what Finish did.
type Written struct {
	Backup  string   // where the config is that was there before; "": there was none, or it was the same
	Changes []string // the lines that are other ones now, with "-" and "+" before them; none of a new file
}

// Finish writes the config, passwords first, and takes the draft away. It may be repeated: a power cut in between
// leaves the old config or the new one, and the answers.
func (f *Files) Finish() (w Written, err error) {
	if all := f.complaints(); len(all) > 0 {
		lines := make([]string, len(all))
		for n, c := range all {
			lines[n] = c.said()
		}
		return w, fmt.Errorf("the config is not right yet:\n%s", strings.Join(lines, "\n"))
	}
	text, err := f.Text()
	if err != nil {
		return w, err
	}
	if err := f.same(text); err != nil {
		return w, err
	}
	for _, key := range []string{"glase.password", "glase.reseller_password"} {
		if !f.has(key) {
			continue
		}
		at := f.secretPath(key)
		if err := os.Rename(at+pending, at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return w, fmt.Errorf("the password cannot be put in its place: %w", err)
		}
	}
	mode, uid, gid := fs.FileMode(0o644), -1, -1
	if f.old != nil && string(f.old) != text {
		if info, err := os.Stat(f.o.Path); err == nil {
			mode = info.Mode().Perm()
			if sys, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
				uid, gid = int(sys.Uid), int(sys.Gid)
			}
		}
		if w.Backup, err = f.backup(mode); err != nil {
			return w, fmt.Errorf("the old config cannot be kept, so it stays: %w", err)
		}
		w.Changes = changes(string(f.old), text)
	}
	if f.old == nil || string(f.old) != text {
		if err := plainfile.ReplaceAs(f.o.Path, []byte(text), mode, uid, gid); err != nil {
			return w, fmt.Errorf("the config cannot be written: %w", err)
		}
	}
	f.old = []byte(text)
	if err := os.Remove(f.DraftFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return w, err
	}
	return w, nil
}

// same holds the file against the answers: it must say all of them back.
func (s *Setup) same(text string) error {
	said, err := flatten([]byte(text), s.o.Kinds)
	if err != nil {
		return fmt.Errorf("the file that was made cannot be read again: %w", err)
	}
	back := said.texts()
	for _, sec := range s.Sections() {
		for _, q := range sec.Questions {
			given, ok := s.given(q.Key)
			if !ok || q.Form == Secret || q.Key == "glase.account" || q.Key == "ups.reach" {
				continue
			}
			if back[q.Key] != given {
				return fmt.Errorf("%s: the file that was made says %q, and the answer was %q: nothing is written", q.Key,
					back[q.Key], given)
			}
		}
	}
	return nil
}

// backupsMax bounds how many old configs are kept beside the config.
const backupsMax = 1000

// backup keeps the old config beside the new one, whole or not at all.
func (f *Files) backup(mode fs.FileMode) (string, error) {
	for n := 1; n <= backupsMax; n++ {
		path := fmt.Sprint(f.o.Path, ".bak-", n)
		if b, _, err := plainfile.Read(path, fileMax); err == nil && string(b) == string(f.old) {
			return path, nil // it was kept before the power went
		}
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path, plainfile.ReplaceAs(path, f.old, mode, -1, -1)
		}
	}
	return "", fmt.Errorf("there are %d old ones: remove %s.bak-*", backupsMax, f.o.Path)
}
