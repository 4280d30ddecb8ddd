package gate

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/cert"
)

// GCPercent is how much a gateway's heap may grow between two collections: little is alive, and much is thrown away, so
// that collecting less often costs some 20 MB and saves a tenth of the work.
const GCPercent = 400

const (
	headerWithin = 5 * time.Second
	readWithin   = 10 * time.Second // header and body
	answerWithin = 20 * time.Second // to the last byte; a stream has as long for each piece as it needs
	idleWithin   = 75 * time.Second // between requests: longer than load balancers keep a connection
	headerMax    = 16 << 10         // bytes; what goes on to a kiosk is less
	streamsMax   = 32               // of HTTP/2 in one connection
	connsMax     = 8192             // connections at once: some 30 KiB and a file descriptor each
	perCallerMax = 256              // of them from one address that is not in allow; phones share theirs
	endWithin    = 15 * time.Second // for what is under way when the gateway ends
)

// Run serves until ctx ends, and then until what is under way is over. A value of hangups makes the certificate be read
// again at once. ready is told where it listens; nil: nobody wants to know.
func (g *Gate) Run(ctx context.Context, log zerolog.Logger, hangups <-chan os.Signal, ready func(net.Addr)) error {
	l, err := listen("listen", g.c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	front := g.server(log)
	var served *cert.Server
	var in net.Listener = &door{Listener: l, c: g.c, numbers: g.numbers, callers: map[netip.Addr]int{}}
	if g.c.TLSCert != "" {
		served, err = cert.New("tls_cert", g.c.certificate(), time.Now, log)
		if err != nil {
			return fmt.Errorf("tls_cert: %w", err)
		}
		in = tls.NewListener(in, forHTTP2(served.Config()))
	}
	servers, failed := []*http.Server{front}, make(chan error, 2)
	if g.c.Metrics != "" {
		m, err := listen("metrics", g.c.Metrics)
		if err != nil {
			return err
		}
		behind := &http.Server{Handler: g.numbers, ReadTimeout: readWithin, WriteTimeout: answerWithin,
			ErrorLog: front.ErrorLog}
		servers = append(servers, behind)
		go func() { failed <- behind.Serve(m) }()
	}
	var line sync.WaitGroup
	defer line.Wait()
	// what is under way at the end needs the line until it is over
	over, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	line.Go(func() { g.line.run(over) })
	go func() { failed <- front.Serve(in) }()
	if ready != nil {
		ready(l.Addr())
	}
	for {
		select {
		case <-hangups:
			if served == nil {
				continue
			}
			if err := served.Reload(); err != nil {
				log.Error().Err(err).Msg("SIGHUP: the certificate cannot be used, and the old one is served")
				continue
			}
			log.Info().Msg("SIGHUP: the certificate was read again")
		case err = <-failed:
			return errors.Join(err, g.end(servers))
		case <-ctx.Done():
			log.Info().Dur("drain", g.c.Drain).Msg("told to end: /healthz says so")
			g.drain(front)
			return g.end(servers)
		}
	}
}

// drain says at /healthz that the gateway ends, and serves on until load balancers have seen it.
func (g *Gate) drain(front *http.Server) {
	g.draining.Store(true)
	front.SetKeepAlivesEnabled(false)
	time.Sleep(g.c.Drain)
}

// end ends streams, waits for what is under way, and closes.
func (g *Gate) end(servers []*http.Server) error {
	close(g.drained)
	ctx, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, err, s.Close())
		}
	}
	return errors.Join(errs...)
}

// server has every limit set.
func (g *Gate) server(log zerolog.Logger) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Server{
		Handler: g, Protocols: &protocols, ReadHeaderTimeout: headerWithin, ReadTimeout: readWithin,
		WriteTimeout: answerWithin, IdleTimeout: idleWithin, MaxHeaderBytes: headerMax,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: streamsMax},
		ErrorLog: newQuiet(log),
	}
}

// quiet is net/http's own log, at debug: whoever knocks with rubbish must not fill ours with lines.
type quiet struct{ log zerolog.Logger }

func newQuiet(l zerolog.Logger) *log.Logger { return log.New(quiet{l}, "", 0) }

func (q quiet) Write(b []byte) (int, error) {
	q.log.Debug().Msg(string(bytes.TrimSpace(b)))
	return len(b), nil
}

// certificate is where the certificate is. Who shows none is let in: pages are for everybody.
func (c Config) certificate() cert.Files {
	return cert.Files{Cert: c.TLSCert, Key: c.TLSKey, ClientCA: c.ClientCA, ForSome: true}
}

// forHTTP2 offers HTTP/2 with whatever certificate is served.
func forHTTP2(c *tls.Config) *tls.Config {
	var mu sync.Mutex
	var of, with *tls.Config // one for each certificate, or no session would be resumed
	inner := c.GetConfigForClient
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		now, err := inner(hello)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		if of != now {
			of, with = now, now.Clone()
			with.NextProtos = []string{"h2", "http/1.1"}
		}
		return with, nil
	}
	return c
}

func listen(key, at string) (net.Listener, error) {
	l, err := net.Listen("tcp", at)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: %s is in use already: is another kioskgate running? Stop it, or choose another port",
			key, at)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return l, nil
}

// door bounds the connections, and those of one caller.
type door struct {
	net.Listener
	c       Config
	numbers *numbers

	mu      sync.Mutex
	callers map[netip.Addr]int
}

// Accept is what net.Listener says; who is too many is let go.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, _ := address(c.RemoteAddr().String())
		bound := !d.c.BehindProxy &&
			!slices.ContainsFunc(d.c.Allow, func(p netip.Prefix) bool { return p.Contains(from) })
		from = nameOf(from)
		d.mu.Lock()
		full := d.numbers.conns.Load() >= connsMax || bound && d.callers[from] >= perCallerMax
		if !full {
			d.numbers.conns.Add(1)
			d.callers[from]++
		}
		d.mu.Unlock()
		if full {
			_ = c.Close() // nothing was promised
			continue
		}
		return &guest{Conn: c, leave: sync.OnceFunc(func() { d.left(from) })}, nil
	}
}

func (d *door) left(from netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.numbers.conns.Add(-1)
	if d.callers[from]--; d.callers[from] == 0 {
		delete(d.callers, from)
	}
}

// guest is a connection that the door counts.
type guest struct {
	net.Conn
	leave func()
}

// Close is what net.Conn says.
func (g *guest) Close() error {
	g.leave()
	return g.Conn.Close()
}
