package admit

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/hub/store"
)

// Keeper sees to it that the servers shut out whom the record says, whatever happened to them meanwhile.
type Keeper struct {
	Store *store.Store
	Trust *grants.Fleet
	// Dial connects as the system; the keeper closes it
	Dial func() (*grants.Servers, error)
	Log  zerolog.Logger

	kicked chan struct{}
}

// keepEvery is how often a keeper looks, besides when it is kicked; againFirst how soon it tries again what failed,
// which doubles up to that.
const (
	keepEvery  = time.Minute
	againFirst = 500 * time.Millisecond
)

// once is how long one look may take.
const once = 20 * time.Second

// NewKeeper makes one; Run works.
func NewKeeper(s *store.Store, trust *grants.Fleet, dial func() (*grants.Servers, error), log zerolog.Logger) *Keeper {
	return &Keeper{Store: s, Trust: trust, Dial: dial, Log: log, kicked: make(chan struct{}, 1)}
}

// Kick has it look at once, and does not wait.
func (k *Keeper) Kick() {
	select {
	case k.kicked <- struct{}{}:
	default: // it looks soon anyway
	}
}

// Run looks until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	again := againFirst
	for {
		wait := keepEvery
		switch n, err := k.Keep(ctx); {
		case err != nil && ctx.Err() == nil:
			k.Log.Error().Err(err).Msg("the servers may not know who is shut out; the next try follows")
			wait, again = again, min(2*again, keepEvery)
		case n > 0:
			k.Log.Info().Int("servers", n).Msg("the servers were told who is shut out")
			fallthrough
		default:
			again = againFirst
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		case <-k.kicked:
		}
	}
}

// Keep looks once, and says how many servers it told: none when all know it, or nobody is shut out.
func (k *Keeper) Keep(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, once)
	defer cancel()
	keys, err := k.Store.Revoked(ctx)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	s, err := k.Dial()
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if known, err := k.Trust.Known(ctx, s, keys); err == nil && known > 0 {
		return 0, nil
	}
	return k.Trust.Revoke(ctx, s, k.Store.Revoked)
}

// Tell has all servers know who is shut out, whether they do or not, and says how many do.
func (k *Keeper) Tell(ctx context.Context) (int, error) {
	s, err := k.Dial()
	if err != nil {
		return 0, err
	}
	defer s.Close()
	return k.Trust.Revoke(ctx, s, k.Store.Revoked)
}
