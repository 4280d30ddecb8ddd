package glasetest

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"syscall"
)

// InProcess carries requests to a handler without a network, so that client and server can live in one testing/synctest
// bubble. The handler runs to its end whether or not the client still waits, as a server's does; a handler that aborts
// is a closed connection (io.EOF), one that resets is ECONNRESET. Answers are whole before they are seen: nothing
// streams.
func InProcess(h http.Handler) http.RoundTripper { return inProcess{h} }

// Transport carries requests to this Glase in process.
func (g *Glase) Transport() http.RoundTripper { return InProcess(g) }

type inProcess struct{ handler http.Handler }

// RoundTrip hands the request to the handler, which gets a body and a context like a server's.
func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	r := req.Clone(ctx)
	r.Body, r.ContentLength, r.RequestURI, r.RemoteAddr = io.NopCloser(bytes.NewReader(body)), int64(len(body)),
		req.URL.RequestURI(), "127.0.0.1:1"
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	w := &recorder{header: http.Header{}}
	done := make(chan error, 1)
	go func() {
		defer func() {
			switch p := recover(); {
			case p == nil:
				done <- nil
			case p != http.ErrAbortHandler:
				panic(p)
			case w.wasReset:
				done <- syscall.ECONNRESET
			default:
				done <- io.EOF
			}
		}()
		p.handler.ServeHTTP(w, r)
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		return w.response(req), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// recorder is a whole answer.
type recorder struct {
	header   http.Header
	status   int
	sent     http.Header // the header as it was when the status was written
	body     bytes.Buffer
	wasReset bool
}

func (w *recorder) Header() http.Header { return w.header }
func (w *recorder) reset()              { w.wasReset = true }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

func (w *recorder) response(req *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, ContentLength: int64(w.body.Len()),
		Body: io.NopCloser(bytes.NewReader(w.body.Bytes())), Request: req,
	}
}
