package app

import (
	"crypto/rand"

	"kioskd/internal/config"
	"kioskd/internal/mint"
	"kioskd/internal/terminal"
)

// passwordBytes are the random bytes of a terminal's password: more than anybody tries out at Glase.
const passwordBytes = 20

// TerminalPassword makes a password for a terminal: 32 letters and digits.
func TerminalPassword() string { return mint.Mint{Random: rand.Reader}.Text(passwordBytes) }

// Terminal is the life of the config's machine at Glase, for the commands.
func Terminal(cfg config.Config) (terminal.Life, error) {
	return terminal.Open(cfg, mint.Mint{Random: rand.Reader}.Reference)
}
