// Package desk builds the operator's desk from its config: the page, who may see it, and what is watched.
package desk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	_ "time/tzdata" // a small server may have no zones

	"kioskd/internal/cert"
	"kioskd/internal/fleet/authority"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/page"
	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/hub/watch"
)

// Config is the section [desk] of a hub's config.
type Config struct {
	Listen string `toml:"listen"` // address and port of the page; "": there is none
	// PEM; both or neither: without them the page is plain HTTP, on this machine alone or behind a proxy
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`

	// the address that people use, as in https://hub.example.org; http only on this machine itself
	PublicURL   string      `toml:"public_url"`
	BehindProxy bool        `toml:"behind_proxy"` // a proxy adds the caller's address to X-Forwarded-For
	Users       string      `toml:"users"`        // the file of users, as kioskhub user writes it; "": none
	OIDC        people.OIDC `toml:"oidc"`
	// the file of the fleet's key that commands are certified with, authority.nk; "": none is given here
	Authority string `toml:"authority"`

	Timezone string `toml:"timezone"` // the operator's, as in "Europe/Stockholm"
	Language string `toml:"language"` // how amounts are written: "en", "sv", …
}

// Parts are what a desk needs besides.
type Parts struct {
	Store *store.Store
	Now   func() time.Time // nil: time.Now
	Log   zerolog.Logger
	More  []page.Route // of other parts of the hub
	// gives commands over the connection that there is, nil: there is none; needed when the config has an authority
	Office func() *office.Office
}

// Desk is a desk that is ready to run.
type Desk struct {
	cfg   Config
	parts Parts
	watch *watch.Watch
	page  http.Handler
	cert  *cert.Server // nil: plain HTTP
}

// New checks the config and opens what it names. It does not listen yet.
func New(c Config, p Parts) (*Desk, error) {
	if p.Now == nil {
		p.Now = time.Now
	}
	d := &Desk{cfg: c, parts: p}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil || c.Timezone == "" {
		return nil, fmt.Errorf("[desk] timezone: %q is none: say it as in \"Europe/Stockholm\"", c.Timezone)
	}
	if c.Language == "" {
		c.Language = "en"
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("[desk] listen: %q is no address with a port, as in \"127.0.0.1:8090\"", c.Listen)
	}
	switch here := net.ParseIP(host); {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return nil, errors.New("[desk] tls_cert, tls_key: both or neither")
	case c.TLSCert != "":
		if d.cert, err = cert.New("[desk] tls_cert", cert.Files{Cert: c.TLSCert, Key: c.TLSKey}, p.Now,
			p.Log); err != nil {
			return nil, fmt.Errorf("[desk] tls_cert: %w", err)
		}
	case !c.BehindProxy && host != "localhost" && (here == nil || !here.IsLoopback()):
		return nil, fmt.Errorf("[desk] listen: %s is seen from outside without TLS: give tls_cert and tls_key, or say "+
			"behind_proxy = true when a proxy before it ends the TLS", c.Listen)
	}
	door, err := people.New(people.Config{PublicURL: c.PublicURL, BehindProxy: c.BehindProxy, Users: c.Users,
		OIDC: c.OIDC},
		people.Parts{Sessions: p.Store, Now: p.Now, Log: p.Log})
	if err != nil {
		return nil, fmt.Errorf("[desk] %w", err)
	}
	if c.Authority == "" {
		p.Office = nil
	} else if _, err := authority.Open(c.Authority); err != nil {
		return nil, fmt.Errorf("[desk] authority: %w", err)
	}
	d.watch = watch.New(watch.Config{Store: p.Store, Zone: zone, Now: p.Now, Log: p.Log})
	d.page = page.New(page.Config{Store: p.Store, Watch: d.watch, Door: door, Zone: zone, Language: c.Language,
		Now: p.Now, Log: p.Log, More: p.More, Office: p.Office}).Handler()
	return d, nil
}

// WriteMetrics tells what is known of the fleet, for Prometheus.
func (d *Desk) WriteMetrics(w io.Writer) { d.watch.WriteMetrics(w) }

// ServeHTTP is the page.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.page.ServeHTTP(w, r) }

// Reload reads the certificate again.
func (d *Desk) Reload() error {
	if d.cert == nil {
		return nil
	}
	return d.cert.Reload()
}

// How long and how much one connection may take. An export gives each of its parts writeWithin.
const (
	headerWithin = 5 * time.Second
	bodyWithin   = 10 * time.Second
	writeWithin  = 30 * time.Second
	idleWithin   = 2 * time.Minute
	endWithin    = 5 * time.Second // for requests that are on when it ends
	headerMax    = 16 << 10        // bytes
	connsMax     = 512             // at once; one beyond them is closed
)

// Listen opens the port.
func (d *Desk) Listen() (net.Listener, error) {
	l, err := net.Listen("tcp", d.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("[desk] listen: %w", err)
	}
	if d.cert != nil {
		l = tls.NewListener(l, d.cert.Config())
	}
	return l, nil
}

// Run watches, and serves the page on what Listen opened, until ctx ends.
func (d *Desk) Run(ctx context.Context, l net.Listener) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true) // a bound on connections is a bound on requests
	var open atomic.Int32
	s := &http.Server{Handler: d.page, Protocols: &protocols, ReadHeaderTimeout: headerWithin, ReadTimeout: bodyWithin,
		WriteTimeout: writeWithin, IdleTimeout: idleWithin, MaxHeaderBytes: headerMax, ErrorLog: quiet(d.parts.Log),
		ConnState: func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				if open.Add(1) > connsMax {
					_ = c.Close()
				}
			case http.StateClosed, http.StateHijacked:
				open.Add(-1)
			}
		}}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { d.watch.Run(ctx) })
	done.Go(func() {
		<-ctx.Done()
		end, stop := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
		defer stop()
		if s.Shutdown(end) != nil {
			_ = s.Close()
		}
	})
	err := s.Serve(l)
	cancel()
	done.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("desk: %w", err)
}
