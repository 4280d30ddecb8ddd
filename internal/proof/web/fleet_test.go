package web

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// fleet is nats-server and a hub on SQLite, each a process; the kiosks and their gateways come one by one.
type fleet struct {
	t            *testing.T
	bin, dir     string
	broker, desk string // addresses
}

// TestAFleetInABrowser is one fleet, and all who look at it.
func TestAFleetInABrowser(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	t.Run("Customer", func(t *testing.T) {
		t.Parallel()
		testCustomers(t, f)
	})
	t.Run("Desk", func(t *testing.T) {
		t.Parallel()
		testDesk(t, f)
	})
}

const (
	operator = "anna"
	password = "a fleet of kiosks"
)

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, bin: programs(t), dir: t.TempDir(), broker: free(t), desk: free(t)}
	start(t, filepath.Join(f.bin, "nats-server"), "-c", f.write("nats.conf",
		fmt.Sprintf("listen: %q\njetstream { store_dir: %q }\n", f.broker, f.dir)))
	listens(t, f.broker)
	users := filepath.Join(f.dir, "users.json")
	for name, role := range map[string]string{operator: "operate", "lisa": "look"} {
		c := exec.Command(filepath.Join(f.bin, "kioskhub"), "user", "add", name, "--role", role, "--users", users)
		c.Stdin = strings.NewReader(password + "\n")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	config := f.write("kioskhub.toml", fmt.Sprintf(`database = "sqlite://%s/hub.db"
servers = ["nats://%s"]
replicas = 1
[desk]
listen = %q
public_url = "http://%s"
timezone = "Europe/Stockholm"
language = "en"
users = "users.json"
`, f.dir, f.broker, f.desk, f.desk))
	migrate := exec.Command(filepath.Join(f.bin, "kioskhub"), "migrate", "--config", config)
	if out, err := migrate.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	start(t, filepath.Join(f.bin, "kioskhub"), "run", "--config", config)
	listens(t, f.desk)
	return f
}

func (f *fleet) write(name, text string) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// listens waits until somebody does, at an address.
func listens(t *testing.T, address string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("nobody listens at %s: %v", address, err)
		}
	}
}

// remote is a kiosk of the fleet that sells on its page, with a Glase and a gateway of its own: both may be ended.
type remote struct {
	shop
	f                *fleet
	id, at           string // its name, and the gateway's address
	kiosk, gate      *process
	config, gateFile string
}

// kiosk starts one, and waits until it can be reached through the gateway.
func (f *fleet) kiosk(t *testing.T, id string) *remote {
	t.Helper()
	r := &remote{shop: shop{t: t}, f: f, id: id, at: free(t)}
	debug := free(t)
	r.debug = "http://" + debug
	glase := start(t, filepath.Join(f.bin, "glasesim"), "--listen", "127.0.0.1:0")
	r.glase = "http://" + strings.TrimPrefix(glase.said(t, `listening on (\S+)`), "http://")
	dir := t.TempDir()
	example, err := exec.Command(filepath.Join(f.bin, "kioskd"), "check", "--example").Output()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("http://127.0.0.1:8080", r.glase, `token = "123456"`, fmt.Sprintf("token = %q", id),
		`name = "Lobby"`, fmt.Sprintf("name = %q", "Lobby of "+id),
		"http://127.0.0.1:8082/seqr", "http://"+r.at+"/k/"+id, `path_prefix = "/seqr"`, "behind_proxy = true",
		`listen = "127.0.0.1:8082"`, "", "127.0.0.1:8081", debug,
		"/var/lib/kioskd", dir, "/run/kioskd", dir, `driver = "terminal"`, `driver = "none"`,
		`driver = "sim"`, "driver = \"sim\"\ndevice = \""+dir+"/board\"", `flow = "reservation"`, `flow = "web"`,
		"#servers = [\"tls://fleet", "servers = [\"nats://"+f.broker+"\"]\n#").Replace(string(example))
	text = regexp.MustCompile(`(?m)^pin_timeout = .*`).ReplaceAllString(text, `pin_timeout = "5m"`)
	r.config = filepath.Join(dir, "kioskd.toml")
	for file, body := range map[string]string{r.config: text, filepath.Join(dir, "glase.password"): "12345678"} {
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, filepath.Join(f.bin, "kioskd"), "sim-board", "--config", r.config).said(t, "the board is at")
	r.gateFile = f.write(id+".gate.toml", fmt.Sprintf("listen = %q\nbehind_proxy = true\nservers = [\"nats://%s\"]\n"+
		"drain = \"0s\"\n", r.at, f.broker))
	r.open()
	r.begin()
	return r
}

// begin starts kioskd, for the first time or again.
func (r *remote) begin() {
	r.t.Helper()
	r.kiosk = start(r.t, filepath.Join(r.f.bin, "kioskd"), "run", "--config", r.config)
	r.kiosk.said(r.t, "kioskd starts")
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		status := 0
		if res, err := http.Get("http://" + r.at + "/k/" + r.id + "/s/page.css"); err == nil {
			res.Body.Close()
			status = res.StatusCode
		}
		if status == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("through the gateway: %d", status)
		}
	}
}

// open starts the gateway, for the first time or again.
func (r *remote) open() {
	r.t.Helper()
	r.gate = start(r.t, filepath.Join(r.f.bin, "kioskgate"), "run", "--config", r.gateFile)
	listens(r.t, r.at)
}
