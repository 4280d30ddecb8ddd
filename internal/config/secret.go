package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"kioskd/internal/plainfile"
)

// secretMax bounds a password or token, in bytes.
const secretMax = 4 << 10

// credentials is where systemd puts what a unit's LoadCredential hands in. Its folder is the unit's alone. On a newer
// kernel the file belongs to root and an ACL lets the unit's user read it, which stat shows as the group's right.
const credentials = "/run/credentials/"

// exposed says whether others than a secret's owner may read or change it.
func exposed(path string, mode fs.FileMode) bool {
	if strings.HasPrefix(filepath.Clean(path), credentials) {
		mode &^= 0o040
	}
	return mode.Perm()&0o077 != 0
}

// ReadSecret reads a file that holds one password or token and nothing else, such as those that password_file,
// reseller_password_file and token_file name. One line break at the end is left out. A file that group or others may
// read is refused, unless systemd has handed it in, and so is one that is empty or holds more than one line. No error
// repeats anything of the contents.
func ReadSecret(path string) (string, error) {
	b, info, err := plainfile.Read(path, secretMax)
	other := (*plainfile.KindError)(nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("config: %s does not exist: write the password or token into it, then chmod 600 %s", path,
			path)
	case errors.As(err, &other):
		return "", fmt.Errorf("config: %w: write the password or token into a file", err)
	case err != nil:
		return "", fmt.Errorf("config: secret: %w", err)
	case exposed(path, info.Mode()):
		return "", fmt.Errorf("config: %s can be read or changed by others than its owner: chmod 600 %s", path, path)
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case len(b) > secretMax:
		return "", fmt.Errorf("config: %s is larger than %d bytes: it shall hold one password or token alone", path,
			secretMax)
	case s == "":
		return "", fmt.Errorf("config: %s is empty: write the password or token into it", path)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || strings.HasPrefix(s, "\ufeff"):
		return "", fmt.Errorf(
			"config: %s holds more than one line of plain text: it shall hold one password or token alone", path)
	}
	return s, nil
}
