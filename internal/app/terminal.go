package app

import (
	"crypto/rand"
	"errors"
	"path/filepath"

	"kioskd/glase"
	"kioskd/internal/config"
	"kioskd/internal/identity"
	"kioskd/internal/terminal"
)

// passwordBytes are the random bytes of a terminal's password: more than anybody tries out at Glase.
const passwordBytes = 20

// TerminalPassword makes a password for a terminal: 32 letters and digits.
func TerminalPassword() string { return minter{rand.Reader}.text(passwordBytes) }

// Terminal is the life of the config's machine at Glase, for the commands that register it, give it a sticker and give
// it up. It asks Glase nothing by itself.
func Terminal(cfg config.Config) (terminal.Life, error) {
	l := terminal.Life{
		Path:   filepath.Join(filepath.Dir(cfg.Journal.Path), identityFile),
		Serial: identity.MachineSerial(identity.SerialFile),
	}
	if cfg.Glase.TerminalID != "" {
		id, password, err := credentials(cfg, identity.Identity{})
		if err != nil {
			return l, err
		}
		l.Given = identity.Identity{TerminalID: id, Password: identity.NewSecret(password)}
	}
	l.Client = func(i identity.Identity) (*glase.Client, error) {
		c := glase.Config{
			Endpoint: cfg.Glase.Endpoint, TerminalID: i.TerminalID, Password: i.Password.Reveal(),
			ClientID: cfg.Glase.ClientID, NewReference: minter{rand.Reader}.reference, Timeout: cfg.Glase.Timeout,
		}
		if i.TerminalID == "" { // it is to be made
			r, err := reseller(cfg)
			if err != nil {
				return nil, err
			}
			c.Reseller = r
		}
		return glase.New(c)
	}
	return l, nil
}

// reseller is who registers terminals.
func reseller(cfg config.Config) (*glase.Reseller, error) {
	g := cfg.Glase
	if g.ResellerID == "" || g.ResellerPasswordFile == "" {
		return nil, errNoReseller
	}
	password, err := config.ReadSecret(g.ResellerPasswordFile)
	if err != nil {
		return nil, err
	}
	return &glase.Reseller{ID: g.ResellerID, UserID: g.ResellerUser, Password: password}, nil
}

var errNoReseller = errors.New("only a reseller may register a terminal: set [glase] reseller_id and " +
	"reseller_password_file, as in Glase's start-up kit")
