package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/cert"
	"kioskd/internal/hub/admit"
	"kioskd/internal/hub/settings"
	"kioskd/internal/hub/setup"
	"kioskd/internal/hub/store"
)

// admitting are the parts of a hub that let machines in and shut them out; none without a trust folder.
func admitting(cfg settings.Settings, s *store.Store, log zerolog.Logger) ([]job, error) {
	if cfg.Trust == "" {
		return nil, nil
	}
	folder, err := setup.OpenHub(cfg.Trust)
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	keeper := admit.NewKeeper(s, folder.Trust, folder.DialSystem, log)
	jobs := []job{func(ctx context.Context) error { keeper.Run(ctx); return nil }}
	if cfg.Enroll.Listen == "" {
		return jobs, nil
	}
	door := admit.Door{Listen: cfg.Enroll.Listen, BehindProxy: cfg.Enroll.BehindProxy}
	if cfg.Enroll.TLSCert != "" {
		served, err := cert.New("[enroll] tls_cert", cert.Files{Cert: cfg.Enroll.TLSCert, Key: cfg.Enroll.TLSKey},
			time.Now, log)
		if err != nil {
			return nil, fmt.Errorf("[enroll] tls_cert: %w: kioskhub init --hub NAME makes one", err)
		}
		door.TLS = served.Config()
	}
	desk := &admit.Desk{Store: s, Trust: folder.Trust, Servers: folder.Servers, CA: folder.CA, Caller: door.Caller,
		Now: time.Now, Shut: keeper.Kick, Log: log}
	if err := desk.Open(); err != nil {
		return nil, err
	}
	l, err := door.Open()
	if err != nil {
		return nil, err
	}
	return append(jobs, func(ctx context.Context) error { return door.Serve(ctx, l, desk) }), nil
}
