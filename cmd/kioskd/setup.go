package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"kioskd/hw/display"
	"kioskd/internal/app"
	"kioskd/internal/cli"
	"kioskd/internal/config"
	"kioskd/internal/doctor"
	"kioskd/internal/drivers"
	"kioskd/internal/front"
	"kioskd/internal/identity"
	"kioskd/internal/plainfile"
	"kioskd/internal/setup"
	"kioskd/internal/terminal"
)

func setupCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "setup",
		Short: "Ask what this machine is, try each part, and write its config",
		Long: `Ask what this machine is, in the order in which a technician builds it: its name and language, Glase, the
way to pay, the pins, each slot, the display. Each answer is judged at once; Glase is asked at once; each
motor and sensor can be tried at once, with the limits that a sale has, and nothing moves before you say yes.
At the end the config is written, kioskd check and kioskd doctor look at it, and a test sale can be made with
the real motor and a payment service that moves no money.

Enter takes what stands in brackets, "-" leaves out what may be left out, "<" goes back, "?" explains. The
answers are kept in a draft beside the config: after Ctrl-C, or a power cut, it goes on where it was.

A config that is there is read, and single values of it are changed: comments, and all that setup does not
know, stay. The old file is kept as kioskd.toml.bak-1, -2, … Everything that setup does can be done by
editing the file. The password goes into a file of its own that only kioskd reads.

With --answers nothing is asked: the file is written like a config, with as much in it as there is to say, and
with [glase] password or password_file. It must be readable by its owner alone when a password is in it. No
motor moves, unless --sale says which slot's may.

With --page the same questions are asked on a page, for a phone: at the port that --listen names, to whoever
types the code that is shown here and on the machine's screen.

The exit status is 0 when a config was written that kioskd check takes.`,
		Example: "  sudo kioskd setup\n  sudo kioskd setup --page\n  sudo kioskd setup --answers lobby.toml\n" +
			"  kioskd setup --demo",
		Args: cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	answers := c.Flags().String("answers", "", "take all answers from `FILE`, and ask nothing")
	sale := c.Flags().String("sale", "", "with --answers: make a test sale from `SLOT`, whose motor moves")
	anew := c.Flags().Bool("anew", false, "forget the answers of a setup that was not ended")
	demo := c.Flags().Bool("demo", false, "try it: a simulated machine, all of it in a folder")
	folder := c.Flags().String("folder", "kioskd-demo", "with --demo: which `FOLDER`")
	page := c.Flags().Bool("page", false, "ask on a page instead of here")
	listen := c.Flags().String("listen", ":8088", "where the page is")
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		o := setupOptions(*file)
		if *demo {
			o = demoOptions(*folder)
		}
		if *demo {
			if err := os.MkdirAll(filepath.Dir(o.Path), 0o755); err != nil {
				return err
			}
		}
		f, err := setup.Open(o)
		if err != nil {
			return err
		}
		defer f.Close()
		if *anew {
			if err := f.Anew(); err != nil {
				return err
			}
		}
		p := &prompter{in: os.Stdin, out: c.OutOrStdout()}
		i := interview{f: f, acts: setupActs(o), prompter: p, path: o.Path}
		switch {
		case *answers != "":
			err = i.unattended(ctx, *answers, *sale, *asJSON)
		case *page:
			return servePage(ctx, f, i.acts, o, *listen, c.OutOrStdout())
		default:
			err = i.run(ctx)
		}
		if ctx.Err() != nil {
			return errors.New("ended; the answers are kept, and the next kioskd setup goes on there")
		}
		return err
	}
	return c
}

