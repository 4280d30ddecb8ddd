package setup

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"kioskd/internal/config"
	"kioskd/internal/plainfile"
)

// Password is Setup.Password, kept.
func (f *Files) Password(key, text string) error {
	if err := f.Setup.Password(key, text); err != nil {
		return err
	}
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
	if err := plainfile.ReplaceAs(s.secretPath(key)+pending, []byte(text+"\n"), 0o600, s.o.UID, s.o.GID); err != nil {
		return fmt.Errorf("the password cannot be kept: %w", err)
	}
	return s.put(Answer{Key: key, Text: Kept, Form: Secret})
}
