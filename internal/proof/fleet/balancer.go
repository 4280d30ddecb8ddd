package fleet

import (
	"fmt"
	"strings"
)

// balancerConfig is haproxy's, in front of gateways: whoever of them answers /healthz gets requests, in turns. It ends
// TLS with the certificate and key in the file pem, and says to the gateways whose request it is. A request that no
// gateway took is given to another one; one that a gateway took is not, since nobody knows what became of it.
func balancerConfig(listen, pem string, gates []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `global
  maxconn 4096
defaults
  mode http
  option redispatch
  option forwardfor
  option http-server-close
  retries 3
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout check 1s
frontend public
  bind %s ssl crt %s
  default_backend gates
backend gates
  balance roundrobin
  option httpchk GET /healthz
  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
`, listen, pem)
	for i, g := range gates {
		fmt.Fprintf(&b, "  server gate%d %s check\n", i+1, g)
	}
	return b.String()
}
