package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/ownca"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/port"
)

// Fleet is a cluster of servers as an operator has them: with TLS, an operator's claims, and a user for everybody.
type Fleet struct {
	Servers []*Server
	Trust   *grants.Fleet
	CA      string // file of the authority that made the servers' certificates

	authority     ownca.Pair
	pool          *x509.CertPool
	configs       []grants.Server
	administrator nkeys.KeyPair // signs who may everything
}

// NewFleet writes what so many servers need below dir, and starts none. The program is as Build made it.
func NewFleet(dir, program string, servers int) (*Fleet, error) {
	trust, err := grants.Make("test")
	if err != nil {
		return nil, err
	}
	authority, err := ownca.Make("test", time.Now())
	if err != nil {
		return nil, err
	}
	f := &Fleet{Trust: trust, authority: authority, CA: filepath.Join(dir, "ca.crt"), pool: x509.NewCertPool()}
	f.pool.AppendCertsFromPEM(authority.Cert)
	if err := os.WriteFile(f.CA, authority.Cert, 0o600); err != nil {
		return nil, err
	}
	if err := f.administrate(); err != nil {
		return nil, err
	}
	var peers []string
	if servers > 1 {
		for range servers {
			peers = append(peers, port.Free())
		}
	}
	for n := range servers {
		s, err := f.server(filepath.Join(dir, fmt.Sprintf("server-%d", n+1)), program, peers, n)
		if err != nil {
			return nil, err
		}
		f.Servers = append(f.Servers, s)
	}
	return f, nil
}

// administrate lets the account have users that may everything.
func (f *Fleet) administrate() error {
	var err error
	if f.administrator, err = nkeys.CreateAccount(); err != nil {
		return err
	}
	key, err := f.administrator.PublicKey()
	if err != nil {
		return err
	}
	a, err := jwt.DecodeAccountClaims(f.Trust.Account)
	if err != nil {
		return err
	}
	a.SigningKeys.Add(key)
	f.Trust.Account, err = a.Encode(f.Trust.Signer)
	return err
}

func (f *Fleet) server(dir, program string, peers []string, n int) (*Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	cert, key, err := f.Certificate(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Program: program, Dir: dir, Address: port.Free(), WebSocket: port.Free(), Monitor: port.Free(),
	}
	c := grants.Server{
		Name: filepath.Base(dir), Listen: s.Address, WebSocket: s.WebSocket, Monitor: s.Monitor, Store: dir,
		Cert: cert, Key: key, CA: f.CA, Peers: peers,
	}
	if len(peers) > 0 {
		c.Cluster = peers[n]
	}
	f.configs = append(f.configs, c)
	s.Config, err = f.Trust.Config(c)
	return s, err
}

// Rewrite writes the servers' configs again, after Trust was changed and before they start.
func (f *Fleet) Rewrite() error {
	for n, c := range f.configs {
		var err error
		if f.Servers[n].Config, err = f.Trust.Config(c); err != nil {
			return err
		}
	}
	return nil
}

// Move has a server be at another address of this machine, before it starts, and run by another program.
func (f *Fleet) Move(n int, address, program string) error {
	at := func(old string) string {
		_, number, _ := net.SplitHostPort(old)
		return net.JoinHostPort(address, number)
	}
	s, c := f.Servers[n], &f.configs[n]
	s.Program, s.Address, s.WebSocket, s.Monitor = program, at(s.Address), at(s.WebSocket), at(s.Monitor)
	c.Listen, c.WebSocket, c.Monitor = s.Address, s.WebSocket, s.Monitor
	if c.Cluster != "" {
		c.Cluster = at(c.Cluster)
		c.Peers[n] = c.Cluster // which all of them share
	}
	if _, _, err := f.Certificate(s.Dir, address); err != nil {
		return err
	}
	return f.Rewrite()
}

// Certificate makes one for this host, and these further names or addresses, below dir, and gives its files.
func (f *Fleet) Certificate(dir string, more ...string) (cert, key string, err error) {
	pair, err := f.authority.Server(append([]string{"127.0.0.1", "localhost"}, more...), true, time.Now())
	if err != nil {
		return "", "", err
	}
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	return cert, key, errors.Join(os.WriteFile(cert, pair.Cert, 0o600), os.WriteFile(key, pair.Key, 0o600))
}

// Start starts all of them, and waits until the account's streams can be used.
func (f *Fleet) Start(ctx context.Context) error {
	for _, s := range f.Servers {
		if err := s.Start(ctx); err != nil {
			return err
		}
	}
	return f.Ready(ctx)
}

// Kill ends all of them.
func (f *Fleet) Kill() {
	for _, s := range f.Servers {
		s.Kill()
	}
}

// Ready waits until the servers have chosen who leads, and streams can be used.
func (f *Fleet) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	nc, err := f.Administrator()
	if err != nil {
		return err
	}
	defer nc.Close()
	for {
		m, err := nc.Request("$JS.API.INFO", nil, 200*time.Millisecond) // who has no leader does not answer at all
		if err == nil && !strings.Contains(string(m.Data), `"error"`) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("broker: the servers lead no streams: %w", errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// URLs are the servers' addresses, separated by commas.
func (f *Fleet) URLs() string {
	var all []string
	for _, s := range f.Servers {
		all = append(all, "tls://"+s.Address)
	}
	return strings.Join(all, ",")
}

// Options are how to connect as somebody with these credentials, whose name this is.
func (f *Fleet) Options(name string, credentials []byte) []nats.Option {
	return []nats.Option{
		nats.UserCredentialBytes(credentials), nats.CustomInboxPrefix(protocol.Inbox(name)), nats.Name(name),
		nats.Secure(&tls.Config{RootCAs: f.pool, MinVersion: tls.VersionTLS12}),
	}
}

// Connect connects as a new user.
func (f *Fleet) Connect(r grants.Role, name string, more ...nats.Option) (*nats.Conn, error) {
	credentials, err := f.Trust.Credentials(r, name)
	if err != nil {
		return nil, err
	}
	return nats.Connect(f.URLs(), append(f.Options(name, credentials), more...)...)
}

// Administrator connects as somebody who may everything, whom no real fleet has: a test looks, and deletes streams.
func (f *Fleet) Administrator() (*nats.Conn, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, err
	}
	u := jwt.NewUserClaims(public)
	u.Name = "administrator"
	a, err := jwt.DecodeAccountClaims(f.Trust.Account)
	if err != nil {
		return nil, err
	}
	u.IssuerAccount = a.Subject
	token, err := u.Encode(f.administrator)
	if err != nil {
		return nil, err
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, err
	}
	credentials, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		return nil, err
	}
	return nats.Connect(f.URLs(), f.Options("administrator", credentials)...)
}
