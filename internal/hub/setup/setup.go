// Package setup makes what a new fleet needs before anything runs: its trust, certificates for small installs, and a
// folder of files for each of its machines. To do it again makes what is missing and replaces no key.
package setup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/ownca"
	"kioskd/internal/plainfile"
)

// Plan is what a fleet is to have.
type Plan struct {
	Dir      string   // where all of it goes
	Name     string   // of the fleet
	Servers  []string // the nats-servers' names or addresses, as kiosks reach them
	Hubs     []string // the hubs' names or addresses, for their certificate; none: they have another one
	Gateways []string // the gateways' names, as gateway-1
	Etc      string   // where a server's folder will lie
	Store    string   // where a server keeps its streams
	Web      bool     // the servers also take WebSockets, on port 443
	Renew    bool     // make the certificates anew
	Now      time.Time
}

// Ports of a nats-server.
const (
	clientPort  = "4222"
	clusterPort = "6222"
	webPort     = "443"
	monitor     = "127.0.0.1:8222"
)

// Folders of Plan.Dir. Trust belongs into a safe once the others are where they are used.
const (
	Trust   = "trust"
	Hub     = "hub"
	Gateway = "gateway"
)

// ServersFile names the servers, one a line, in the folders of hubs and gateways.
const ServersFile = "servers"

// Make makes it, and says what it made, a line each.
func (p Plan) Make() (made []string, err error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return nil, err
	}
	trust, ca, anew, err := p.trust()
	if err != nil {
		return nil, err
	}
	if anew {
		made = append(made, filepath.Join(p.Dir, Trust))
	}
	for _, do := range []func(*grants.Fleet, ownca.Pair) ([]string, error){p.hub, p.gateways, p.servers} {
		some, err := do(trust, ca)
		if err != nil {
			return made, err
		}
		made = append(made, some...)
	}
	return made, nil
}

// isHost is what can stand in a certificate, a folder's name and a server's config.
var isHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

func (p Plan) check() error {
	if len(p.Servers) == 0 {
		return errors.New("name the nats-servers: --server nats-1.example.com, once for each")
	}
	if len(p.Servers) == 2 {
		return errors.New("two servers keep no streams when one of them is away: name one, or three")
	}
	seen := map[string]bool{}
	for _, host := range append(p.Servers[:len(p.Servers):len(p.Servers)], p.Hubs...) {
		if !isHost.MatchString(host) && net.ParseIP(host) == nil {
			return fmt.Errorf("%q is neither a host's name nor an address", host)
		}
	}
	for _, host := range p.Servers {
		if seen[host] {
			return fmt.Errorf("the server %s is named twice", host)
		}
		seen[host] = true
	}
	for _, name := range p.Gateways {
		if err := grants.CheckName(grants.Gateway, name); err != nil {
			return err
		}
	}
	return nil
}

// trust reads the fleet's trust, or makes it. It appears whole: a half-made one would be a fleet whose keys nobody has.
func (p Plan) trust() (*grants.Fleet, ownca.Pair, bool, error) {
	dir := filepath.Join(p.Dir, Trust)
	if _, err := os.Stat(dir); err == nil {
		f, err := grants.Read(dir)
		if err != nil {
			return nil, ownca.Pair{}, false, fmt.Errorf("%w. Restore %s from its backup", err, dir)
		}
		if f.Root == nil || f.Signers[grants.Gateway] == nil {
			return nil, ownca.Pair{}, false, fmt.Errorf("%s has not all keys: restore it from its backup", dir)
		}
		ca, err := readPair(dir, "ca")
		return f, ca, false, err
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, ownca.Pair{}, false, err
	}
	f, err := grants.Make(p.Name)
	if err != nil {
		return nil, ownca.Pair{}, false, err
	}
	ca, err := ownca.Make(p.Name+" fleet", p.Now)
	if err != nil {
		return nil, ownca.Pair{}, false, err
	}
	draft, err := os.MkdirTemp(p.Dir, ".trust-")
	if err != nil {
		return nil, ownca.Pair{}, false, err
	}
	err = errors.Join(f.Write(draft), grants.Keep(filepath.Join(draft, "ca.crt"), ca.Cert),
		grants.Keep(filepath.Join(draft, "ca.key"), ca.Key))
	if err != nil {
		return nil, ownca.Pair{}, false, errors.Join(err, os.RemoveAll(draft))
	}
	return f, ca, true, os.Rename(draft, dir)
}

const pairMax = 64 << 10

func readPair(dir, name string) (p ownca.Pair, err error) {
	for file, to := range map[string]*[]byte{name + ".crt": &p.Cert, name + ".key": &p.Key} {
		b, _, err := plainfile.Read(filepath.Join(dir, file), pairMax)
		if err != nil {
			return p, err
		}
		*to = b
	}
	return p, nil
}