// demoOptions are those of a setup that is only tried, which puts everything into a folder.
func demoOptions(folder string) setup.Options {
	dir, err := filepath.Abs(folder)
	if err != nil {
		dir = folder
	}
	o := setup.Options{Path: filepath.Join(dir, "kioskd.toml"), Kinds: drivers.All(), Judge: front.Unshown, UID: -1,
		GID: -1}
	o.Facts = setup.Facts{Demo: true, Timezone: timezone(), Company: "Bar AB", TerminalID: "public_test_shop_terminal",
		MerchantID: "public_test_shop", Token: "123456",
		Endpoint: "http://127.0.0.1:8080/soap/merchant/cashregister-2"} // a glasesim's
	o.Fixed = []setup.Answer{{Key: "journal.path", Text: filepath.Join(dir, "journal.db")},
		{Key: "debug.socket", Text: filepath.Join(dir, "debug.sock")}}
	id, err := identity.Load(filepath.Join(dir, "identity.json"))
	o.Facts.Registered = err == nil && id.TerminalID != ""
	return o
}

// setupOptions are what is known of this machine.
func setupOptions(path string) setup.Options {
	o := setup.Options{Path: path, Kinds: drivers.All(), Judge: front.Unshown, UID: -1, GID: -1}
	o.Facts = setup.Facts{Timezone: timezone(), Endpoint: "https://extdev.seqr.com/soap/merchant/cashregister-2"}
	_, err := os.Stat("/dev/fb0")
	o.Facts.Framebuffer = err == nil
	chips, _ := filepath.Glob("/dev/gpiochip*")
	o.Facts.Pins = len(chips) > 0
	o.Facts.Serial, _ = filepath.Glob("/dev/serial/by-id/*")
	o.Facts.Registered = registered(path)
	if os.Geteuid() == 0 {
		o.UID, o.GID = serviceIDs()
	}
	return o
}

// registered reports whether the machine has made a terminal for itself, as far as a config says where that is kept.
func registered(path string) bool {
	cfg, err := config.Load(path, drivers.All())
	if err != nil {
		cfg = config.Default()
	}
	id, err := identity.Load(terminal.IdentityFile(cfg))
	return err == nil && id.TerminalID != ""
}

// serviceIDs are the user and the group that the installed unit runs as; -1 where there are none.
func serviceIDs() (uid, gid int) {
	name := doctor.ServiceUser("/", "")
	u, err := user.Lookup(name)
	if name == "" || err != nil {
		return -1, -1
	}
	uid, e1 := strconv.Atoi(u.Uid)
	gid, e2 := strconv.Atoi(u.Gid)
	if e1 != nil || e2 != nil {
		return -1, -1
	}
	return uid, gid
}

// timezone is this computer's, or UTC.
func timezone() string {
	if b, _, err := plainfile.Read("/etc/timezone", 100); err == nil && strings.TrimSpace(string(b)) != "" {
		return strings.TrimSpace(string(b))
	}
	if to, err := os.Readlink("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(to, "zoneinfo/"); ok {
			return name
		}
	}
	return "UTC"
}

// setupActs are what can be tried on this machine.
func setupActs(o setup.Options) setup.Acts {
	return setup.Acts{
		Glase: func(ctx context.Context, cfg config.Config) []setup.Finding {
			clock, err := app.KernelClock()
			if err != nil {
				return []setup.Finding{{State: "fail", Says: err.Error()}}
			}
			return findings(doctor.Glase(cfg.Glase.Endpoint, app.AskGlase(ctx, cfg, version), clock.Wall(),
				clock.Synced()))
		},
		Register: func(ctx context.Context, cfg config.Config) (string, error) { return registerNow(ctx, cfg, o) },
		Picture:  picture,
		Rehearse: func(ctx context.Context, cfg config.Config, text string) (*setup.Rehearsal, error) {
			screen, err := openDisplay(cfg)
			if cfg.Display.Driver == "terminal" && cfg.Display.Device == "" { // where the questions are
				screen, err = nil, errors.New("it is this terminal")
			}
			if screen == nil || err != nil {
				screen = display.None{}
			}
			return rehearse(ctx, cfg, func() (func() error, error) { return guarded(o.Path, text) }, screen)
		},
		Check: func(file string) []setup.Finding { _, found := examineConfig(file); return findings(found) },
		Doctor: func(ctx context.Context, file string) []setup.Finding {
			return findings(examine(ctx, file, doctor.Root("/"), ""))
		},
	}
}

