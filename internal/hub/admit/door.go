package admit

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"kioskd/internal/fleet/enrol"
)

// Bounds of a connection of a machine that enrols.
const (
	headersWithin = 10 * time.Second
	wholeWithin   = 30 * time.Second
	headersMax    = 8 << 10 // bytes
)

// Door is where machines come that are to be let in.
type Door struct {
	Listen      string
	TLS         *tls.Config // nil: a proxy ends the TLS
	BehindProxy bool        // and adds the caller to X-Forwarded-For
}

// Caller is who asks. Behind a proxy it is the last one that X-Forwarded-For names: those before it are whatever the
// caller claimed.
func (d Door) Caller(r *http.Request) netip.Addr {
	if all := r.Header.Values("X-Forwarded-For"); d.BehindProxy && len(all) > 0 {
		list := strings.Split(all[len(all)-1], ",")
		if a, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
			return a
		}
	}
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr()
}

// Open begins to listen.
func (d Door) Open() (net.Listener, error) {
	l, err := net.Listen("tcp", d.Listen)
	if err != nil {
		return nil, fmt.Errorf("[enroll] listen: %w", err)
	}
	if d.TLS != nil {
		l = tls.NewListener(l, d.TLS)
	}
	return l, nil
}

// Serve answers at it until ctx ends.
func (d Door) Serve(ctx context.Context, l net.Listener, desk http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle(enrol.Path, desk)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: headersWithin, ReadTimeout: wholeWithin,
		WriteTimeout: wholeWithin, IdleTimeout: wholeWithin, MaxHeaderBytes: headersMax,
		ErrorLog: log.New(io.Discard, "", 0)} // strangers' broken handshakes
	stopped := context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), headersWithin)
		defer cancel()
		if s.Shutdown(end) != nil {
			s.Close()
		}
	})
	defer stopped()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("[enroll]: %w", err)
	}
	return nil
}
