package fleet

import (
	"context"
	"path/filepath"
	"syscall"

	"kioskd/internal/proof/broker"
)

// Part is something of a fleet that can be killed, frozen and started again.
type Part struct {
	Name   string
	Host   *Host // nil: it cannot be cut off
	Kill   func()
	Freeze func()
	Thaw   func()
	Start  func(context.Context) error
}

// Parts are all that there are two or more of, or that the others can do without for a while: brokers, hubs, gateways
// and the database.
func (f *Fleet) Parts() (all []Part) {
	for n, s := range f.Brokers.Servers {
		p := ofBroker(s)
		if f.Options.Hosts {
			p.Host = f.hosts[n]
		}
		all = append(all, p)
	}
	for _, p := range append(append([]*Process(nil), f.Hubs...), f.Gates...) {
		all = append(all, p.part())
	}
	return append(all, Part{Name: "PostgreSQL", Kill: f.Database.Kill, Start: f.Database.Start,
		Freeze: func() { _ = f.Database.Signal(syscall.SIGSTOP) },
		Thaw:   func() { _ = f.Database.Signal(syscall.SIGCONT) }})
}

func (p *Process) part() Part {
	return Part{Name: p.Name, Host: p.Host, Kill: p.Kill, Freeze: p.Freeze, Thaw: p.Thaw,
		Start: func(context.Context) error { return p.Start() }}
}

func ofBroker(s *broker.Server) Part {
	return Part{Name: filepath.Base(s.Dir), Kill: s.Kill, Start: s.Start,
		Freeze: func() { _ = s.Signal(syscall.SIGSTOP) }, Thaw: func() { _ = s.Signal(syscall.SIGCONT) }}
}
