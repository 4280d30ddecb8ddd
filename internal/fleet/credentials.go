package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/nats-io/nkeys"

	"kioskd/internal/plainfile"
)

// credentialsMax bounds the file, in bytes; one is 1 KiB.
const credentialsMax = 16 << 10

// ReadCredentials reads who the machine is to the fleet's servers: a token that the operator has signed, and the key
// that it is for. The key's seed may stand in the file too, as nats's own tools write it; otherwise it is what seed
// gives, which may be nil. No error shows anything of the contents.
func ReadCredentials(path string, seed func() (string, error)) (token string, key nkeys.KeyPair, err error) {
	b, info, err := plainfile.Read(path, credentialsMax)
	other := (*plainfile.KindError)(nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, fmt.Errorf("fleet: %s does not exist: have the operator enrol this machine, and put what "+
			"kioskhub gives there", path)
	case errors.As(err, &other):
		return "", nil, fmt.Errorf("fleet: %w: put the credentials into a file", err)
	case err != nil:
		return "", nil, fmt.Errorf("fleet: credentials: %w", err)
	case len(b) > credentialsMax:
		return "", nil, fmt.Errorf("fleet: %s is larger than %d bytes: it is no credentials", path, credentialsMax)
	}
	token, pair, err := parseCredentials(b)
	if err != nil {
		return "", nil, fmt.Errorf("fleet: %s: %w", path, err)
	}
	switch {
	case pair != nil && info.Mode().Perm()&0o027 != 0:
		return "", nil, fmt.Errorf("fleet: %s holds a key and can be read or changed by others: chmod 600 %s", path, path)
	case pair != nil:
		return token, pair, nil
	case seed == nil:
		return "", nil, fmt.Errorf("fleet: %s holds no key, and the machine has none of its own: enrol it again", path)
	}
	text, err := seed()
	if err != nil {
		return "", nil, err
	}
	if pair, err = userKey([]byte(text)); err != nil {
		return "", nil, errors.New("fleet: the machine's own key is none: enrol it again")
	}
	return token, pair, nil
}

var errCredentials = errors.New("it holds no credentials of NATS: put what kioskhub gave there again, whole")

// parseCredentials finds the token and, if there is one, the key. The file may be the token alone.
func parseCredentials(b []byte) (token string, key nkeys.KeyPair, err error) {
	token, err = nkeys.ParseDecoratedJWT(b)
	token = string(bytes.TrimSpace([]byte(token)))
	// three parts in the letters of base64 for URLs: what they say is the servers' to judge
	if err != nil || !isToken(token) {
		return "", nil, errCredentials
	}
	pair, err := nkeys.ParseDecoratedNKey(b)
	if errors.Is(err, nkeys.ErrNoSeedFound) {
		return token, nil, nil
	}
	if err != nil {
		return "", nil, errors.New("its key is none: put what kioskhub gave there again, whole")
	}
	seed, err := pair.Seed()
	if err != nil {
		return "", nil, errCredentials
	}
	if key, err = userKey(seed); err != nil {
		return "", nil, errors.New("its key is not a user's: put what kioskhub gave there again, whole")
	}
	return token, key, nil
}

func isToken(s string) bool {
	dots := 0
	for _, r := range s {
		switch {
		case r == '.':
			dots++
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return dots == 2 && len(s) > 2
}

// userKey is the key of a user's seed, and of no other.
func userKey(seed []byte) (nkeys.KeyPair, error) {
	if kind, _, err := nkeys.DecodeSeed(seed); err != nil || kind != nkeys.PrefixByteUser {
		return nil, nkeys.ErrInvalidUserSeed
	}
	return nkeys.FromSeed(seed)
}
