package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/app"
	"kioskd/internal/cli"
	"kioskd/internal/config"
	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
	"kioskd/internal/doctor"
	"kioskd/internal/drivers"
	"kioskd/internal/front"
)

func doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look at everything that the kiosk depends on, and say what to mend",
		Long: `Look at the config, the pins, the firmware's overlays, what the kernel does with released outputs, the user's
groups, serial ports, the display, the disk, the clock, Glase, the address that Glase calls, the fleet, certificates,
and the running kiosk itself. Each line is ok, warn or fail, and below it stands what to do.

It changes nothing: no relay moves, no money moves, and it may be used while a customer is being served. What only
one program may do is asked of the running kiosk, or is said to be left out. Run it with sudo to see everything.

The exit status is 0 when nothing fails; a warning is something that somebody should look at, and no failure.`,
		Example: "  sudo kioskd doctor\n  sudo kioskd doctor --json",
		Args:    cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	user := c.Flags().String("user", "", "the user that kioskd runs as; otherwise the unit's, or you")
	root := c.Flags().String("root", "/", "where the system's files are looked for: a mounted card, like /mnt")
	c.RunE = func(c *cobra.Command, _ []string) error {
		found := examine(c.Context(), *file, doctor.Root(*root), *user)
		failed := false
		for _, f := range found {
			failed = failed || f.State == doctor.Fail
		}
		out := c.OutOrStdout()
		if *asJSON {
			if err := json.NewEncoder(out).Encode(map[string]any{"ok": !failed, "findings": found}); err != nil {
				return err
			}
		} else if err := tellFindings(out, found); err != nil {
			return err
		}
		if failed {
			return cli.ErrSaid
		}
		return nil
	}
	return c
}

