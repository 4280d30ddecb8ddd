package grants

import (
	"fmt"
	"strings"

	"github.com/nats-io/jwt/v2"
)

// Server is one nats-server of a fleet.
type Server struct {
	Name      string   // unique in its cluster
	Listen    string   // host:port for kiosks, gateways and hubs
	WebSocket string   // the same for those whose network passes only 443; "": none
	Monitor   string   // host:port of its own figures, unprotected: this host's; "": none
	Cluster   string   // host:port for the other servers; "": it is alone
	Peers     []string // host:port of those, itself included or not
	Store     string   // its folder for streams and claims
	Cert, Key string   // files of its certificate, for both directions
	CA        string   // file of the certificate that made all of the servers'
}

// syncEvery is how often a server that was away asks the others for claims that it missed: a revocation takes no longer
// to be known to a server that comes back.
const syncEvery = "2s"

// Config is the whole config of a server. Nothing in it is secret.
func (f *Fleet) Config(s Server) (string, error) {
	account, err := f.account(Kiosk)
	if err != nil {
		return "", err
	}
	system, err := f.account(System)
	if err != nil {
		return "", err
	}
	if _, err := jwt.DecodeOperatorClaims(f.Operator); err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("server_name: %q", s.Name)
	line("listen: %q", s.Listen)
	if s.Monitor != "" {
		line("http: %q", s.Monitor)
	}
	line("")
	line("# whom this server trusts. It keeps the claims in its store, and takes newer ones from who may send them.")
	line("operator: %s", f.Operator)
	line("system_account: %s", system.Subject)
	line("resolver: { type: full, dir: %q, allow_delete: false, interval: %q }", s.Store+"/claims", syncEvery)
	line("resolver_preload: {")
	line("  %s: %s", system.Subject, f.System)
	line("  %s: %s", account.Subject, f.Account)
	line("}")
	line("")
	line("# a whole fleet that comes back at once waits its turn: a handshake costs some milliseconds")
	line("tls: { cert_file: %q, key_file: %q, timeout: 30 }", s.Cert, s.Key)
	line("authorization: { timeout: 60 }")
	line("# kiosks ping each 40 s, and who has just been heard is not pinged: idle ones stay below a megabyte a day")
	line("ping_interval: \"60s\"")
	line("ping_max: 2")
	line("jetstream: { store_dir: %q }", s.Store)
	if s.WebSocket != "" {
		line("websocket: { listen: %q, tls: { cert_file: %q, key_file: %q } }", s.WebSocket, s.Cert, s.Key)
	}
	if s.Cluster != "" {
		line("cluster: {")
		line("  name: fleet")
		line("  listen: %q", s.Cluster)
		line("  tls: { cert_file: %q, key_file: %q, ca_file: %q, verify: true, timeout: 10 }", s.Cert, s.Key, s.CA)
		line("  routes: [")
		for _, peer := range s.Peers {
			line("    %q", "nats-route://"+peer)
		}
		line("  ]")
		line("}")
	}
	return b.String(), nil
}
