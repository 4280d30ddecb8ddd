package fleet

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"kioskd/internal/fleet/protocol"
)

// trouble is something that goes wrong. begin begins it, and end ends it; either may be nil.
type trouble struct {
	name       string
	begin, end func() error
}

// make makes a trouble, for a random part of the minute, and leaves the rest of it alone.
func (c *chaos) make(x trouble) {
	minute := *minuteFlag
	lasts := minute/4 + time.Duration(c.random.Int64N(int64(minute/2)))
	c.t.Logf("%s, for %v", x.name, lasts.Round(time.Millisecond))
	over := time.Now().Add(minute)
	do := func(what func() error) {
		if what == nil {
			return
		}
		if err := what(); err != nil {
			c.t.Errorf("%s: %v", x.name, err)
		}
	}
	do(x.begin)
	time.Sleep(lasts)
	do(x.end)
	time.Sleep(time.Until(over))
}

// backUp makes a backup of the database, for a later trouble.
func (c *chaos) backUp() {
	backup, err := c.fleet.Database.Dump(c.t.Context())
	if err != nil {
		c.t.Errorf("the database has no backup: %v", err)
		return
	}
	c.backup = backup
}

// troubles are all that there are.
func (c *chaos) troubles() (all []trouble) {
	add := func(name string, begin, end func() error) { all = append(all, trouble{name, begin, end}) }
	ctx := c.t.Context()
	for _, p := range c.fleet.Parts() {
		add(p.Name+" is killed", done(p.Kill), func() error { return p.Start(ctx) })
		add(p.Name+" is frozen", done(p.Freeze), done(p.Thaw))
		if p.Host == nil {
			continue
		}
		line := func(s LineState) func() error { return done(func() { p.Host.Line(s) }) }
		whole := line(LineState{})
		add(p.Name+" is cut off", line(LineState{Cut: true}), whole)
		add(p.Name+"'s line is late by 3 s and loses a fifth", line(LineState{Delay: 3 * time.Second, Loss: 0.2}),
			whole)
	}
	add("every broker is killed", done(c.fleet.Brokers.Kill), func() error {
		for _, s := range c.fleet.Brokers.Servers {
			if err := s.Start(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	add("both hubs are killed", done(func() {
		for _, h := range c.fleet.Hubs {
			h.Kill()
		}
	}), func() error {
		for _, h := range c.fleet.Hubs {
			if err := h.Start(); err != nil {
				return err
			}
		}
		return nil
	})
	add("the stream is deleted", c.deleteStream, nil)
	add("the database is restored to what it was a while ago", c.restore, nil)
	return all
}

// done is what cannot fail.
func done(do func()) func() error {
	return func() error {
		do()
		return nil
	}
}

// backupEvery is how many troubles there are from one backup of the database to the next.
const backupEvery = 5

// restore puts the last backup in the database's place.
func (c *chaos) restore() error { return c.fleet.Database.Restore(c.t.Context(), c.backup) }

// deleteStream deletes what the brokers hold.
func (c *chaos) deleteStream() error {
	nc, err := c.fleet.Brokers.Administrator()
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), startWithin)
	defer cancel()
	return js.DeleteStream(ctx, protocol.Stream)
}
