package debug

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// How long and how much one connection may take.
const (
	headerWithin = 5 * time.Second  // a technician's laptop on the machine's own network
	bodyWithin   = 10 * time.Second // headers and body
	readWithin   = 5 * time.Second  // the journal's answer; a slow SD card needs a tenth of it
	// from the headers to the answer's last byte; a stream of events has its own, see events.go
	writeWithin = 30 * time.Second
	idleWithin  = 60 * time.Second // between requests: a Prometheus asks each 15 to 60 s
	headerMax   = 16 << 10         // bytes
	connsMax    = 64               // connections at once, followers of events included
)

// stoppingKey is the request context's key of a context that ends when the server is being shut down.
type stoppingKey struct{}

// Server is an http.Server for the port with every limit set and no address: the caller listens, with TLS or without,
// sets ErrorLog, and shuts it down, which ends the streams of events. A connection beyond the bound is closed at once.
func Server(h http.Handler) *http.Server {
	stopping, stop := context.WithCancel(context.Background())
	var http1 http.Protocols
	http1.SetHTTP1(true) // a bound on connections is a bound on requests
	var open atomic.Int32
	s := &http.Server{
		Handler:           h,
		Protocols:         &http1,
		ReadHeaderTimeout: headerWithin,
		ReadTimeout:       bodyWithin,
		WriteTimeout:      writeWithin,
		IdleTimeout:       idleWithin,
		MaxHeaderBytes:    headerMax,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), stoppingKey{}, stopping)
		},
		ConnState: func(c net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				if open.Add(1) > connsMax {
					_ = c.Close() // its goroutine finds it closed and reports StateClosed
				}
			case http.StateClosed, http.StateHijacked:
				open.Add(-1)
			}
		},
	}
	s.RegisterOnShutdown(stop)
	return s
}
