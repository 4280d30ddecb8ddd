package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/app"
	"kioskd/internal/config"
	"kioskd/internal/doctor"
	"kioskd/internal/host"
)

// hostWithin is how long the kernel has to say how the computer is.
const hostWithin = 10 * time.Second

// examineHost looks at the computer itself: what the doctor's other checks do not.
func examineHost(ctx context.Context, cfg config.Config, root doctor.Root, clock app.Clock) (found []doctor.Finding) {
	if cfg.Journal.Path == "" { // which it is only without a config
		return nil
	}
	c := computer(cfg, clock, zerolog.Nop())
	c.Root = os.DirFS(string(root))
	ctx, cancel := context.WithTimeout(ctx, hostWithin)
	defer cancel()
	return append(hostFindings(host.Look(ctx, c).Facts(clock.Wall(), clock.Synced())),
		doctor.Upgrades(root, clock.Wall(), clock.Synced())...)
}

func hostFindings(facts []host.Fact) (found []doctor.Finding) {
	for _, f := range facts {
		area := strings.ToLower(filepath.Base(f.Name))
		switch {
		case f.Word == "":
			found = append(found, doctor.Ok(area, f.Says))
		case f.Grave:
			found = append(found, doctor.Failed(area, f.Says, f.Do))
		default:
			found = append(found, doctor.Warned(area, f.Says, f.Do))
		}
	}
	return found
}
