package grants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
)

// claimsUpdate is where every server takes an account's newer claims, and claimsLookup where it tells what it has.
const claimsUpdate = "$SYS.REQ.CLAIMS.UPDATE"

func claimsLookup(account string) string { return "$SYS.REQ.ACCOUNT." + account + ".CLAIMS.LOOKUP" }

// accountInfo is where every server tells by which claims it acts, which is more than that it has them.
func accountInfo(account string) string { return "$SYS.REQ.ACCOUNT." + account + ".INFO" }

// Servers are a fleet's servers, as somebody with the role System reaches them.
type Servers struct {
	conn *nats.Conn
	name string
}

// Dial connects as a System user. The options say with what credentials and which certificate authority.
func Dial(servers, name string, options ...nats.Option) (*Servers, error) {
	options = append(options, nats.Name(name), nats.CustomInboxPrefix(protocol.Inbox(name)))
	conn, err := nats.Connect(servers, options...)
	if err != nil {
		return nil, fmt.Errorf("grants: %w", err)
	}
	return &Servers{conn, name}, nil
}

// Close ends the connection.
func (s *Servers) Close() { s.conn.Close() }

// quiet is how long nobody must have answered until all are believed to have.
const quiet = 600 * time.Millisecond

// first is how long the first answer may take.
const first = 3 * time.Second

// all asks every server and gives their answers; none is an error.
func (s *Servers) all(ctx context.Context, subject string, data []byte) ([][]byte, error) {
	inbox := s.conn.NewRespInbox()
	sub, err := s.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe()
	if err := s.conn.PublishRequest(subject, inbox, data); err != nil {
		return nil, err
	}
	var answers [][]byte
	for patience := first; ; patience = quiet {
		wait, cancel := context.WithTimeout(ctx, patience)
		m, err := sub.NextMsgWithContext(wait)
		cancel()
		switch {
		case err == nil && m.Header.Get("Status") == "":
			answers = append(answers, m.Data)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil, errors.Is(err, context.DeadlineExceeded):
			if len(answers) == 0 {
				return nil, errors.New("grants: no server answers: is this the system's credentials file?")
			}
			return answers, nil
		default:
			return nil, err
		}
	}
}

// Revoke shuts users' keys out at every server that can be reached, ends their connections, and says how many servers
// know it. What was granted after a key's moment is good again. Servers that are away hear it from the others when they
// come back. To repeat it is harmless, and brings a server that lost its store up to date.
//
// The keys are all that the record names, which several hubs share. Each asks it again after it told the servers: who
// told them last has then told all that was written before.
func (f *Fleet) Revoke(ctx context.Context, s *Servers, keys func(context.Context) (map[string]time.Time, error)) (
	int, error,
) {
	account, err := f.account(Kiosk)
	if err != nil {
		return 0, err
	}
	const attempts = 5 // as many hubs may do the same in this moment
	told, err := keys(ctx)
	var last error
	for range attempts {
		if err != nil {
			return 0, err
		}
		var claims string
		if claims, err = f.merged(ctx, s, account.Subject, told); err != nil {
			return 0, err
		}
		if err = s.update(ctx, claims); err != nil {
			return 0, err
		}
		var known map[string]time.Time
		if known, err = keys(ctx); err != nil {
			return 0, err
		}
		servers, missed := s.know(ctx, account.Subject, known)
		if missed == nil {
			return servers, nil
		}
		told, last = known, missed
	}
	return 0, last
}

// Known counts the servers, and is an error unless each of them shuts these keys out.
func (f *Fleet) Known(ctx context.Context, s *Servers, keys map[string]time.Time) (int, error) {
	account, err := f.account(Kiosk)
	if err != nil {
		return 0, err
	}
	return s.know(ctx, account.Subject, keys)
}

// behind is how far the clock of who shuts a key out may be behind the one that granted it: the servers let in what was
// granted after its key's moment. No key is granted again once it was shut out.
const behind = time.Hour

// merged are the account's claims as they have to be now: what any server knows, and these keys. The servers keep the
// newest by its second, so it is a later second than all of theirs.
func (f *Fleet) merged(ctx context.Context, s *Servers, account string, keys map[string]time.Time) (string, error) {
	answers, err := s.all(ctx, claimsLookup(account), nil)
	if err != nil {
		return "", err
	}
	all := map[string]time.Time{}
	add := func(key string, at time.Time) {
		if at.After(all[key]) {
			all[key] = at
		}
	}
	for key, at := range keys {
		add(key, at.Add(behind))
	}
	var newest int64
	for _, answer := range answers {
		if len(answer) == 0 { // it has none
			continue
		}
		a, err := jwt.DecodeAccountClaims(string(answer))
		if err != nil {
			return "", fmt.Errorf("grants: a server's claims: %w", err)
		}
		newest = max(newest, a.IssuedAt)
		for key, at := range a.Revocations {
			add(key, time.Unix(at, 0))
		}
	}
	const skew = 5 * time.Second // another hub's clock
	late := time.Until(time.Unix(newest+1, 0))
	if late > skew {
		return "", fmt.Errorf("grants: the servers' claims are of %s and this machine's clock is before it: set it right",
			time.Unix(newest, 0).UTC().Format(time.RFC3339))
	}
	select {
	case <-time.After(max(late, 0)):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return f.Revoked(f.Account, all)
}

// update gives every server an account's claims.
func (s *Servers) update(ctx context.Context, claims string) error {
	answers, err := s.all(ctx, claimsUpdate, []byte(claims))
	if err != nil {
		return err
	}
	for _, answer := range answers {
		var a struct {
			Error *struct {
				Description string `json:"description"`
			} `json:"error"`
		}
		if err := json.Unmarshal(answer, &a); err != nil {
			return fmt.Errorf("grants: a server answers the account's claims with no JSON: %w", err)
		}
		if a.Error != nil {
			return fmt.Errorf("grants: a server does not take the account's claims: %q", a.Error.Description)
		}
	}
	return nil
}

// know counts the servers, and finds whether each shuts these keys out.
func (s *Servers) know(ctx context.Context, account string, keys map[string]time.Time) (int, error) {
	answers, err := s.all(ctx, accountInfo(account), nil)
	if err != nil {
		return 0, err
	}
	for _, answer := range answers {
		var info struct {
			Data struct {
				JWT string `json:"jwt"`
			} `json:"data"`
		}
		if err := json.Unmarshal(answer, &info); err != nil {
			return 0, fmt.Errorf("grants: a server tells nothing of the account: %w", err)
		}
		a, err := jwt.DecodeAccountClaims(info.Data.JWT)
		if err != nil {
			return 0, fmt.Errorf("grants: the claims by which a server acts: %w", err)
		}
		for key, at := range keys {
			if !a.Revocations.IsRevoked(key, at) {
				return 0, errors.New("grants: a server does not know yet who is shut out: try again")
			}
		}
	}
	return len(answers), nil
}
