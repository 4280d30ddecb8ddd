package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"kioskd/hw/gpio/simboard"
	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/identity"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/port"
	"kioskd/internal/setup"
)

// typedAnswers are what a person types for a simulated machine whose Glase is at an address, up to its only slot's try.
func typedAnswers(glase string) string {
	return strings.Join([]string{
		"sv", "Lobby", "", "", "Call 08-123", // the machine
		glase + "/soap/merchant/cashregister-2", "Bar AB", "", "public_test_shop_terminal", "12345678",
		"", "", "123456", "public_test_shop", "local", "", "", // the way to pay
		"sim", "", "", "1", // the front
		"A1", "Water", "15.00", "8", "25", "", "", "", "", "", "", // the slot
	}, "\n") + "\n"
}

// setupFolder is a folder in which a config, its journal and its socket may be.
func setupFolder(t *testing.T) (dir, file string) {
	dir = t.TempDir()
	return dir, filepath.Join(dir, "kioskd.toml")
}

// TestAMachineIsSetUpAtATerminal: Glase asked, the motor moved, the config right, a test sale made, and the password
// nowhere on the screen.
func TestAMachineIsSetUpAtATerminal(t *testing.T) {
	r := newRig(t)
	sim := r.begin("glasesim", "--listen", strings.TrimPrefix(r.glase, "http://"))
	defer sim.Process.Kill()
	await.Until(t, "Glase is there", func() bool { return len(r.get(r.glase+"/faults")) > 0 })
	dir, file := setupFolder(t)
	term := onTerminal(t, []string{"TMPDIR=" + dir}, "setup", "--config", file)
	script := strings.Split(strings.TrimSuffix(typedAnswers(r.glase), "\n"), "\n")
	script = append(script, "?", "move", "no", "none", "A1")
	for n, line := range script {
		await.Until(t, "the next question, after "+strings.Join(script[:n], "|"), func() bool {
			return strings.HasSuffix(term.said(), ": ") && strings.Count(term.said(), ": ") > n
		})
		before := len(term.said())
		if _, err := term.keyboard.WriteString(line + "\n"); err != nil {
			t.Fatal(err)
		}
		await.Until(t, "it is heard: "+line, func() bool { return len(term.said()) > before+1 })
	}
	said, err := term.end()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{"knows this terminal by its password", "A1: delivered", "is right: 1 slots",
		"the sale is charged: charged 15.00 SEK", "kioskd run --config"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, "12345678") {
		t.Error("the password is on the screen")
	}
	if _, err := config.Load(file, drivers.All()); err != nil {
		t.Error(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 2 { // the config and the password
		t.Errorf("left behind: %v", left)
	}
}

// TestAnInterruptedSetupGoesOnWhereItWas: the end of the input, SIGKILL and Ctrl-C cost no answer, and nothing is
// written before the end.
func TestAnInterruptedSetupGoesOnWhereItWas(t *testing.T) {
	_, file := setupFolder(t)
	type_ := func(text string) (string, error) {
		c := exec.Command(filepath.Join(programs, "kioskd"), "setup", "--config", file)
		c.Stdin = strings.NewReader(text)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := type_("sv\nLobby\n"); err == nil || !strings.Contains(out, "the answers so far are kept") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a config is written: %v", err)
	}
	if out, err := type_("<\nHall\nSEK\n"); err == nil || !strings.Contains(out, "2 answers of an earlier setup") ||
		!strings.Contains(out, "[Lobby]") {
		t.Errorf("%v\n%s", err, out)
	}
	term := onTerminal(t, nil, "setup", "--config", file)
	await.Until(t, "it asks", func() bool { return strings.Contains(term.said(), "Time zone") })
	if out, err := type_("UTC\n"); err == nil || !strings.Contains(out, "another kioskd setup is on") {
		t.Errorf("two at a time: %v\n%s", err, out)
	}
	if err := term.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = term.end()
	term = onTerminal(t, nil, "setup", "--config", file)
	await.Until(t, "it asks", func() bool { return strings.Contains(term.said(), "Time zone") })
	if _, err := term.keyboard.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	if out, err := term.end(); err == nil || !strings.Contains(out, "3 answers") {
		t.Errorf("%v\n%s", err, out)
	}
}

// answersFile is what an unattended setup is told.
func answersFile(t *testing.T, dir, glase string) string {
	path := filepath.Join(dir, "answers.toml")
	text := `[machine]
name = "Lobby"
token = "123456"
timezone = "UTC"
[glase]
endpoint = "` + glase + `/soap/merchant/cashregister-2"
client_id = "Bar AB"
merchant_id = "public_test_shop"
terminal_id = "public_test_shop_terminal"
password = "12345678"
[ups]
reach = "local"
public_url = "http://127.0.0.1:8082/seqr"
[journal]
path = "` + dir + `/journal.db"
[debug]
socket = "` + dir + `/debug.sock"
[display]
driver = "none"
[gpio]
driver = "sim"
[[slot]]
id = "A1"
name = "Water"
price = "15.00"
stock = 8
max_on = "3s"
[slot.vend]
driver = "relay"
relay = "GPIO17"
drop = "GPIO27"
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAFleetIsSetUpUnattended: nothing is asked, no motor moves unless that is said, and no money moves at all.
func TestAFleetIsSetUpUnattended(t *testing.T) {
	dir, file := setupFolder(t)
	answers := answersFile(t, dir, "http://"+port.Free()) // where no Glase is: the test sale needs none
	out, e, exit := kioskd(t, "setup", "--config", file, "--answers", answers, "--json", "--sale", "A1")
	var report struct {
		OK    bool
		Sale  []string
		Check []setup.Finding
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || exit != 0 || !report.OK || len(report.Check) == 0 ||
		!strings.Contains(strings.Join(report.Sale, "\n"), "A1: delivered") {
		t.Fatalf("exit %d, %v: %s %s", exit, err, out, e)
	}
	before, _ := os.ReadFile(file)
	out, e, exit = kioskd(t, "setup", "--config", file, "--answers", answers)
	after, _ := os.ReadFile(file)
	if exit != 0 || string(before) != string(after) || strings.Contains(out, ".bak-") ||
		strings.Contains(out, "delivered") {
		t.Errorf("a second time: exit %d: %s %s", exit, out, e)
	}
	if err := os.Chmod(answers, 0o644); err != nil {
		t.Fatal(err)
	}
	_, e, exit = kioskd(t, "setup", "--config", file, "--answers", answers)
	if exit == 0 || !strings.Contains(e, "chmod 600") {
		t.Errorf("a password that others may read: exit %d: %s", exit, e)
	}
	_, e, exit = kioskd(t, "setup", "--config", dir+"/none/kioskd.toml")
	if exit == 0 || !strings.Contains(e, "does not exist") {
		t.Errorf("no folder: exit %d: %s", exit, e)
	}
}

// TestNothingIsTriedBesideARunningKiosk: its outputs are its own.
func TestNothingIsTriedBesideARunningKiosk(t *testing.T) {
	r := newRig(t)
	r.world()
	out, e, exit := kioskd(t, "setup", "--config", r.config, "--answers", r.answersOf(), "--sale", "A1")
	if exit == 0 || !strings.Contains(e, "stop kioskd first") {
		t.Errorf("exit %d: %s %s", exit, out, e)
	}
}

// answersOf are the rig's own config as answers.
func (r *rig) answersOf() string {
	b, err := os.ReadFile(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	path := r.dir + "/answers.toml"
	if err := os.WriteFile(path, b, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// TestAMachineIsSetUpOnItsPage through the program itself: the code that it prints lets in, once.
func TestAMachineIsSetUpOnItsPage(t *testing.T) {
	_, file := setupFolder(t)
	c := exec.Command(filepath.Join(programs, "kioskd"), "setup", "--page", "--listen", "127.0.0.1:0", "--config", file)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill()
	address, code := "", ""
	for lines := bufio.NewScanner(out); code == "" && lines.Scan(); {
		if m := regexp.MustCompile(`http://\S+`).FindString(lines.Text()); m != "" {
			address = m
		}
		if m := regexp.MustCompile(`code: (\d{4} \d{4})`).FindStringSubmatch(lines.Text()); m != nil {
			code = m[1]
		}
	}
	go io.Copy(io.Discard, out)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	phone := http.Client{Jar: jar}
	page := func(path string, pairs url.Values) string {
		resp, err := phone.PostForm(address+path, pairs)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := page("code", url.Values{"code": {code}}); !strings.Contains(got, "Name of the machine") {
		t.Fatalf("the code %s leads to\n%s", code, got)
	}
	got := page("part/machine", url.Values{"machine.language": {"sv"}, "machine.name": {"Lobby"},
		"machine.currency": {"SEK"}, "machine.timezone": {"UTC"}, "machine.support": {""}})
	if !strings.Contains(got, "Address of Glase") {
		t.Errorf("then comes\n%s", got)
	}
	if got := page("end", nil); !strings.Contains(got, "The answers are kept") {
		t.Errorf("the end:\n%s", got)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(file + ".draft"); err != nil || !strings.Contains(string(b), "Lobby") {
		t.Errorf("the draft: %v %s", err, b)
	}
}

// TestAMotorThatIsTriedStopsWhenTheSetupIsKilled: by SIGKILL, and by the end of the terminal, with a board that keeps
// its levels, as the kernel of Raspberry Pi OS does. The motor's own longest time would be far longer.
func TestAMotorThatIsTriedStopsWhenTheSetupIsKilled(t *testing.T) {
	for _, blow := range []syscall.Signal{syscall.SIGKILL, syscall.SIGHUP, syscall.SIGINT} {
		r := newRig(t)
		answers := answersFile(t, r.dir, r.glase)
		b, err := os.ReadFile(answers)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer(`driver = "sim"`, "driver = \"sim\"\ndevice = \""+r.dir+"/board\"", `"3s"`, `"30s"`).
			Replace(string(b))
		if err := os.WriteFile(answers, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, e, exit := kioskd(t, "setup", "--config", r.config, "--answers", answers); exit != 0 {
			t.Fatalf("%s %s", out, e)
		}
		r.begin("kioskd", "sim-board", "--config", r.config)
		var board *simboard.Client
		await.Until(t, "the board is there", func() bool {
			board, err = simboard.Dial(r.dir + "/board")
			return err == nil
		})
		if err := board.Fault("A1", simboard.FaultJam); err != nil {
			t.Fatal(err)
		}
		on := func() bool { s, err := board.Snapshot(); return err == nil && s.Slots[0].Relay }
		setup := r.begin("kioskd", "setup", "--config", r.config, "--answers", answers, "--sale", "A1")
		await.Until(t, "the motor is on", on)
		began := time.Now()
		if err := setup.Process.Signal(blow); err != nil {
			t.Fatal(err)
		}
		await.Until(t, "the motor is off", func() bool { return !on() })
		if took := time.Since(began); took > 20*time.Second { // its own limit is 30 s
			t.Errorf("%v: the motor ran on for %v", blow, took)
		}
		board.Close()
	}
}

// TestEveryWayToPayAndLocksAreRehearsed: each ends charged for what came out, without Glase.
func TestEveryWayToPayAndLocksAreRehearsed(t *testing.T) {
	for name, change := range map[string][2]string{
		"sticker": {"[journal]", "[payment]\nflow = \"sticker\"\nseqr_id = \"ABC123\"\n[journal]"},
		"invoice": {"[journal]", "[payment]\nflow = \"invoice\"\n[journal]"},
		"web":     {"[journal]", "[payment]\nflow = \"web\"\n[journal]"},
		"lock":    {"\"relay\"\nrelay = \"GPIO17\"\ndrop =", "\"lock\"\nrelay = \"GPIO17\"\nopened ="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, file := setupFolder(t)
			answers := answersFile(t, dir, "http://"+port.Free())
			b, err := os.ReadFile(answers)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(string(b), change[0], change[1], 1)
			if name == "sticker" || name == "invoice" { // nobody calls such a machine
				text = strings.Replace(text, "[ups]\nreach = \"local\"\npublic_url = \"http://127.0.0.1:8082/seqr\"\n", "", 1)
			}
			if err := os.WriteFile(answers, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, e, exit := kioskd(t, "setup", "--config", file, "--answers", answers, "--sale", "A1")
			if exit != 0 || !strings.Contains(out, "charged 15.00 SEK, refunded 0.00") {
				t.Errorf("exit %d: %s %s", exit, out, e)
			}
		})
	}
}

// TestAMachineMakesItsOwnTerminal with the reseller's account, and keeps it the next time.
func TestAMachineMakesItsOwnTerminal(t *testing.T) {
	r := newRig(t)
	r.begin("glasesim", "--listen", strings.TrimPrefix(r.glase, "http://"))
	await.Until(t, "Glase is there", func() bool { return len(r.get(r.glase+"/faults")) > 0 })
	typing := func(lines ...string) string {
		c := exec.Command(filepath.Join(programs, "kioskd"), "setup", "--demo", "--folder", r.dir+"/demo")
		c.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		out, _ := c.CombinedOutput() // it ends with the input
		return string(out)
	}
	machine := []string{"sv", "Lobby", "SEK", "UTC", "-", r.glase + "/soap/merchant/cashregister-2", "Bar AB"}
	out := typing(append(machine, "register", "public_test_shop", "9900", "1234", "yes")...)
	if !strings.Contains(out, "This machine is terminal") ||
		!strings.Contains(out, "knows this terminal by its password") {
		t.Fatalf("%s", out)
	}
	id, err := identity.Load(r.dir + "/demo/identity.json")
	if err != nil || id.TerminalID == "" {
		t.Errorf("%v, %v", id, err)
	}
	if b, err := os.ReadFile(r.dir + "/demo/reseller.password.new"); err != nil || string(b) != "1234\n" {
		t.Errorf("the reseller's password: %q, %v", b, err)
	}
}
