package fleet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/proof/broker"
	"kioskd/internal/proof/postgres"
)

// Options say what a fleet is made of.
type Options struct {
	Bin  string // the folder of kioskd, kioskgate, kioskhub and glasesim
	NATS string // nats-server, as broker.Build makes it
	Dir  string // where everything is written; it must be there

	Brokers, Gates, Hubs int
	Kiosks               int // real ones, with boards, and Glase and a load balancer before them
	Direct               int // so many of them Glase finds at their own addresses; the others through the gateways
	// Hosts puts each broker, gateway and hub on a host of its own: only in an OwnNetwork, after Switch.
	Hosts bool
	Say   func(format string, args ...any) // told what is going on; nil: nobody is
}

const (
	startWithin = 60 * time.Second // for a program to answer on a machine that starts very many
	endWithin   = 10 * time.Second
	settleIn    = 25 * time.Second // kioskd settles an open sale for at most 20 s
)

// Fleet is a whole fleet.
type Fleet struct {
	Options
	Phone    Phone // Glase, and whoever buys
	Brokers  *broker.Fleet
	Database *postgres.Server
	Hubs     []*Process
	Gates    []*Process
	Balancer *Process
	Machines []*Kiosk

	Public string   // the address at which Glase and the customers' phones find all kiosks
	GateAt []string // the gateways' own addresses
	PageAt []string // the hubs' pages
	// EnrollAt are the hubs' ports for machines that enroll.
	EnrollAt []string

	glase *Process
	door  *door // through which hosts reach the database
	hosts []*Host
	ports ports
}

// Start starts a fleet, from its brokers to its kiosks. End what it gives, also after an error.
func Start(ctx context.Context, o Options) (*Fleet, error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	f := &Fleet{Options: o}
	for _, step := range []func(context.Context) error{f.startDatabase, f.startBrokers, f.startHubs, f.startGates} {
		if err := step(ctx); err != nil {
			return f, err
		}
	}
	if o.Kiosks == 0 {
		return f, nil
	}
	for _, step := range []func(context.Context) error{f.startBalancer, f.makeKiosks, f.startGlase,
		f.startKiosks} {
		if err := step(ctx); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *Fleet) startDatabase(ctx context.Context) (err error) {
	f.Say("PostgreSQL")
	if f.Database, err = postgres.Make(ctx, filepath.Join(f.Dir, "postgres")); err != nil || !f.Hosts {
		return err
	}
	f.door, err = openDoor(Here, f.Database.Address)
	return err
}

// dsn is how a hub finds the database.
func (f *Fleet) dsn() string {
	if f.door == nil {
		return f.Database.DSN()
	}
	return strings.Replace(f.Database.DSN(), f.Database.Address, f.door.address, 1)
}

func (f *Fleet) startBrokers(ctx context.Context) (err error) {
	f.Say("%d nats-servers", f.Options.Brokers)
	if f.Brokers, err = broker.NewFleet(f.Dir, f.NATS, f.Options.Brokers); err != nil {
		return err
	}
	for n := range f.Brokers.Servers {
		h, err := f.host(fmt.Sprintf("broker%d", n+1))
		if err != nil {
			return err
		}
		if h == nil {
			continue
		}
		program := filepath.Join(f.Brokers.Servers[n].Dir, "nats-server") // on that host
		text := fmt.Sprintf("#!/bin/sh\nexec ip netns exec %s %s \"$@\"\n", h.Name, f.NATS)
		if err := os.WriteFile(program, []byte(text), 0o700); err != nil {
			return err
		}
		if err := f.Brokers.Move(n, h.Address, program); err != nil {
			return err
		}
	}
	return f.Brokers.Start(ctx)
}

// host makes a host; nil: all is on this one.
func (f *Fleet) host(name string) (*Host, error) {
	if !f.Hosts {
		return nil, nil
	}
	h, err := NewHost(name, 11+len(f.hosts))
	f.hosts = append(f.hosts, h)
	return h, err
}

// at is an address on a host.
func (f *Fleet) at(h *Host) string {
	address := f.ports.free()
	if h != nil {
		address = strings.Replace(address, "127.0.0.1", h.Address, 1)
	}
	return address
}

// credentials writes a user's credentials into a process's folder.
func (f *Fleet) credentials(dir string, role grants.Role, name string) (string, error) {
	text, err := f.Brokers.Trust.Credentials(role, name)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "fleet.creds")
	return file, os.WriteFile(file, text, 0o600)
}

// End ends everything, the kiosks first, which settle their sales. Once hurry is closed it kills. It returns when all
// processes are gone.
func (f *Fleet) End(hurry <-chan struct{}) {
	var work sync.WaitGroup
	for _, k := range f.Machines {
		work.Go(func() {
			k.End(settleIn, hurry)
			k.Board.End(endWithin, hurry)
		})
	}
	work.Wait()
	for _, p := range append(append(append([]*Process{f.Balancer}, f.Gates...), f.Hubs...), f.glase) {
		if p != nil {
			p.End(endWithin, hurry)
		}
	}
	if f.Brokers != nil {
		for _, s := range f.Brokers.Servers {
			s.Kill()
		}
	}
	if f.Database != nil {
		f.Database.Kill()
	}
	if f.door != nil {
		f.door.close()
	}
}