// folder makes one below Dir.
func (p Plan) folder(name string) (string, error) {
	dir := filepath.Join(p.Dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}

// keep writes a file that is not there yet, and says so.
func keep(made *[]string, path string, content func() ([]byte, error)) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	b, err := content()
	if err != nil {
		return err
	}
	*made = append(*made, path)
	return grants.Keep(path, b)
}

// replace writes a file that holds no key, if it would be another one than it is.
func replace(made *[]string, path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	*made = append(*made, path)
	return plainfile.Replace(path, content)
}

// URLs are where kiosks, gateways and hubs find the servers.
func (p Plan) urls() (all []string) {
	for _, host := range p.Servers {
		all = append(all, "tls://"+net.JoinHostPort(host, clientPort))
	}
	if p.Web {
		for _, host := range p.Servers {
			all = append(all, "wss://"+net.JoinHostPort(host, webPort))
		}
	}
	return all
}

func (p Plan) hub(f *grants.Fleet, ca ownca.Pair) (made []string, err error) {
	dir, err := p.folder(Hub)
	if err != nil {
		return nil, err
	}
	for _, name := range grants.HubFiles() {
		if err := keep(&made, filepath.Join(dir, name), func() ([]byte, error) {
			return os.ReadFile(filepath.Join(p.Dir, Trust, name))
		}); err != nil {
			return made, err
		}
	}
	for name, c := range map[string]struct {
		role grants.Role
		user string
	}{"hub.creds": {grants.Hub, "hub-1"}, "system.creds": {grants.System, "system-1"}} {
		if err := keep(&made, filepath.Join(dir, name),
			func() ([]byte, error) { return f.Credentials(c.role, c.user) }); err != nil {
			return made, err
		}
	}
	err = errors.Join(replace(&made, filepath.Join(dir, "ca.crt"), ca.Cert),
		replace(&made, filepath.Join(dir, ServersFile), []byte(strings.Join(p.urls(), "\n")+"\n")))
	if err != nil || len(p.Hubs) == 0 {
		return made, err
	}
	return made, p.certificate(&made, dir, p.Hubs, ca, false)
}

func (p Plan) gateways(f *grants.Fleet, ca ownca.Pair) (made []string, err error) {
	dir, err := p.folder(Gateway)
	if err != nil {
		return nil, err
	}
	for _, name := range p.Gateways {
		if err := keep(&made, filepath.Join(dir, name+".creds"),
			func() ([]byte, error) { return f.Credentials(grants.Gateway, name) }); err != nil {
			return made, err
		}
	}
	return made, errors.Join(replace(&made, filepath.Join(dir, "ca.crt"), ca.Cert),
		replace(&made, filepath.Join(dir, ServersFile), []byte(strings.Join(p.urls(), "\n")+"\n")))
}

func (p Plan) servers(f *grants.Fleet, ca ownca.Pair) (made []string, err error) {
	var peers []string
	for _, host := range p.Servers {
		peers = append(peers, net.JoinHostPort(host, clusterPort))
	}
	for _, host := range p.Servers {
		dir, err := p.folder("server-" + host)
		if err != nil {
			return made, err
		}
		s := grants.Server{
			Name: host, Listen: "0.0.0.0:" + clientPort, Monitor: monitor, Store: p.Store,
			Cert: p.Etc + "/tls.crt", Key: p.Etc + "/tls.key", CA: p.Etc + "/ca.crt",
		}
		if len(p.Servers) > 1 {
			s.Cluster, s.Peers = "0.0.0.0:"+clusterPort, peers
		}
		if p.Web {
			s.WebSocket = "0.0.0.0:" + webPort
		}
		config, err := f.Config(s)
		if err != nil {
			return made, err
		}
		err = errors.Join(replace(&made, filepath.Join(dir, "nats.conf"), []byte(config)),
			replace(&made, filepath.Join(dir, "ca.crt"), ca.Cert),
			p.certificate(&made, dir, []string{host}, ca, true))
		if err != nil {
			return made, err
		}
	}
	return made, nil
}

// certificate makes one for these names, unless it is there and good for them.
func (p Plan) certificate(made *[]string, dir string, names []string, ca ownca.Pair, peer bool) error {
	if old, err := readPair(dir, "tls"); err == nil && !p.Renew && ca.Good(old, names, p.Now) {
		return nil
	}
	pair, err := ca.Server(names, peer, p.Now)
	if err != nil {
		return err
	}
	*made = append(*made, filepath.Join(dir, "tls.crt"))
	return errors.Join(plainfile.Replace(filepath.Join(dir, "tls.key"), pair.Key),
		plainfile.Replace(filepath.Join(dir, "tls.crt"), pair.Cert))
}
