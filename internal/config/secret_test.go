package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func secretFile(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "glase.password")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestASecretIsTheFileWithoutItsLineBreak(t *testing.T) {
	for content, want := range map[string]string{
		"12345678":                              "12345678",
		"12345678\n":                            "12345678",
		"12345678\r\n":                          "12345678",
		" pass word å\n":                        " pass word å",
		strings.Repeat("x", secretMax-1) + "\n": strings.Repeat("x", secretMax-1),
	} {
		for _, mode := range []os.FileMode{0o600, 0o400} {
			if got, err := ReadSecret(secretFile(t, content, mode)); got != want || err != nil {
				t.Errorf("%.20q, mode %o: %.20q, %v", content, mode, got, err)
			}
		}
	}
}

func TestASecretThatOthersCanReadIsRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o620, 0o602, 0o610} {
		path := secretFile(t, "hunter2", mode)
		want := "config: " + path + " can be read or changed by others than its owner: chmod 600 " + path
		if got, err := ReadSecret(path); err == nil || err.Error() != want || got != "" {
			t.Errorf("mode %o: %q, %v", mode, got, err)
		}
	}
}

func TestAFileThatHoldsNoSecretIsRefusedWithoutRepeatingIt(t *testing.T) {
	for content, want := range map[string]string{
		"":   "is empty: write the password or token into it",
		"\n": "is empty: write the password or token into it",
		"hunter2\nmore\n": "holds more than one line of plain text: it shall hold one password or " +
			"token alone",
		"hunter2\n\n": "holds more than one line of plain text: it shall hold one password or " +
			"token alone",
		"hunter2\x00": "holds more than one line of plain text: it shall hold one password or " +
			"token alone",
		"hunter2\xe9": "holds more than one line of plain text: it shall hold one password or " +
			"token alone",
		"\ufeffhunter2": "holds more than one line of plain text: it shall hold one password or " +
			"token alone",
		strings.Repeat("hunter2", secretMax): "is larger than 4096 bytes: it shall hold one password or token alone",
	} {
		path := secretFile(t, content, 0o600)
		if got, err := ReadSecret(path); err == nil || err.Error() != "config: "+path+" "+want || got != "" {
			t.Errorf("%.20q: %q, %v", content, got, err)
		}
	}
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir: "config: " + dir + " is a folder and no regular file: write the password or token into a file",
		dir + "/x": "config: " + dir + "/x does not exist: write the password or token into it, then chmod 600 " + dir +
			"/x",
	} {
		if _, err := ReadSecret(path); err == nil || err.Error() != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestASecretFromSystemdMayHaveAnACL(t *testing.T) {
	for _, c := range []struct {
		path    string
		mode    fs.FileMode
		exposed bool
	}{
		{"/run/credentials/kioskd.service/glase.password", 0o440, false},
		{"/run/credentials/kioskd.service/glase.password", 0o400, false},
		{"/run/credentials/kioskd.service/glase.password", 0o444, true},
		{"/run/credentials/kioskd.service/glase.password", 0o460, true},
		{"/run/credentials/../../etc/glase.password", 0o440, true},
		{"/etc/kioskd/glase.password", 0o440, true},
		{"/etc/kioskd/glase.password", 0o600, false},
	} {
		if got := exposed(c.path, c.mode); got != c.exposed {
			t.Errorf("%s with %v: exposed is %t", c.path, c.mode, got)
		}
	}
}
