package gate

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"kioskd/internal/fleet/protocol"
)

// forwarded is the header in which a proxy says who called it.
const forwarded = "X-Forwarded-For"

// addressOf is who calls. A proxy in front adds the address that it sees to what the caller wrote, so that the last one
// is its own word and all before it anybody's.
func (c Config) addressOf(r *http.Request) netip.Addr {
	if c.BehindProxy {
		said := r.Header.Values(forwarded)
		if len(said) > 0 {
			last := said[len(said)-1]
			if n := strings.LastIndexByte(last, ','); n >= 0 {
				last = last[n+1:]
			}
			if a, ok := address(strings.TrimSpace(last)); ok {
				return a
			}
		}
	}
	a, _ := address(r.RemoteAddr) // of a listener without addresses it is none
	return a
}

// address reads an address, with a port or without.
func address(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		var p netip.AddrPort
		if p, err = netip.ParseAddrPort(s); err != nil {
			return netip.Addr{}, false
		}
		a = p.Addr()
	}
	return a.Unmap().WithZone(""), true
}

// known reports whether a caller is one of those that the config names: by address, or by its certificate.
func (c Config) known(r *http.Request, from netip.Addr) bool {
	listed := len(c.Allow) > 0 && slices.ContainsFunc(c.Allow, func(p netip.Prefix) bool { return p.Contains(from) })
	shown := c.ClientCA != "" && r.TLS != nil && len(r.TLS.VerifiedChains) > 0
	return (len(c.Allow) == 0 || listed) && (c.ClientCA == "" || shown) && (listed || shown)
}

// may reports whether a caller may ask for this kind of thing. A page is for everybody.
func (c Config) may(kind string, known bool) bool {
	return kind == protocol.Page || known || len(c.Allow) == 0 && c.ClientCA == ""
}
