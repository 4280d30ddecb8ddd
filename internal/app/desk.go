package app

import (
	"context"
	"time"

	"kioskd/internal/fleet"
	"kioskd/internal/fleet/authority"
	"kioskd/internal/fleet/member"
	"kioskd/internal/fleet/orders"
	"kioskd/internal/fleet/want"
	"kioskd/internal/front"
	"kioskd/internal/identity"
	"kioskd/internal/terminal"
)

// join makes the machine a member of its fleet; nil: it has none.
func (a *App) join(p Parts) (*member.Member, error) {
	if len(a.cfg.Fleet.Servers) == 0 {
		return nil, nil
	}
	c := member.Config{Machine: a.cfg, Version: p.Version, Kiosk: a.Kiosk, Customers: a.UPS, Wall: a.clock.Wall,
		Synced: a.clock.Synced, Random: p.Random, Log: a.log, Copied: a.copied, Books: a.books.Report,
		Troubles: a.tester.Troubles,
		Seed:     identity.SeedAt(terminal.IdentityFile(a.cfg)),
		Now:      func() time.Duration { return time.Duration(a.clock.Now()) },
		Doubts: func(ctx context.Context) (int, error) {
			doubts, err := sales{a.journal}.InDoubt(ctx)
			return len(doubts), err
		}}
	if a.journal != nil { // not an interface around nothing
		c.Journal = a.journal
	}
	id := a.cfg.Machine.Token
	a.wanted = want.New(want.Config{ID: id, Machine: a.cfg, Judge: front.Unshown, Shelf: a.shelf, Kiosk: a.Kiosk,
		Wall: c.Wall, Synced: c.Synced, Jitter: member.Jitter, Changed: func() { a.fleet.Changed() }, Log: a.log})
	commands := orders.New(orders.Config{ID: id, Now: c.Now,
		Desk: authority.Kept{Named: authority.Public(a.cfg.Fleet.Authority), Credentials: a.cfg.Fleet.Credentials},
		Wall: c.Wall, Synced: c.Synced, Obey: a.Obey, Log: a.log})
	c.Want, c.Services = a.wanted.State, []fleet.Service{a.wanted.Serve, commands.Serve}
	return member.New(c)
}
