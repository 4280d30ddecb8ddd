package fleet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"kioskd/internal/fleet/grants"
)

// startGates starts the gateways, and waits until each has a broker.
func (f *Fleet) startGates(ctx context.Context) error {
	f.Say("%d kioskgate", f.Options.Gates)
	for n := range f.Options.Gates {
		name := fmt.Sprintf("gate-%d", n+1)
		h, err := f.host(fmt.Sprintf("gate%d", n+1))
		if err != nil {
			return err
		}
		dir, at := filepath.Join(f.Dir, name), f.at(h)
		credentials, err := f.credentials(dir, grants.Gateway, name)
		if err != nil {
			return err
		}
		config := filepath.Join(dir, "kioskgate.toml")
		text := fmt.Sprintf("listen = %q\nbehind_proxy = true\nservers = [\"%s\"]\ncredentials = %q\nca = %q\n"+
			"per_address = 0\nper_kiosk = 0\ndrain = \"1s\"\n", at, strings.Join(f.servers(), `", "`), credentials,
			f.Brokers.CA)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return err
		}
		g := &Process{Name: name, Dir: dir, Program: filepath.Join(f.Bin, "kioskgate"), Host: h,
			Args: []string{"run", "--config", config}}
		f.Gates, f.GateAt = append(f.Gates, g), append(f.GateAt, "http://"+at)
		if err := g.Start(); err != nil {
			return err
		}
		if err := g.Ready(ctx, startWithin, "its health", func() bool {
			return healthy(ctx, http.DefaultClient, "http://"+at)
		}); err != nil {
			return err
		}
	}
	return nil
}

// servers are the brokers' addresses.
func (f *Fleet) servers() []string { return strings.Split(f.Brokers.URLs(), ",") }

func healthy(ctx context.Context, c *http.Client, base string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
	if err != nil {
		return false
	}
	answer, err := c.Do(r)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

const haproxy = "haproxy"

// startBalancer starts the load balancer, which ends TLS.
func (f *Fleet) startBalancer(ctx context.Context) error {
	f.Say("haproxy")
	program, err := exec.LookPath(haproxy)
	if err != nil {
		return fmt.Errorf("haproxy is not on this machine: apt-get install haproxy: %w", err)
	}
	dir, at := filepath.Join(f.Dir, haproxy), f.ports.free()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	cert, key, err := f.Brokers.Certificate(dir)
	if err != nil {
		return err
	}
	var pem []byte
	for _, file := range []string{cert, key} {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		pem = append(pem, text...)
	}
	both, config := filepath.Join(dir, "both.pem"), filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(both, pem, 0o600); err != nil {
		return err
	}
	var gates []string
	for _, g := range f.GateAt {
		gates = append(gates, strings.TrimPrefix(g, "http://"))
	}
	if err := os.WriteFile(config, []byte(balancerConfig(at, both, gates)), 0o600); err != nil {
		return err
	}
	f.Public = "https://" + at
	f.Balancer = &Process{Name: haproxy, Dir: dir, Program: program, Args: []string{"-db", "-f", config}}
	if err := f.Balancer.Start(); err != nil {
		return err
	}
	ca, err := os.ReadFile(f.Brokers.CA)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	return f.Balancer.Ready(ctx, startWithin, "its way to a gateway", func() bool {
		return healthy(ctx, client, f.Public)
	})
}

// startGlase starts Glase, to which every kiosk is at the public address.
func (f *Fleet) startGlase(ctx context.Context) error {
	f.Say("glasesim")
	at := strings.TrimPrefix(f.Phone.Glase, "http://")
	// it trusts who made the load balancer's certificate
	f.glase = &Process{Name: "glasesim", Dir: filepath.Join(f.Dir, "glase"), Program: filepath.Join(f.Bin, "glasesim"),
		Args: []string{"--listen", at}, Env: []string{"SSL_CERT_FILE=" + f.Brokers.CA}}
	for _, k := range f.Machines {
		f.glase.Args = append(f.glase.Args, "--ups", k.ID+"="+k.public+"/createPurchase")
	}
	if err := f.glase.Start(); err != nil {
		return err
	}
	return f.glase.Ready(ctx, startWithin, "its ledger", func() bool {
		_, err := f.Phone.Ledger(ctx)
		return err == nil
	})
}

// kioskID is the id of a real kiosk, from 0.
func kioskID(n int) string { return fmt.Sprintf("K%02d", n+1) }

// startAtOnce is how many kiosks start at the same time.
const startAtOnce = 4

// makeKiosks writes what each kiosk needs, and starts none.
func (f *Fleet) makeKiosks(context.Context) error {
	f.Phone.Glase = "http://" + f.ports.free()
	for n := range f.Options.Kiosks {
		id := kioskID(n)
		dir := filepath.Join(f.Dir, id)
		plan := kioskPlan{ID: id, Name: fmt.Sprintf("Kiosk %d", n+1), Glase: f.Phone.Glase,
			Servers: f.servers(), Public: f.Public + "/k/" + id}
		plan.Listen, plan.Debug = f.ports.free(), f.ports.free()
		if n < f.Options.Direct {
			plan.Public = "http://" + plan.Listen
		}
		k, err := newKiosk(f.Bin, dir, plan)
		if err != nil {
			return err
		}
		f.Machines = append(f.Machines, k)
	}
	return nil
}

// startKiosks makes each kiosk a terminal, and waits until it sells.
func (f *Fleet) startKiosks(ctx context.Context) error {
	f.Say("%d kioskd, each with a board, a code to enroll with, and a terminal of its own", f.Options.Kiosks)
	return f.each(startAtOnce, func(k *Kiosk) error {
		if err := k.enroll(ctx, f); err != nil {
			return err
		}
		if err := k.register(ctx); err != nil {
			return err
		}
		return k.startWhole(ctx, startWithin)
	})
}

// each does something with every kiosk, so many at the same time, and gives the first error.
func (f *Fleet) each(atOnce int, do func(*Kiosk) error) error {
	var work sync.WaitGroup
	errs := make(chan error, len(f.Machines))
	room := make(chan struct{}, atOnce)
	for _, k := range f.Machines {
		room <- struct{}{}
		work.Go(func() {
			defer func() { <-room }()
			if err := do(k); err != nil {
				errs <- err
			}
		})
	}
	work.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}
