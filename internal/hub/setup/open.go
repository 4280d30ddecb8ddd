package setup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/plainfile"
)

// HubFolder is a hub's folder, opened.
type HubFolder struct {
	Dir     string
	Trust   *grants.Fleet
	Servers []string
	CA      []byte // PEM; none: the servers have public certificates
}

// OpenHub reads a hub's folder, as Plan.Make wrote it.
func OpenHub(dir string) (HubFolder, error) {
	h := HubFolder{Dir: dir}
	var err error
	if h.Trust, err = grants.Read(dir); err != nil {
		return h, fmt.Errorf("%w. It is the folder %q that kioskhub init made", err, Hub)
	}
	b, _, err := plainfile.Read(filepath.Join(dir, ServersFile), pairMax)
	if err != nil {
		return h, err
	}
	if h.Servers = strings.Fields(string(b)); len(h.Servers) == 0 {
		return h, fmt.Errorf("%s names no servers", filepath.Join(dir, ServersFile))
	}
	if h.CA, _, err = plainfile.Read(filepath.Join(dir, "ca.crt"), pairMax); errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return h, err
}

// Options are how a program with this folder connects, with the credentials of one of its files.
func (h HubFolder) Options(credentials string) []nats.Option {
	options := []nats.Option{nats.UserCredentials(filepath.Join(h.Dir, credentials))}
	if h.CA != nil {
		options = append(options, nats.RootCAs(filepath.Join(h.Dir, "ca.crt")))
	}
	return options
}

// DialSystem connects as who tells the servers whom to shut out.
func (h HubFolder) DialSystem() (*grants.Servers, error) {
	plain := make([]string, 0, len(h.Servers))
	for _, s := range h.Servers {
		if strings.HasPrefix(s, "tls://") { // one connection cannot try both kinds
			plain = append(plain, s)
		}
	}
	return grants.Dial(strings.Join(plain, ","), "system-1", h.Options("system.creds")...)
}
