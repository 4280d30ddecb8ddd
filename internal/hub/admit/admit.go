// Package admit lets machines into a fleet, and shuts them out: codes that are good once, the hub's side of enrol, and
// the servers' list of keys that are good no more.
package admit

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/fleet/authority"
	"kioskd/internal/fleet/enrol"
	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
	"kioskd/internal/mint"
)

// codeLife is how long a code is good.
const codeLife = time.Hour

// NewCode makes a code for a machine and keeps its hash alone.
func NewCode(ctx context.Context, s *store.Store, e store.Enrolment, now time.Time) (code string, until time.Time,
	err error,
) {
	if err := protocol.CheckID(e.Kiosk); err != nil {
		return "", until, err
	}
	const textMax = 100 // bytes of a name or a group
	if len(e.Name) > textMax || len(e.Group) > textMax {
		return "", until, fmt.Errorf("admit: a name or a group of more than %d bytes", textMax)
	}
	if e.Group != "" && protocol.CheckID(e.Group) != nil { // it is a part of a subject
		return "", until, fmt.Errorf("admit: the group %q: write letters and digits", e.Group)
	}
	code = mint.Mint{Random: rand.Reader}.Code()
	plain, err := enrol.Plain(code)
	if err != nil {
		return "", until, err
	}
	until = now.Add(codeLife)
	return code, until, s.AddEnrolment(ctx, plain, e, now, until)
}

// Desk answers machines that enrol.
type Desk struct {
	Store     *store.Store
	Trust     *grants.Fleet
	Servers   []string // what machines connect to: tls://… and wss://…
	CA        []byte   // PEM of the authority of the servers' certificates; none: public ones
	Caller    func(*http.Request) netip.Addr
	Now       func() time.Time
	Shut      func() // is called when a key was shut out, and must not wait
	Log       zerolog.Logger
	authority authority.Public
	wrong     *wrong
	looking   chan struct{}
}

// lookingMax is how many machines are looked up at once; a fleet enrols a few a minute.
const lookingMax = 8

// Open makes it ready to serve.
func (d *Desk) Open() error {
	var err error
	if d.authority, err = d.Trust.Authority.Public(); err != nil {
		return fmt.Errorf("admit: %w", err)
	}
	if len(d.Servers) == 0 {
		return errors.New("admit: no servers to tell machines of")
	}
	d.wrong, d.looking = newWrong(d.Now), make(chan struct{}, lookingMax)
	return nil
}

// ServeHTTP answers a request at enrol.Path.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, enrol.Bad)
		return
	}
	caller := d.Caller(r)
	if !d.wrong.may(caller) {
		refuse(w, http.StatusTooManyRequests, enrol.Often)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, enrol.RequestMax))
	if err != nil {
		refuse(w, http.StatusBadRequest, enrol.Bad)
		return
	}
	req, err := enrol.ReadRequest(body)
	if err != nil {
		d.wrong.note(caller)
		refuse(w, http.StatusBadRequest, enrol.Bad)
		return
	}
	select {
	case d.looking <- struct{}{}:
		defer func() { <-d.looking }()
	default:
		refuse(w, http.StatusServiceUnavailable, enrol.Later)
		return
	}
	d.answer(w, r, req, caller)
}

func (d *Desk) answer(w http.ResponseWriter, r *http.Request, req enrol.Request, caller netip.Addr) {
	e, err := d.Store.Enrol(r.Context(), req.Code, req.Key, req.ID, d.Now())
	if err != nil {
		why := reason(err)
		if why == enrol.Unknown {
			d.wrong.note(caller)
		}
		d.Log.Warn().Stringer("caller", caller).Str("why", why).Str("kiosk", e.Kiosk).AnErr("error", unknown(err, why)).
			Msg("a machine was not let in")
		status := http.StatusForbidden
		if why == enrol.Later {
			status = http.StatusServiceUnavailable
		}
		refuse(w, status, why)
		return
	}
	token, err := d.Trust.User(grants.Kiosk, e.Kiosk, req.Key)
	if err != nil {
		d.Log.Error().Err(err).Str("kiosk", e.Kiosk).Msg("a machine's code was good, and no credentials could be made")
		refuse(w, http.StatusServiceUnavailable, enrol.Later)
		return
	}
	if d.Shut != nil {
		d.Shut() // the key that it had
	}
	d.Log.Info().Str("kiosk", e.Kiosk).Str("key", req.Key).Str("by", e.By).Stringer("caller", caller).
		Msg("a machine is in the fleet")
	a := enrol.Answer{ID: e.Kiosk, JWT: token, Servers: d.Servers, CA: string(d.CA), Authority: d.authority}
	if err := json.NewEncoder(w).Encode(a); err != nil {
		d.Log.Warn().Err(err).Str("kiosk", e.Kiosk).Msg("a machine has not heard that it is in the fleet")
	}
}

// reason is the word for a refusal.
func reason(err error) string {
	for is, why := range map[error]string{
		store.ErrCode: enrol.Unknown, store.ErrCodeUsed: enrol.Used, store.ErrCodeExpired: enrol.Expired,
		store.ErrCodeOther: enrol.Other, store.ErrKeyTaken: enrol.Taken, store.ErrKeyRevoked: enrol.Revoked,
	} {
		if errors.Is(err, is) {
			return why
		}
	}
	return enrol.Later
}

// unknown is the error that the word does not say.
func unknown(err error, why string) error {
	if why == enrol.Later {
		return err
	}
	return nil
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(enrol.Refusal{Why: why}) // who asked may be gone
}
