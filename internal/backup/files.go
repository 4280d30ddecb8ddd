package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"kioskd/internal/config"
	"kioskd/internal/plainfile"
	"kioskd/internal/terminal"
)

// named is a small file that a machine has besides its config, by the key that names it.
type named struct {
	key, path string
	secret    bool
	mode      fs.FileMode // that it is put back with
}

const (
	secretMode = 0o600
	openMode   = 0o640
)

// filesOf are the small files of a config's machine. What lies elsewhere than beside the config or the journal is
// somebody else's, who renews it: a copy that is put back must not write there.
func filesOf(cfg config.Config, configFile string) (ours []named, elsewhere []string) {
	ours = []named{{identityName, terminal.IdentityFile(cfg), true, secretMode}}
	homes := []string{filepath.Dir(configFile), filepath.Dir(cfg.Journal.Path)}
	for _, f := range []named{
		{"glase.password_file", cfg.Glase.PasswordFile, true, secretMode},
		{"glase.reseller_password_file", cfg.Glase.ResellerPasswordFile, true, secretMode},
		{"debug.token_file", cfg.Debug.TokenFile, true, secretMode},
		{"ups.tls_key", cfg.UPS.TLSKey, true, secretMode},
		{"debug.tls_key", cfg.Debug.TLSKey, true, secretMode},
		{"fleet.credentials", cfg.Fleet.Credentials, true, secretMode},
		{"ups.tls_cert", cfg.UPS.TLSCert, false, openMode},
		{"debug.tls_cert", cfg.Debug.TLSCert, false, openMode},
		{"ups.client_ca", cfg.UPS.ClientCA, false, openMode},
		{"fleet.ca", cfg.Fleet.CA, false, openMode},
	} {
		switch {
		case f.path == "" || slices.ContainsFunc(ours, func(o named) bool { return o.path == f.path }):
		case slices.ContainsFunc(homes, func(home string) bool { return below(home, f.path) }):
			ours = append(ours, f)
		default:
			elsewhere = append(elsewhere, f.key)
		}
	}
	return ours, elsewhere
}

// below says whether a file is in a folder, by their names and by where these lead.
func below(folder, path string) bool {
	for _, resolve := range []func(string) (string, error){filepath.Abs, filepath.EvalSymlinks} {
		home, err := resolve(folder)
		if err != nil {
			return false
		}
		dir, err := resolve(filepath.Dir(path))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a blank card has no folder yet for it to lead elsewhere
		}
		if err != nil || dir != home && !strings.HasPrefix(dir, home+string(filepath.Separator)) {
			return false
		}
	}
	return true
}

// readSmall reads a part that is not the journal.
func readSmall(path string) ([]byte, error) {
	b, _, err := plainfile.Read(path, smallMax)
	if err == nil && len(b) > smallMax {
		err = fmt.Errorf("%s is larger than %d KiB", path, smallMax>>10)
	}
	return b, err
}
