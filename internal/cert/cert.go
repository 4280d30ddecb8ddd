// Package cert serves a certificate from files that somebody else replaces while it is in use, as an ACME client does
// every 60 days.
//
// A Server looks at its files when somebody connects, at most each 10 s, and whenever it is told to (SIGHUP). What
// has changed is read as a whole and takes the place of what was served; connections that are on keep what they began
// with. What cannot be used, such as a new certificate beside the old key in the moment between two writes, changes
// nothing but Server.State: what was served before goes on being served.
package cert

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/plainfile"
)

const (
	lookEvery = 10 * time.Second // a look is three stat(2): a flood of handshakes makes no more of them
	fileMax   = 1 << 20          // bytes; a chain has some thousand
)

// Files are where a certificate is.
type Files struct {
	Cert     string // the certificate and the chain to its authority, PEM
	Key      string // its private key, PEM
	ClientCA string // the authorities of which one has signed the caller's certificate, PEM; "": none is asked for
	// ForSome lets in who shows no certificate as well: what that one may do is for the handler to say.
	ForSome bool
}

// Server is the certificate that a listener serves. Its methods may be called from any goroutine.
type Server struct {
	key   string // of the config, for the log: "[ups] tls_cert"
	files Files
	log   zerolog.Logger
	now   func() time.Time

	mu      sync.Mutex
	config  *tls.Config
	leaf    *x509.Certificate
	stamp   string // of the files as they were read last
	looked  time.Time
	problem error // why what the files hold now is not what is served
}

// New reads the files; it is an error when they cannot be used, for there is nothing older to serve. key names them
// in the log. now is the wall clock, or any other that goes on.
func New(key string, f Files, now func() time.Time, log zerolog.Logger) (*Server, error) {
	s := &Server{key: key, files: f, log: log, now: now, looked: now()}
	s.stamp = s.files.stamp()
	var err error
	s.config, s.leaf, err = f.Load()
	return s, err
}

// Config is for a TLS listener: TLS 1.2 or newer, and with a ClientCA nobody without a certificate of it, unless it is
// ForSome.
func (s *Server) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.look()
			return s.config, nil
		}}
}

// Reload reads the files now, whether they have changed or not. The error says why they cannot be used; what was
// served still is.
func (s *Server) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked = s.now()
	s.read(s.files.stamp())
	return s.problem
}

// State is the certificate that is served, and why it is not what the files hold; nil: it is.
func (s *Server) State() (*x509.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look()
	return s.leaf, s.problem
}

// look reads the files if they have changed, or could not be used when they were read last: a file system may be too
// coarse to show that the other half has come.
func (s *Server) look() {
	now := s.now()
	if since := now.Sub(s.looked); 0 <= since && since < lookEvery { // a clock that was set back looks again
		return
	}
	s.looked = now
	if stamp := s.files.stamp(); stamp != s.stamp || s.problem != nil {
		s.read(stamp)
	}
}

func (s *Server) read(stamp string) {
	before := ""
	if s.problem != nil {
		before = s.problem.Error()
	}
	config, leaf, err := s.files.Load()
	s.stamp, s.problem = stamp, err
	switch {
	case err != nil && err.Error() != before:
		s.log.Error().Err(err).Str("key", s.key).Time("served_until", s.leaf.NotAfter).
			Msg("the new certificate cannot be used: the old one is served")
	case err == nil:
		s.config, s.leaf = config, leaf
		s.log.Info().Str("key", s.key).Stringer("serial", leaf.SerialNumber).Time("until", leaf.NotAfter).
			Msg("a certificate is served as its files are now")
	}
}

// stamp changes when one of the files is written or replaced.
func (f Files) stamp() (stamp string) {
	for _, path := range []string{f.Cert, f.Key, f.ClientCA} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			stamp += "gone;"
			continue
		}
		var inode uint64
		if sys, ok := info.Sys().(*syscall.Stat_t); ok {
			inode = sys.Ino
		}
		stamp += fmt.Sprint(inode, " ", info.Size(), " ", info.ModTime().UnixNano(), ";")
	}
	return stamp
}

// Load reads the files and checks that they fit together.
func (f Files) Load() (*tls.Config, *x509.Certificate, error) {
	certificate, err := read(f.Cert)
	if err != nil {
		return nil, nil, err
	}
	key, err := read(f.Key)
	if err != nil {
		return nil, nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, nil, fmt.Errorf("the certificate %s with the key %s cannot be used: %w", f.Cert, f.Key, err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if f.ClientCA != "" {
		authorities, err := read(f.ClientCA)
		if err != nil {
			return nil, nil, err
		}
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(authorities) {
			return nil, nil, fmt.Errorf("%s holds no authority's certificate: it is a PEM file, with BEGIN CERTIFICATE",
				f.ClientCA)
		}
		if f.ForSome {
			c.ClientAuth = tls.VerifyClientCertIfGiven
		}
	}
	return c, pair.Leaf, nil
}

// read gives a file's whole contents.
func read(path string) ([]byte, error) {
	b, _, err := plainfile.Read(path, fileMax)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist", path)
	case err == nil && len(b) > fileMax:
		return nil, fmt.Errorf("%s is larger than %d KiB: it is no certificate and no key", path, fileMax>>10)
	}
	return b, err
}

// Exposed says that others than a key's owner and group may read it, or others than its owner change it; nil: they
// may not.
func Exposed(key string) error {
	info, err := os.Stat(key)
	if err != nil {
		return nil // which Load says better
	}
	if info.Mode().Perm()&0o027 == 0 {
		return nil
	}
	return fmt.Errorf("%s can be read or changed by others (mode %04o), who could then speak for this machine: "+
		"chmod 640 %s, and chgrp it to kioskd's group", key, info.Mode().Perm(), key)
}
