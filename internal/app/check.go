package app

import (
	"errors"
	"strings"

	"kioskd/internal/backup"
	"kioskd/internal/cert"
	"kioskd/internal/config"
	"kioskd/internal/fleet/member"
	"kioskd/internal/identity"
	"kioskd/internal/serve"
	"kioskd/internal/terminal"
)

// Check tries what a config names besides itself: secrets, certificates, the terminal's credentials. It changes
// nothing, and says what a start would fail for, by key.
func Check(cfg config.Config) (problems config.Errors) {
	bad := func(key string, err error) {
		if err != nil {
			problems = append(problems, config.Problem{Key: key, Message: strings.TrimPrefix(err.Error(), "config: ")})
		}
	}
	for _, secret := range []struct{ key, path string }{
		{"glase.password_file", cfg.Glase.PasswordFile},
		{"glase.reseller_password_file", cfg.Glase.ResellerPasswordFile},
		{"debug.token_file", cfg.Debug.TokenFile},
	} {
		if secret.path != "" {
			_, err := config.ReadSecret(secret.path)
			bad(secret.key, err)
		}
	}
	for _, key := range []string{serve.UPSCert, serve.DebugCert} {
		files, used := serve.CertificateFiles(cfg)[key]
		if !used {
			continue
		}
		_, _, err := files.Load()
		bad(key, err)
		bad(strings.Replace(key, "cert", "key", 1), cert.Exposed(files.Key))
	}
	problems = append(problems, backup.Check(cfg)...)
	problems = append(problems, member.Check(cfg, identity.SeedAt(terminal.IdentityFile(cfg)))...)
	// without one the config must say it
	id, err := identity.Load(terminal.IdentityFile(cfg))
	if errors.Is(err, identity.ErrExposed) || errors.Is(err, identity.ErrBad) {
		bad("journal.path", err) // beside which it is
	}
	if len(problems) == 0 {
		_, _, err := terminal.Credentials(cfg, id)
		bad("glase.terminal_id", err)
	}
	return problems
}
