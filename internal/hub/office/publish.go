// Package office is what the operator's people want of the machines: what they shall sell, written to the servers from
// the database and again when they have lost it; and commands, each signed by a person and sent to one machine.
package office

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
)

const (
	lookEvery   = 2 * time.Second // for what somebody wants now
	writeWithin = 30 * time.Second
)

// Publisher keeps the bucket of what is wanted as the database has it. Several may run: each writes only what differs.
type Publisher struct {
	Store    *store.Store
	NATS     *nats.Conn
	Replicas int
	Now      func() time.Time
	Log      zerolog.Logger

	kv jetstream.KeyValue
}

// Run works until ctx ends.
func (p *Publisher) Run(ctx context.Context) {
	for said := ""; ; {
		err := p.once(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			said = ""
		case err.Error() != said:
			said = err.Error()
			p.Log.Warn().Err(err).Msg("what is wanted of the machines cannot be written to the servers: it is tried again")
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return
		}
	}
}

// once writes each key that is not as the database has it, and hints at it.
func (p *Publisher) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	all, err := p.Store.Wanted(ctx, p.Now())
	if err != nil || len(all) == 0 {
		return err
	}
	if p.kv == nil {
		if err := p.open(ctx); err != nil {
			return err
		}
	}
	for of, w := range all {
		if err := p.put(ctx, of, w); err != nil {
			p.kv = nil // perhaps the bucket is gone
			return err
		}
	}
	return nil
}

func (p *Publisher) open(ctx context.Context) error {
	js, err := jetstream.New(p.NATS)
	if err != nil {
		return err
	}
	p.kv, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: protocol.Wanted, History: 1,
		Replicas: max(1, p.Replicas), MaxValueSize: protocol.WantMax})
	if err != nil {
		return fmt.Errorf("office: the bucket %s: %w", protocol.Wanted, err)
	}
	return nil
}

func (p *Publisher) put(ctx context.Context, of store.Scope, w protocol.Want) error {
	if err := w.Check(); err != nil {
		return fmt.Errorf("office: of %s %s: %w", of.Kind, of.Key, err)
	}
	doc, err := json.Marshal(w)
	if err != nil {
		return err
	}
	key, hint := address(of)
	is, err := p.kv.Get(ctx, key)
	if err == nil && bytes.Equal(is.Value(), doc) {
		return nil
	}
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return fmt.Errorf("office: %s: %w", key, err)
	}
	if _, err := p.kv.Put(ctx, key, doc); err != nil {
		return fmt.Errorf("office: %s: %w", key, err)
	}
	p.Log.Info().Str("key", key).Int64("version", w.Version).Msg("what is wanted is on its way")
	return p.NATS.Publish(hint, fmt.Appendf(nil, "%d", w.Version))
}

// address is the key of a scope, and where it is hinted at.
func address(of store.Scope) (key, hint string) {
	switch of.Kind {
	case store.OfKiosk:
		return protocol.WantedOf(of.Key), protocol.Hint(of.Key)
	case store.OfGroup:
		return protocol.WantedOfGroup(of.Key), protocol.HintGroup(of.Key)
	}
	return protocol.WantedOfAll, protocol.HintAll
}
