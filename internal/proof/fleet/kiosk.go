package fleet

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"kioskd/internal/proof/ask"
)

//go:embed kiosk.toml
var kioskConfig string

// resellerPassword is the public test reseller's.
const resellerPassword = "1234"

// Slots of each kiosk, and what a product of them costs.
func Slots() map[string]string { return map[string]string{"A1": "15.00", "A2": "22.50"} }

// SlotNames are the slots in their order.
func SlotNames() []string { return slices.Sorted(maps.Keys(Slots())) }

// Kiosk is a kioskd, and the board that it drives, which is a process of its own: it outlives a kiosk that is killed,
// as relays and motors do.
type Kiosk struct {
	*Process // kioskd
	ID       string
	Board    *Process

	public string // where Glase finds it
	debug  string // the base URL of its debug port
}

// kioskPlan is what a kiosk's config is made of.
type kioskPlan struct {
	ID, Name, Glase, Public string
	Servers                 []string
	Listen, Debug           string // addresses of this computer
}

// newKiosk writes a kiosk's config into a folder of its own, and starts nothing.
func newKiosk(bin, dir string, plan kioskPlan) (*Kiosk, error) {
	k := &Kiosk{ID: plan.ID, public: plan.Public, debug: "http://" + plan.Debug}
	program := filepath.Join(bin, "kioskd")
	k.Process = &Process{Name: "kioskd of " + plan.ID, Dir: dir, Program: program,
		Args: []string{"run", "--config", "kioskd.toml"}}
	k.Board = &Process{Name: "board of " + plan.ID, Dir: filepath.Join(dir, "board"), Program: program,
		Args: []string{"sim-board", "--config", filepath.Join(dir, "kioskd.toml")}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var b strings.Builder
	t, err := template.New("kiosk.toml").Option("missingkey=error").Parse(kioskConfig)
	if err == nil {
		err = t.Execute(&b, plan)
	}
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "reseller.password"), []byte(resellerPassword), 0o600); err != nil {
		return nil, err
	}
	return k, os.WriteFile(filepath.Join(dir, "kioskd.toml"), []byte(b.String()), 0o600)
}

// enroll makes it one of the fleet's machines, as an operator and a technician do: the one makes a code for it, and the
// other types it at the machine, which makes its own key.
func (k *Kiosk) enroll(ctx context.Context, f *Fleet) error {
	hub := f.Enroll(k.ID)
	c := exec.CommandContext(ctx, hub[0], hub[1:]...)
	var said bytes.Buffer
	c.Stderr = &said
	code, err := c.Output()
	if err != nil {
		return fmt.Errorf("kioskhub enroll %s: %w: %s", k.ID, err, said.Bytes())
	}
	c = exec.CommandContext(ctx, k.Program, "enroll", "--config", "kioskd.toml", "--at", f.EnrollAt[0],
		"--ca", f.Brokers.CA, strings.TrimSpace(string(code)))
	c.Dir = k.Dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("kioskd enroll of %s: %w: %s", k.ID, err, out)
	}
	return nil
}

// register makes it a terminal at Glase.
func (k *Kiosk) register(ctx context.Context) error {
	c := exec.CommandContext(ctx, k.Program, "register", "--config", "kioskd.toml")
	c.Dir = k.Dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("kioskd register of %s: %w: %s", k.ID, err, out)
	}
	return nil
}

// startWhole starts the board and the kiosk, and waits until it sells and can be reached through the fleet.
func (k *Kiosk) startWhole(ctx context.Context, within time.Duration) error {
	if err := k.Board.Start(); err != nil {
		return err
	}
	if err := k.Board.Ready(ctx, within, "its socket", func() bool {
		_, err := os.Stat(filepath.Join(k.Dir, "board.sock"))
		return err == nil
	}); err != nil {
		return err
	}
	if err := k.Start(); err != nil {
		return err
	}
	return k.Ready(ctx, within, "its readiness to sell", func() bool {
		s, err := k.Status(ctx)
		return err == nil && s.Step == "ready" && s.Fleet.Connected
	})
}

// Part is its kioskd. Its board stays as it is, as relays and motors do.
func (k *Kiosk) Part() Part { return k.Process.part() }

// HowToBuy says how to be its customer.
func (k *Kiosk) HowToBuy(p Phone) string {
	return fmt.Sprintf(`scan, confirm, press A1.

  ref=$(curl -s %s/phone/scan -d '{"amount": "50.00", "qr": "%s"}' |
    sed 's/.*"invoiceReference":"\([0-9]*\)".*/\1/'); echo $ref
  curl %s/phone/confirm -d '{"invoiceReference": "'$ref'", "pin": "1234"}'
  curl %s/sim/press -H 'Content-Type: application/json' -d '{"slot": "A1"}'`, p.Glase, codeOf(k.ID), p.Glase, k.debug)
}

// Status is where a kiosk is.
type Status struct {
	Phase  string `json:"phase"`
	Step   string `json:"step"`
	Reason string `json:"reason"`
	Sale   string `json:"sale"`
	Fleet  struct {
		Connected bool `json:"connected"`
	} `json:"fleet"`
}

// Status asks the kiosk where it is.
func (k *Kiosk) Status(ctx context.Context) (s Status, err error) {
	err = ask.Get(ctx, k.debug+"/api/status", &s)
	return s, err
}

// Sale is a sale as the kiosk or the operator's database has it.
type Sale struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Currency string `json:"currency"`
	Charged  string `json:"charged"`
	Refunded string `json:"refunded"`
	Invoice  string `json:"invoice_reference"`
}

// Sales are the sales of the kiosk's journal, newest first.
func (k *Kiosk) Sales(ctx context.Context) (all []Sale, err error) {
	err = ask.Get(ctx, k.debug+"/api/sales?limit=500", &all)
	return all, err
}

// Press presses a slot's button on the machine, or "cancel".
func (k *Kiosk) Press(ctx context.Context, button string) error {
	return ask.Post(ctx, k.debug+"/sim/press", map[string]string{"slot": button}, new(any))
}

// Dropped is how many products fell out of the machine since its board began, by slot.
func (k *Kiosk) Dropped(ctx context.Context) (map[string]int, error) {
	var b struct {
		Slots []struct {
			Slot    string `json:"slot"`
			Dropped int    `json:"dropped"`
		} `json:"slots"`
	}
	err := ask.Get(ctx, k.debug+"/sim/board", &b)
	fell := map[string]int{}
	for _, s := range b.Slots {
		fell[s.Slot] = s.Dropped
	}
	return fell, err
}
