package plainfile

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestNothingButARegularFileIsRead: a pipe that nobody writes into would hang whoever opens it, and this test with it.
func TestNothingButARegularFileIsRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(syscall.Mkfifo(at("pipe"), 0o600), os.Mkdir(at("folder"), 0o700),
		os.Symlink("pipe", at("link"))); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for path, want := range map[string]string{
		at("pipe"): "a named pipe", at("link"): "a named pipe", at("folder"): "a folder", at("socket"): "a socket",
		"/dev/zero": "a device", "/dev/tty": "a device",
	} {
		_, _, err := Read(path, 10)
		if is := (*KindError)(nil); !errors.As(err, &is) || err.Error() != path+" is "+want+" and no regular file" {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
		if _, err := KeyPair(path, path); err == nil {
			t.Errorf("%s was taken for a certificate", path)
		}
	}
	if _, _, err := Read(at("none"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestALinkToAFileIsAFile, and what is too large shows by its length.
func TestALinkToAFileIsAFile(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte(strings.Repeat("x", 20)), 0o640),
		os.Symlink("file", link)); err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int64]int{5: 6, 19: 20, 20: 20, 100: 20} {
		b, info, err := Read(link, most)
		if err != nil || len(b) != want || info.Mode() != 0o640 {
			t.Errorf("at most %d: %q, %v, %v", most, b, info, err)
		}
	}
	if _, err := KeyPair(file, file); err == nil {
		t.Error("what is no certificate is one")
	}
	if err := os.Truncate(file, pairMax+1); err != nil {
		t.Fatal(err)
	}
	if _, err := KeyPair(file, file); err == nil || !strings.Contains(err.Error(), "larger than 1024 KiB") {
		t.Errorf("a certificate that is too large: %v", err)
	}
}
