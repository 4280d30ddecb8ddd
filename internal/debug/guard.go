package debug

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guard stands before every path. A browser on the technician's laptop must not become a stranger's way to the machine,
// so only a request that was meant for this port is answered:
//
//   - its Host is localhost, a loopback address, the address that it came in at, or one of Config.Hosts. Under any
//     other name a stranger's page may be asking after its name was made to point here (DNS rebinding): 421;
//   - it comes from no other site's page, by the Origin and Sec-Fetch-Site that browsers add: 403;
//   - it brings the token, when there is one, for reading too: 401. Only the page's own files need none;
//   - a POST says that it is JSON, which a page's form cannot: 415.
//
// The technician's page on a phone has sessions and forms instead of the last two.
//
// An answer may be neither kept nor taken for something else than it says, and no page may embed it.
func (p *port) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case !p.knows(r):
			refuse(w, http.StatusMisdirectedRequest,
				"this machine does not go by the name in the address: ask localhost or the machine's own address, or "+
					"allow the name")
		case !sameOrigin(r):
			refuse(w, http.StatusForbidden, "another site's page may not ask this machine")
		case p.Phone != nil && strings.HasPrefix(r.URL.Path, phone):
			next.ServeHTTP(w, r)
		case !isPage(r.URL.Path) && !p.trusts(r):
			h.Set("WWW-Authenticate", `Bearer realm="kioskd"`)
			refuse(w, http.StatusUnauthorized, "the technicians' token is missing or wrong")
		case r.Method == http.MethodPost && !isJSON(r):
			refuse(w, http.StatusUnsupportedMediaType, "the body must be application/json")
		default:
			r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
			next.ServeHTTP(w, r)
		}
	})
}

// hostname is a Host header's name or address in lower case, without its port and brackets.
func hostname(host string) string {
	if name, port, err := net.SplitHostPort(host); err == nil {
		if strings.Trim(port, "0123456789") != "" {
			return "" // no port: "localhost:@attacker" is somebody else's name
		}
		host = name
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return strings.ToLower(host)
}

// knows reports whether the request asks for this machine. An address as the Host is no rebinding, which needs a name;
// it must still be one of ours.
func (p *port) knows(r *http.Request) bool {
	name := hostname(r.Host)
	if name == "localhost" || slices.Contains(p.hosts, name) {
		return true
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	if addr.Unmap().IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.AddrPort().Addr().Unmap().WithZone("") == addr.Unmap().WithZone("")
}

// sameOrigin reports whether the request comes from a page of this port or from no page at all.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	u, err := url.Parse(origins[0])
	return len(origins) == 1 && err == nil && u.Scheme == scheme && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// trusts compares the token in a time that tells nothing about it; hashed, for its length tells too.
func (p *port) trusts(r *http.Request) bool {
	if p.Token == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(p.Token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

func isJSON(r *http.Request) bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && t == "application/json"
}
