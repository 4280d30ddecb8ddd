package ups

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// How long and how much one connection may take. A createPurchase that is sent at once is answered within answerWithinMax of
// its headers; a sender who is slower than these gets no answer.
const (
	headerWithin = 3 * time.Second  // a few hundred bytes, over any line
	readWithin   = 5 * time.Second  // headers and body; leaves the kiosk four seconds of its nine at the worst
	writeWithin  = 15 * time.Second // from the headers to the answer's last byte: thinking, and a slow line back
	idleWithin   = 30 * time.Second // between requests
	headerMax    = 16 << 10         // bytes; proxies add some
	connsMax     = 128              // connections at once: about 20 KiB and a file descriptor each, which the sale also needs
)

// Server is an http.Server for the handler with every limit set and no address: the caller listens, with TLS or without, sets
// ErrorLog, and shuts it down. It speaks HTTP/1 only, which is all Glase needs and what the limits are measured for. A
// connection beyond the bound is closed at once.
func Server(h http.Handler) *http.Server {
	var http1 http.Protocols
	http1.SetHTTP1(true)
	var open atomic.Int32
	return &http.Server{
		Handler:           h,
		Protocols:         &http1,
		ReadHeaderTimeout: headerWithin,
		ReadTimeout:       readWithin,
		WriteTimeout:      writeWithin,
		IdleTimeout:       idleWithin,
		MaxHeaderBytes:    headerMax,
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
}
