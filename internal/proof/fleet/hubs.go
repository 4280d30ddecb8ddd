package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/hub/setup"
)

// Who may sign in at the operator's page.
const (
	User     = "operator"
	Password = "a fleet of kiosks"
)

// startHubs starts the collectors, which are the operator's desk too, and waits until each has all that it needs.
func (f *Fleet) startHubs(ctx context.Context) error {
	f.Say("%d kioskhub", f.Options.Hubs)
	users := filepath.Join(f.Dir, "users.json")
	if err := f.hub(ctx, Password+"\n", "user", "add", User, "--role", "admin", "--users", users); err != nil {
		return err
	}
	for n := range f.Options.Hubs {
		p, health, err := f.makeHub(n, users)
		if err != nil {
			return err
		}
		if n == 0 {
			if err := f.migrate(ctx, p.Dir); err != nil {
				return err
			}
		}
		f.Hubs = append(f.Hubs, p)
		if err := p.Start(); err != nil {
			return err
		}
		if err := p.Ready(ctx, startWithin, "its health", func() bool {
			return healthy(ctx, http.DefaultClient, health)
		}); err != nil {
			return err
		}
	}
	return nil
}

// makeHub writes what a hub needs, and starts nothing. health is where it says how it is.
func (f *Fleet) makeHub(n int, users string) (p *Process, health string, err error) {
	name := fmt.Sprintf("hub-%d", n+1)
	h, err := f.host(fmt.Sprintf("hub%d", n+1))
	if err != nil {
		return nil, "", err
	}
	dir, inside, page := filepath.Join(f.Dir, name), f.at(h), f.ports.free()
	credentials, err := f.credentials(dir, grants.Hub, name)
	if err != nil {
		return nil, "", err
	}
	f.PageAt = append(f.PageAt, "http://"+page)
	trust, enroll := filepath.Join(dir, "trust"), f.at(h)
	if err := f.trust(trust, h); err != nil {
		return nil, "", err
	}
	f.EnrollAt = append(f.EnrollAt, "https://"+enroll)
	config := filepath.Join(dir, "kioskhub.toml")
	text := fmt.Sprintf("trust = %q\n%sauthority = %q\n[enroll]\nlisten = %q\n", trust,
		f.hubConfig(f.dsn(), credentials, inside, page, users), filepath.Join(trust, "authority.nk"), enroll)
	err = os.WriteFile(config, []byte(text), 0o600)
	return &Process{Name: name, Dir: dir, Program: filepath.Join(f.Bin, "kioskhub"), Host: h,
		Args: []string{"run", "--config", config}}, "http://" + inside, err
}

// hubConfig is a hub's config, which ends in the section of its desk.
func (f *Fleet) hubConfig(database, credentials, inside, page, users string) string {
	replicas := 1
	if f.Options.Brokers >= 3 {
		replicas = 3
	}
	return fmt.Sprintf("database = %q\nservers = [\"%s\"]\ncredentials = %q\nca = %q\nreplicas = %d\nmetrics = %q\n"+
		"[desk]\nlisten = %q\nusers = %q\ntimezone = \"Europe/Stockholm\"\nlanguage = \"en\"\n"+
		"public_url = \"http://%s\"\n",
		database, strings.Join(f.servers(), `", "`), credentials, f.Brokers.CA, replicas, inside, page, users, page)
}

// trust writes the folder with which a hub on a host lets machines in and shuts them out.
func (f *Fleet) trust(dir string, h *Host) error {
	system, err := f.Brokers.Trust.Credentials(grants.System, "system-1")
	if err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(dir, 0o700), f.Brokers.Trust.Write(dir)); err != nil {
		return err
	}
	var names []string
	if h != nil {
		names = append(names, h.Address)
	}
	if _, _, err := f.Brokers.Certificate(dir, names...); err != nil {
		return err
	}
	ca, err := os.ReadFile(f.Brokers.CA)
	return errors.Join(err, grants.Keep(filepath.Join(dir, "system.creds"), system),
		grants.Keep(filepath.Join(dir, "ca.crt"), ca),
		grants.Keep(filepath.Join(dir, setup.ServersFile), []byte(strings.Join(f.servers(), "\n"))))
}

// Enroll is how an operator lets the machine with this token in, from this computer: the command that makes a code,
// with which the machine's kioskd enrolls.
func (f *Fleet) Enroll(token string) []string {
	return []string{filepath.Join(f.Bin, "kioskhub"), "enroll", token, "--config", f.commands()}
}

// commands is the config of the commands that an operator types here, where the database is by its own address, which
// need not be the hubs'.
func (f *Fleet) commands() string { return filepath.Join(f.Dir, "hub-1", "commands.toml") }

// migrate makes the database's tables.
func (f *Fleet) migrate(ctx context.Context, dir string) error {
	config := f.commands()
	text := f.hubConfig(f.Database.DSN(), filepath.Join(dir, "fleet.creds"), "", "127.0.0.1:0", "users.json")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	return f.hub(ctx, "", "migrate", "--config", config)
}

// hub is one of kioskhub's other commands.
func (f *Fleet) hub(ctx context.Context, in string, args ...string) error {
	c := exec.CommandContext(ctx, filepath.Join(f.Bin, "kioskhub"), args...)
	c.Stdin = strings.NewReader(in)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("kioskhub %s: %w: %s", args[0], err, out)
	}
	return nil
}
