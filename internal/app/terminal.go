package app

import (
	"crypto/rand"
	"net/http"

	"kioskd/internal/config"
	"kioskd/internal/glasepay"
	"kioskd/internal/mint"
	"kioskd/internal/terminal"
)

// passwordBytes are the random bytes of a terminal's password: more than anybody tries out at Glase.
const passwordBytes = 20

// TerminalPassword makes a password for a terminal: 32 letters and digits.
func TerminalPassword() string { return mint.Mint{Random: rand.Reader}.Text(passwordBytes) }

// Terminal is the life of the config's machine at Glase, for the commands. Its calls name the program's version, and
// go over the line; nil is Glase's own.
func Terminal(cfg config.Config, version string, line http.RoundTripper) (terminal.Life, error) {
	return terminal.Open(cfg, glasepay.References(version, rand.Reader), line)
}