func findings(all []doctor.Finding) (out []setup.Finding) {
	for _, f := range all {
		out = append(out, setup.Finding{State: string(f.State), Says: f.Says, Remedy: f.Remedy})
	}
	return out
}

// stateFolder makes the journal's folder where no package has made it, as the unit has it.
func stateFolder(folder string, o setup.Options) error {
	if _, err := os.Stat(folder); o.UID < 0 || !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return errors.Join(os.MkdirAll(folder, 0o750), os.Chown(folder, o.UID, o.GID))
}

// registerNow makes a terminal at Glase, as kioskd register does, and gives its file to the user that kioskd runs as.
func registerNow(ctx context.Context, cfg config.Config, o setup.Options) (string, error) {
	l, err := app.Terminal(cfg, version, nil)
	if err != nil {
		return "", err
	}
	if err := stateFolder(filepath.Dir(l.Path), o); err != nil {
		return "", err
	}
	name := firstOf(cfg.Machine.Token, cfg.Machine.Name)
	id, err := l.Register(ctx, terminal.Registration{ExternalID: name, Name: cfg.Machine.Name,
		Password: app.TerminalPassword()})
	if _, there := os.Stat(l.Path); there == nil {
		err = errors.Join(err, os.Chown(l.Path, o.UID, o.GID))
	}
	return id, err
}

// unattended takes all answers from a file.
func (i interview) unattended(ctx context.Context, path, sale string, asJSON bool) error {
	b, info, err := plainfile.Read(path, 1<<20)
	if err != nil {
		return err
	}
	if strings.Contains(string(b), "password") && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s has a password in it, and others than its owner may read it: chmod 600 %s", path, path)
	}
	if err := i.f.Unattended(b); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	w, err := i.f.Finish()
	if err != nil {
		return err
	}
	report := struct {
		Config  string          `json:"config"`
		Backup  string          `json:"backup,omitempty"`
		OK      bool            `json:"ok"`
		Check   []setup.Finding `json:"check"`
		Doctor  []setup.Finding `json:"doctor"`
		Sale    []string        `json:"sale,omitempty"`
		Changed []string        `json:"changed,omitempty"`
	}{Config: i.path, Backup: w.Backup, Changed: w.Changes, Check: i.acts.Check(i.path),
		Doctor: i.acts.Doctor(ctx, i.path)}
	report.OK = !setup.Failed(report.Check)
	var failed error
	if sale != "" && report.OK {
		failed = i.sell(ctx, sale, func(line string) { report.Sale = append(report.Sale, line) })
		report.OK = failed == nil
	}
	if asJSON {
		if err := json.NewEncoder(i.out).Encode(report); err != nil {
			return err
		}
	} else {
		i.written(w)
		i.tell("check", report.Check)
		i.tell("doctor", report.Doctor)
		for _, line := range report.Sale {
			i.say("  %s", line)
		}
	}
	if failed != nil {
		return failed
	}
	if !report.OK {
		return cli.ErrSaid
	}
	return nil
}

// written says what was written.
func (i interview) written(w setup.Written) {
	i.say("%s is written.", i.path)
	if w.Backup != "" {
		i.say("What was there is kept in %s. The lines that are other ones now:", w.Backup)
		for _, line := range w.Changes {
			i.say("  %s", printable(line))
		}
	}
}

func (i interview) tell(what string, all []setup.Finding) {
	i.say("\nkioskd %s:", what)
	for _, f := range all {
		i.say("  %-4s  %s", f.State, printable(f.Says))
		if f.Remedy != "" && f.State != "ok" {
			i.say("        → %s", printable(f.Remedy))
		}
	}
}

func (i interview) say(format string, args ...any) { fmt.Fprintf(i.out, format+"\n", args...) }
