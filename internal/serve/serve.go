// Package serve has the kiosk's ports: where the config says that it listens, with which certificates, and who is kept
// out.
package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/cert"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/ups"
)

// shutdownMax is how long answers that are under way may take at the end.
const shutdownMax = 3 * time.Second

// port is a listener and what answers there.
type port struct {
	listener net.Listener
	server   *http.Server
}

// Config is what is served, and where.
type Config struct {
	UPS          config.UPS
	Debug        config.Debug
	Customers    http.Handler // answers at UPS; nil: the machine has no customers' side
	Technicians  http.Handler // answers at Debug's port; nil: the technicians have none, and no socket
	Local        http.Handler // answers at Debug's socket
	Certificates Certificates
	Door         *Door
	Log          zerolog.Logger
}

// Run listens on the config's ports, and serves them while work works, until ctx ends or a listener breaks, which ends
// work. Nothing is done when a port cannot be listened on.
func Run(ctx context.Context, c Config, work func(context.Context) error) (err error) {
	ports, err := c.listen()
	if err != nil {
		return err
	}
	failed := make(chan error, len(ports))
	for _, p := range ports {
		p.server.ErrorLog = log.New(quiet{c.Log}, "", 0)
		go func() { failed <- p.server.Serve(p.listener) }()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	broke := make(chan error, 1)
	go func() {
		select {
		case err := <-failed: // a listener that breaks ends the daemon: systemd starts it anew
			broke <- err
			stop()
		case <-ctx.Done():
			broke <- nil
		}
	}()
	err = work(ctx)
	stop()
	err = errors.Join(err, <-broke)
	ending, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownMax)
	defer done()
	for _, p := range ports {
		if p.server.Shutdown(ending) != nil {
			p.server.Close()
		}
	}
	return err
}

// quiet is net/http's own log, at debug: whoever knocks with rubbish must not fill the card with lines.
type quiet struct{ log zerolog.Logger }

func (q quiet) Write(b []byte) (int, error) {
	q.log.Debug().Msg(string(bytes.TrimSpace(b)))
	return len(b), nil
}

// listen opens all ports, or none.
func (c Config) listen() (ports []port, err error) {
	defer func() {
		if err != nil {
			for _, p := range ports {
				p.listener.Close()
			}
		}
	}()
	if u := c.UPS; c.Customers != nil && u.Listen != "" {
		l, err := listenTCP("[ups] listen", u.Listen, c.Certificates[UPSCert])
		if err != nil {
			return ports, err
		}
		ports = append(ports, port{l, ups.Server(c.Customers, c.Door.callers(u))})
	}
	if c.Technicians == nil {
		return ports, nil
	}
	d := c.Debug
	l, err := listenTCP("[debug] listen", d.Listen, c.Certificates[DebugCert])
	if err != nil {
		return ports, err
	}
	ports = append(ports, port{l, debug.Server(c.Technicians)})
	if d.Socket != "" {
		l, err := listenSocket(d.Socket)
		if err != nil {
			return ports, err
		}
		ports = append(ports, port{l, debug.Server(c.Local)})
	}
	return ports, nil
}

// listenTCP listens with the certificate, or without one.
func listenTCP(key, address string, served *cert.Server) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: %s is in use already: is another kioskd running? Stop it, or choose another port",
			key, address)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if served == nil {
		return l, nil
	}
	return tls.NewListener(l, served.Config()), nil
}

// listenSocket listens on a unix socket for this user and group. A file that a killed daemon left is taken away; one
// that still answers is another daemon's.
func listenSocket(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if c, dialErr := net.Dial("unix", path); dialErr == nil {
			c.Close()
			return nil, fmt.Errorf("[debug] socket: %s is in use already: is another kioskd running?", path)
		}
		if info, statErr := os.Lstat(path); statErr == nil && info.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("[debug] socket: %s is there already and no socket: choose another path", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("[debug] socket: %w", err)
		}
		l, err = net.Listen("unix", path)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("[debug] socket: %s: its folder does not exist: make it, or choose another path", path)
	}
	if err != nil {
		return nil, fmt.Errorf("[debug] socket: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		l.Close()
		return nil, fmt.Errorf("[debug] socket: %w", err)
	}
	return l, nil
}
