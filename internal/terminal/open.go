package terminal

import (
	"errors"
	"net/http"
	"path/filepath"

	"kioskd/glase"
	"kioskd/internal/config"
	"kioskd/internal/identity"
)

// IdentityFile is where a config's machine keeps its identity: beside the journal.
func IdentityFile(cfg config.Config) string {
	return filepath.Join(filepath.Dir(cfg.Journal.Path), "identity.json")
}

// Open is the life of the config's machine at Glase, for the commands that register it, give it a sticker and give it
// up. It asks Glase nothing by itself. reference mints a clientReference; the calls go over the line, or the network.
func Open(cfg config.Config, reference func() string, line http.RoundTripper) (Life, error) {
	l := Life{Path: IdentityFile(cfg), Serial: identity.MachineSerial(identity.SerialFile)}
	if cfg.Glase.TerminalID != "" {
		id, password, err := Credentials(cfg, identity.Identity{})
		if err != nil {
			return l, err
		}
		l.Given = identity.Identity{TerminalID: id, Password: identity.NewSecret(password)}
	}
	l.Client = func(i identity.Identity) (*glase.Client, error) {
		if i.TerminalID == "" { // it is to be made
			return AsReseller(cfg, glase.Config{NewReference: reference, Transport: line})
		}
		return glase.New(glase.Config{
			Endpoint: cfg.Glase.Endpoint, TerminalID: i.TerminalID, Password: i.Password.Reveal(),
			ClientID: cfg.Glase.ClientID, NewReference: reference, Timeout: cfg.Glase.Timeout,
			Transport: line,
		})
	}
	return l, nil
}

// Credentials are the terminal's, from the config or else from the identity.
func Credentials(cfg config.Config, id identity.Identity) (terminal, password string, err error) {
	terminal, password = id.TerminalID, id.Password.Reveal()
	if cfg.Glase.TerminalID != "" {
		terminal = cfg.Glase.TerminalID
	}
	if f := cfg.Glase.PasswordFile; f != "" {
		if password, err = config.ReadSecret(f); err != nil {
			return "", "", err
		}
	}
	if terminal == "" || password == "" {
		return "", "", errors.New("no terminal id or password: set [glase] terminal_id and password_file in the config")
	}
	return terminal, password, nil
}

// ErrNoReseller is what AsReseller answers for a config that names none.
var ErrNoReseller = errors.New("only a reseller may register a terminal or have reports: set [glase] reseller_id and " +
	"reseller_password_file, as in Glase's start-up kit")

// AsReseller is a client of the config's Glase that registers terminals and has reports; of c the reference, the
// transport and the log are taken.
func AsReseller(cfg config.Config, c glase.Config) (*glase.Client, error) {
	g := cfg.Glase
	if g.ResellerID == "" || g.ResellerPasswordFile == "" {
		return nil, ErrNoReseller
	}
	password, err := config.ReadSecret(g.ResellerPasswordFile)
	if err != nil {
		return nil, err
	}
	c.Endpoint, c.ClientID, c.Timeout = g.Endpoint, g.ClientID, g.Timeout
	c.Reseller = &glase.Reseller{ID: g.ResellerID, UserID: g.ResellerUser, Password: password}
	return glase.New(c)
}