// examine makes all checks, in the order in which a technician would mend things.
func examine(ctx context.Context, file string, root doctor.Root, user string) []doctor.Finding {
	cfg, found := examineConfig(file)
	alive, health := examineDaemon(ctx, file, cfg, root)
	clock, err := app.KernelClock()
	if err != nil {
		found = append(found, doctor.Failed("clock", err.Error(), "this needs Linux"))
		clock.Wall, clock.Synced = time.Now, func() bool { return false }
	}
	now := clock.Wall()
	user = firstOf(user, doctor.ServiceUser(root, whoami()))
	pins := pinsOf(cfg)
	found = append(found, health...)
	found = append(found, examinePins(cfg, pins, alive.runs)...)
	found = append(found, doctor.Overlays(root, pins)...)
	found = append(found, doctor.KeptOutputs(root)...)
	if cfg.GPIO.Driver == "host" {
		found = append(found, doctor.Watchdog(root)...)
	}
	found = append(found, examineHost(ctx, cfg, root, clock)...)
	found = append(found, doctor.Groups(root, user, needs(cfg))...)
	found = append(found, doctor.Serial(root, serials(cfg))...)
	found = append(found, doctor.Shared(root, "serial", append(serials(cfg), displayTTY(cfg.Display)...))...)
	found = append(found, doctor.Devices(root, "sensors", oneWire(cfg))...)
	found = append(found, doctor.Devices(root, "printer", usbPrinter(cfg.Printer))...)
	found = append(found, examineDisplay(root, cfg.Display)...)
	if cfg.Journal.Path != "" { // which it is only without a config
		found = append(found, doctor.Writable(cfg.Journal.Path, doctor.UID(root, user))...)
	}
	found = append(found, doctor.Clock(now, clock.Synced())...)
	found = append(found, doctor.Certificates(pairs(cfg), now)...)
	if alive.runs {
		found = append(found, doctor.Served(ctx, pairs(cfg), now)...)
	}
	return append(found, examineNet(ctx, cfg, alive, now, clock.Synced())...)
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// examineConfig gives the config, or what can be read of it.
func examineConfig(file string) (config.Config, []doctor.Finding) {
	const area = "config"
	cfg, err := config.LoadJudged(file, drivers.All(), front.Unshown)
	var problems config.Errors
	if !errors.As(err, &problems) {
		problems = app.Check(cfg)
	}
	var found []doctor.Finding
	for _, p := range problems {
		p.File = firstOf(p.File, file)
		found = append(found, doctor.Failed(area, strings.TrimSpace(p.String()),
			"mend it, and look again: kioskd check --config "+file))
	}
	if len(found) == 0 {
		found = append(found, doctor.Ok(area,
			fmt.Sprintf("%s is right: %d slots, paid by %s", file, len(cfg.Slots), cfg.Payment.Flow)))
	}
	return cfg, found
}

// alive is what is known of a running kioskd.
type alive struct {
	runs    bool
	serving bool   // a customer, or a technician: better not to disturb
	glase   string // its own word on Glase
}

// examineDaemon asks the running kiosk how it is.
func examineDaemon(ctx context.Context, file string, cfg config.Config, root doctor.Root) (a alive,
	found []doctor.Finding) {
	const area = "kioskd"
	ctx, cancel := context.WithTimeout(ctx, client.Within)
	defer cancel()
	d, err := running(file)
	var s api.Status
	if err == nil {
		s, err = d.Status(ctx)
	}
	if err != nil {
		if a.runs = doctor.Held(root, cfg.Journal.Path); a.runs {
			a.serving = true // for all that is known
			return a, []doctor.Finding{doctor.Warned(area, "a kioskd holds the journal and does not answer: "+
				err.Error(), "journalctl -u kioskd -e; if it hangs: sudo systemctl restart kioskd")}
		}
		return a, []doctor.Finding{doctor.Warned(area, "no kioskd is running with this config",
			"sudo systemctl enable --now kioskd; then systemctl status kioskd")}
	}
	a = alive{runs: true, serving: s.Phase != "idle" || s.Sale != "" || s.Reason == "technician"}
	line := "runs: " + strings.ReplaceAll(s.Step, "_", " ")
	if s.Reason != "" {
		line += " (" + strings.ReplaceAll(s.Reason, "_", " ") + ")"
	}
	if s.Step == "out_of_service" {
		found = append(found, doctor.Warned(area, line,
			"look for this reason in docs/technician.md; kioskd status says more"))
	} else {
		found = append(found, doctor.Ok(area, line))
	}
	if s.Fleet != nil && s.Fleet.Connected { // otherwise it is one of its worries
		found = append(found, doctor.Ok("fleet", "connected to "+printable(s.Fleet.Server)+waiting(s.Fleet.Waiting)))
	}
	if doubts, err := d.InDoubt(ctx, client.SalesMax); err == nil && len(doubts) > 0 {
		found = append(found, doctor.Warned(area, fmt.Sprintf("%d sales stand in doubt", len(doubts)),
			"kioskd status lists them, with the command for each"))
	}
	if health, err := d.Health(ctx); err == nil {
		found = append(found, partsOf(health, &a)...)
	}
	return a, found
}

// waiting says how many entries the operator's database has not got.
func waiting(entries *int64) string {
	switch {
	case entries == nil:
		return "; what the operator has of the journal is not known yet"
	case *entries == 0:
		return "; the operator has got the whole journal"
	}
	return fmt.Sprintf("; the operator has not got %d entries yet", *entries)
}

// partsOf are the running kiosk's own worries.
func partsOf(health []api.Part, a *alive) (found []doctor.Finding) {
	for _, h := range health {
		if h.Name == "Glase" {
			a.glase = h.What
		}
		here := []string{"Clock", "Disk", "Card", "Heat", "Clock chip"} // what is looked at without it
		if !h.OK && !slices.Contains(here, h.Name) {
			found = append(found, doctor.Warned("kioskd", h.Name+": "+printable(h.What), h.Do))
		}
	}
	return found
}

// examineNet asks Glase, and the machine's own public address.
func examineNet(ctx context.Context, cfg config.Config, a alive, now time.Time, synced bool) (found []doctor.Finding) {
	switch {
	case cfg.Glase.Endpoint == "":
	case a.serving:
		says := "left out: somebody is being served"
		if a.glase != "" {
			says += "; kioskd itself says of Glase: " + printable(a.glase)
		}
		found = append(found, doctor.Ok("glase", says))
	default:
		found = append(found, doctor.Glase(cfg.Glase.Endpoint, app.AskGlase(ctx, cfg, version), now, synced)...)
	}
	if cfg.UPS.PublicURL == "" {
		return append(found, doctor.Ok("ups", "not used: the config has no [ups]"))
	}
	n := doctor.TheNet()
	n.Guarded = len(cfg.UPS.Allow) > 0 || cfg.UPS.ClientCA != ""
	return append(found, doctor.Public(ctx, n, cfg.UPS.PublicURL, a.runs, now)...)
}

// pairs are the config's certificates.
func pairs(cfg config.Config) (all []doctor.Pair) {
	host := ""
	if u, err := url.Parse(cfg.UPS.PublicURL); err == nil && !cfg.UPS.BehindProxy {
		host = u.Hostname()
	}
	for _, p := range []doctor.Pair{{Key: "ups.tls_cert", Cert: cfg.UPS.TLSCert, Private: cfg.UPS.TLSKey, Host: host,
		Listen: cfg.UPS.Listen},
		{Key: "debug.tls_cert", Cert: cfg.Debug.TLSCert, Private: cfg.Debug.TLSKey, Listen: cfg.Debug.Listen}} {
		if p.Cert != "" {
			all = append(all, p)
		}
	}
	return all
}

// tellFindings says it to people.
func tellFindings(out io.Writer, found []doctor.Finding) error {
	p, bad, worth := painting(out), 0, 0
	for _, f := range found {
		word := p.in(green, "ok  ")
		switch f.State {
		case doctor.Warn:
			word, worth = p.in(yellow, "warn"), worth+1
		case doctor.Fail:
			word, bad = p.in(red, "fail"), bad+1
		}
		if _, err := fmt.Fprintf(out, "%s  %-12s  %s\n", word, f.Area, printable(f.Says)); err != nil {
			return err
		}
		if f.Remedy != "" {
			fmt.Fprintf(out, "      %-12s  → %s\n", "", printable(f.Remedy))
		}
	}
	_, err := fmt.Fprintf(out, "\n%d looked at: %d fail, %d to look at.\n", len(found), bad, worth)
	return err
}
