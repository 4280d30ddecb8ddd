package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hangs is how long a command may take that comes to its end; only one that hangs takes longer.
const hangs = time.Minute

// TestNoPipeOrDeviceKeepsACommandFromItsEnd: a name in a config, or the config's own, may lead anywhere.
func TestNoPipeOrDeviceKeepsACommandFromItsEnd(t *testing.T) {
	all := []string{"check", "run", "doctor", "outputs-off"}
	for _, c := range []struct {
		file     string // that is no file
		write    string // what the config says besides, after [debug]
		commands []string
		want     string // of check's words, besides what it is
	}{
		{"kioskd.toml", "", append(all, "wiring", "status", "stock"), "kioskd check --example"},
		{"glase.password", "", all[:3], "glase.password_file"},
		{"identity.json", "", all[:3], "identity.json"},
		{"token", `token_file = "token"`, all[:3], "debug.token_file"},
		{"cert", "tls_cert = \"cert\"\ntls_key = \"key\"", all[:3], "debug.tls_cert"},
		{"key", "tls_cert = \"cert\"\ntls_key = \"key\"", all[:3], "debug.tls_cert"},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			text, err := os.ReadFile(r.config)
			if err != nil {
				t.Fatal(err)
			}
			text = bytes.Replace(text, []byte("\ndevice = "), []byte("\n#device = "), 1)
			text = bytes.Replace(text, []byte("\n[debug]\n"), []byte("\n[debug]\n"+c.write+"\n"), 1)
			if err := errors.Join(os.WriteFile(r.config, text, 0o644), os.WriteFile(r.dir+"/cert", nil, 0o600),
				os.WriteFile(r.dir+"/key", nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(r.dir, c.file)
			for is, make := range map[string]func() error{
				"a named pipe": func() error { return syscall.Mkfifo(path, 0o600) },
				"a device":     func() error { return os.Symlink("/dev/zero", path) },
			} {
				if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				if err := make(); err != nil {
					t.Fatal(err)
				}
				for _, name := range c.commands {
					ctx, cancel := context.WithTimeout(t.Context(), hangs)
					said, err := exec.CommandContext(ctx, filepath.Join(programs, "kioskd"), name, "--config",
						r.config).CombinedOutput()
					cancel()
					if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
						t.Errorf("%s with %s as %s: %v\n%s", name, is, c.file, err, said)
					} else if !strings.Contains(string(said), is) || !strings.Contains(string(said), path) {
						t.Errorf("%s does not say that %s is %s:\n%s", name, path, is, said)
					} else if name == "check" && !strings.Contains(string(said), c.want) {
						t.Errorf("check does not say %s:\n%s", c.want, said)
					}
				}
			}
		})
	}
}
