package want

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
)

const (
	getWithin = 5 * time.Second  // for one key
	soon      = time.Second      // after which what could not be read is read again, at first
	seldom    = 10 * time.Minute // what that grows to
	lookAgain = 6 * time.Hour    // after which the keys are read without a hint: one may have been lost
	hintsMax  = 5                // readings in a row that may be older than their hint: a server may lag behind
)

// Serve reads what is wanted of this machine now and on each hint, until ctx ends. It is a fleet.Service.
func (d *Desk) Serve(ctx context.Context, nc *nats.Conn) error {
	r := &reading{d: d, nc: nc, again: make(chan struct{}, 1)}
	for subject, key := range map[string]string{protocol.Hint(d.c.ID): protocol.WantedOf(d.c.ID),
		protocol.HintAll: protocol.WantedOfAll} {
		if err := r.listen(subject, key); err != nil {
			return err
		}
	}
	wait := d.c.Jitter(soon) // all of a fleet may have connected at once
	for tries := 0; ; {
		select {
		case <-time.After(wait):
		case <-r.again:
			tries = 0
			if !pause(ctx, d.c.Jitter(soon)) {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
		late, err := r.read(ctx, tries >= hintsMax)
		if ctx.Err() != nil {
			return nil
		}
		wait = lookAgain + d.c.Jitter(lookAgain)
		if err != nil || late {
			if err != nil {
				d.tell("", "it cannot be read, and what holds stays: "+err.Error(), false)
			}
			wait = min(soon<<min(tries, 16), seldom)
			wait += d.c.Jitter(wait)
			tries++
			continue
		}
		tries = 0
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// reading is what one connection reads.
type reading struct {
	d     *Desk
	nc    *nats.Conn
	again chan struct{} // has room for one
	group string        // whose hints are listened to
	sub   *nats.Subscription
}

// listen hears the hints about a key.
func (r *reading) listen(subject, key string) error {
	_, err := r.nc.Subscribe(subject, r.hinted(key))
	return err
}

func (r *reading) hinted(key string) nats.MsgHandler {
	return func(m *nats.Msg) {
		version, err := strconv.ParseInt(string(m.Data), 10, 64)
		r.d.mu.Lock()
		if err == nil && version > r.d.least[key] {
			r.d.least[key] = version
		}
		r.d.mu.Unlock()
		select {
		case r.again <- struct{}{}:
		default:
		}
	}
}

// read reads the machine's keys. late: one of them is older than a hint has said or than what was read before, since a
// server's copy lags behind: then nothing is taken. With even it is taken all the same: who has asked often enough has
// found a database that was put back.
func (r *reading) read(ctx context.Context, even bool) (late bool, err error) {
	var w wishes
	get := func(n int, key string) (protocol.Want, error) {
		v, has, err := get(ctx, r.nc, key)
		w.has[n] = has
		r.d.mu.Lock()
		defer r.d.mu.Unlock()
		if late = late || w.has[n] && v.Version < r.d.least[key]; even || v.Version > r.d.least[key] {
			r.d.least[key] = v.Version
		}
		return v, err
	}
	if w.machine, err = get(0, protocol.WantedOf(r.d.c.ID)); err != nil {
		return late, err
	}
	if err := r.join(w.machine.Group); err != nil {
		return late, err
	}
	if w.machine.Group != "" {
		if w.group, err = get(1, protocol.WantedOfGroup(w.machine.Group)); err != nil {
			return late, err
		}
	}
	if w.all, err = get(2, protocol.WantedOfAll); err != nil {
		return late, err
	}
	if !late || even {
		r.d.read(w)
	}
	return late && !even, nil
}

// join hears the hints of the machine's group, and of no other.
func (r *reading) join(group string) (err error) {
	if group == r.group {
		return nil
	}
	if r.sub != nil {
		_ = r.sub.Unsubscribe() // of a connection that has ended there is nothing to take back
		r.sub = nil
	}
	r.group = group
	if group != "" {
		r.sub, err = r.nc.Subscribe(protocol.HintGroup(group), r.hinted(protocol.WantedOfGroup(group)))
	}
	return err
}

// get reads the last value of one key: the only question about the bucket that a kiosk may ask.
func get(ctx context.Context, nc *nats.Conn, key string) (w protocol.Want, has bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, getWithin)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, protocol.WantedAt(key), nil)
	if err != nil {
		return w, false, fmt.Errorf("want: %s: %w", key, err)
	}
	const noMessage = "404"
	switch status := m.Header.Get("Status"); {
	case status == noMessage:
		return w, false, nil
	case status != "":
		return w, false, fmt.Errorf("want: %s: the server answers %s %s", key, status, m.Header.Get("Description"))
	case m.Header.Get("KV-Operation") != "": // deleted, or purged: nobody at a desk does so
		return w, false, nil
	case m.Header.Get("Nats-Subject") != protocol.WantedSubject(key):
		return w, false, errors.New("want: the server answers with another key")
	}
	if w, err = protocol.ReadWant(m.Data); err != nil {
		return w, false, fmt.Errorf("want: %s: %w", key, err)
	}
	return w, true, nil
}
