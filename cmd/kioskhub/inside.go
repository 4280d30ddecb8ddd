package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// inside is the port for Prometheus and for who asks whether the hub is well. It is never for the outside.
type inside struct {
	l    net.Listener
	mux  *http.ServeMux
	line *line
}

// healthWithin bounds what /healthz waits for the database.
const healthWithin = 3 * time.Second

func newInside(listen string, figures []func(io.Writer), l *line) (*inside, error) {
	at, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	i := &inside{l: at, mux: http.NewServeMux(), line: l}
	i.mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		for _, write := range figures {
			write(w)
		}
	})
	i.mux.HandleFunc("GET /healthz", i.health)
	return i, nil
}

func (i *inside) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthWithin)
	defer cancel()
	wrong := i.line.wrong(ctx)
	if len(wrong) == 0 {
		io.WriteString(w, "ok\n")
		return
	}
	http.Error(w, strings.Join(wrong, "\n"), http.StatusServiceUnavailable)
}

func (i *inside) run(ctx context.Context) error {
	s := &http.Server{Handler: i.mux, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute}
	context.AfterFunc(ctx, func() { s.Close() })
	if err := s.Serve(i.l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}
