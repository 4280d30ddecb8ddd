package fleet

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"kioskd/internal/fleet/grants"
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
	config := filepath.Join(dir, "kioskhub.toml")
	err = os.WriteFile(config, []byte(f.hubConfig(f.dsn(), credentials, inside, page, users)), 0o600)
	return &Process{Name: name, Dir: dir, Program: filepath.Join(f.Bin, "kioskhub"), Host: h,
		Args: []string{"run", "--config", config}}, "http://" + inside, err
}

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

// migrate makes the database's tables.
func (f *Fleet) migrate(ctx context.Context, dir string) error {
	// from here, where the database is by its own address, which need not be the hubs'
	config := filepath.Join(dir, "migrate.toml")
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
