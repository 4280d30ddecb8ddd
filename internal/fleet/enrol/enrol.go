// Package enrol is how a machine becomes one of a fleet: what it asks the operator's hub with a one-time code, what it
// is answered, and the files that follow. The machine's key is made where it stays; only its public half is sent.
package enrol

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nkeys"

	"kioskd/internal/fleet/authority"
	"kioskd/internal/fleet/protocol"
)

// Path is where a hub takes a Request, by POST.
const Path = "/enroll"

// Request is what a machine sends.
type Request struct {
	Code string `json:"code"`
	Key  string `json:"key"` // the public half of its NKey
	// the machine's own id, if it has one: a code for another machine is then refused and not used up
	ID string `json:"id,omitempty"`
}

// Answer is what it gets.
type Answer struct {
	ID        string           `json:"id"`
	JWT       string           `json:"jwt"`
	Servers   []string         `json:"servers"`
	CA        string           `json:"ca,omitempty"` // PEM: of the servers' certificates; empty: public ones
	Authority authority.Public `json:"authority"`    // signs people's commands
}

// Refusal is the answer when there is none, with a status that is not 200.
type Refusal struct {
	Why string `json:"error"`
}

// Why a hub refuses. Machines read these words, and people the sentences of Ask.
const (
	Unknown = "no_such_code"
	Used    = "used" // by another key
	Expired = "expired"
	Other   = "other"   // the code is another machine's
	Taken   = "taken"   // the key is another machine's: a copied card
	Revoked = "revoked" // the key was shut out
	Often   = "often"   // too many wrong codes from there
	Later   = "later"   // the hub cannot look now
	Bad     = "bad"     // not a request
)

// RequestMax and answerMax bound both, in bytes.
const (
	RequestMax = 4 << 10
	answerMax  = 64 << 10
)

// codeLength is of a code without its dashes: 80 random bits.
const codeLength = 16

// Plain is a code as it is compared: capitals and digits alone. People write O for 0, I and L for 1, and put dashes
// and blanks as they like.
func Plain(code string) (string, error) {
	var b strings.Builder
	for _, r := range strings.ToUpper(code) {
		switch {
		case r == '-' || r == ' ':
			continue
		case r == 'O':
			r = '0'
		case r == 'I' || r == 'L':
			r = '1'
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z' && r != 'U':
		default:
			return "", errCode
		}
		b.WriteRune(r)
	}
	if b.Len() != codeLength {
		return "", errCode
	}
	return b.String(), nil
}

var errCode = errors.New("this is no code of kioskhub enroll: it has four groups of four letters and digits, like " +
	"7HK2-M0QX-9PDA-C4TB")

// ReadRequest reads a request, strictly.
func ReadRequest(body []byte) (Request, error) {
	var r Request
	if len(body) > RequestMax {
		return r, errors.New("enrol: a request of more than 4 KiB")
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return Request{}, fmt.Errorf("enrol: no request: %w", err)
	}
	if !nkeys.IsValidPublicUserKey(r.Key) {
		return Request{}, errors.New("enrol: no public key of a machine")
	}
	if r.ID != "" {
		if err := protocol.CheckID(r.ID); err != nil {
			return Request{}, err
		}
	}
	var err error
	r.Code, err = Plain(r.Code)
	return r, err
}

// serversMax is how many servers a fleet can name.
const serversMax = 16

// check finds whether an answer is one to this request, before anything is written.
func (a Answer) check(r Request) error {
	if err := protocol.CheckID(a.ID); err != nil {
		return err
	}
	if r.ID != "" && a.ID != r.ID {
		return fmt.Errorf("it is for machine %q", a.ID)
	}
	if name, key, err := holder(a.JWT); err != nil || name != a.ID || key != r.Key {
		return errors.New("its token is not this machine's")
	}
	if len(a.Servers) == 0 || len(a.Servers) > serversMax {
		return fmt.Errorf("it names %d servers", len(a.Servers))
	}
	for _, s := range a.Servers {
		if !strings.HasPrefix(s, "tls://") && !strings.HasPrefix(s, "wss://") || strings.ContainsAny(s, " \"\\\n\t") {
			return fmt.Errorf("its server %.80q is none", s)
		}
	}
	if a.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(a.CA)) {
		return errors.New("its certificate authority is none")
	}
	_, err := authority.Parse(string(a.Authority))
	return err
}

// holder is whose token it is, and for which key, as the token says; the servers check its signature.
func holder(token string) (name, key string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || strings.Trim(token, letters+".") != "" {
		return "", "", errors.New("no token")
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", "", err
	}
	var claims struct {
		Name    string `json:"name"`
		Subject string `json:"sub"`
	}
	err = json.Unmarshal(body, &claims)
	return claims.Name, claims.Subject, err
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// Credentials is the content of the machine's credentials file. It holds no key: that stays in the identity.
func (a Answer) Credentials() []byte {
	return []byte("-----BEGIN NATS USER JWT-----\n" + a.JWT + "\n------END NATS USER JWT------\n\n" +
		"# Whose signature a command must have:\n" + a.Authority.Line())
}

// KeyOf is the public key that a credentials file is for; "" when it is not such a file.
func KeyOf(credentials []byte) string {
	token, err := nkeys.ParseDecoratedJWT(credentials)
	if err != nil {
		return ""
	}
	_, key, err := holder(strings.TrimSpace(token))
	if err != nil {
		return ""
	}
	return key
}
