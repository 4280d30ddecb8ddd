package app

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/config"
	"kioskd/internal/identity"
	"kioskd/internal/terminal"
)

// askWithin bounds AskGlase: a call's own attempts may be repeated for longer than somebody in front of the machine
// waits.
const askWithin = 6 * time.Second

// AskGlase asks Glase how an invoice stands that does not exist, as this machine's terminal: what Glase answers shows
// whether it knows the terminal. It moves nothing. The error is the call's, of package glase, or says what credentials
// are missing.
func AskGlase(ctx context.Context, cfg config.Config, version string) error {
	// without one the config must say it
	id, _ := identity.Load(terminal.IdentityFile(cfg))
	c, err := newClient(cfg, id, Parts{Version: version, Random: rand.Reader, Log: zerolog.Nop()})
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	_, err = c.GetPaymentStatus(ctx, "0", 0)
	return err
}
