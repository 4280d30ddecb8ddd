package member

import (
	"crypto/x509"
	"errors"
	"strings"

	"kioskd/internal/config"
	"kioskd/internal/fleet"
	"kioskd/internal/fleet/authority"
	"kioskd/internal/plainfile"
)

// caMax bounds a file of authorities, in bytes.
const caMax = 1 << 20

// Check tries the files that [fleet] names: what is wrong with them keeps no machine from selling, and each from its
// fleet. seed is as in Config.
func Check(cfg config.Config, seed func() (string, error)) (problems config.Errors) {
	bad := func(key string, err error) {
		if err != nil {
			problems = append(problems, config.Problem{Key: key, Message: strings.TrimPrefix(err.Error(), "fleet: ")})
		}
	}
	if len(cfg.Fleet.Servers) == 0 {
		return nil
	}
	if path := cfg.Fleet.Credentials; path != "" {
		_, _, err := fleet.ReadCredentials(path, seed)
		bad("fleet.credentials", err)
	}
	if text := cfg.Fleet.Authority; text != "" {
		_, err := authority.Parse(text)
		bad("fleet.authority", err)
	}
	if path := cfg.Fleet.CA; path != "" {
		bad("fleet.ca", checkCA(path))
	}
	return problems
}

func checkCA(path string) error {
	b, _, err := plainfile.Read(path, caMax)
	if err != nil {
		return err
	}
	if len(b) > caMax || !x509.NewCertPool().AppendCertsFromPEM(b) {
		return errors.New(path + " holds no certificate in PEM: put the one there that kioskhub has made, or the " +
			"authority's")
	}
	return nil
}
