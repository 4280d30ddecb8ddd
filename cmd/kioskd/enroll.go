package main

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/fleet/enrol"
	"kioskd/internal/identity"
	"kioskd/internal/plainfile"
	"kioskd/internal/terminal"
)

func enrollCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "enroll CODE",
		Short: "Make this machine one of an operator's fleet",
		Long: `Make this machine one of an operator's fleet, with a code that the operator made for its token (kioskhub
enroll) and that is good once, for an hour. What is written is the file that [fleet] credentials names, or
fleet.creds beside the journal; the machine's key was made at its first boot and stays in identity.json.

A machine that is in a fleet gets a new key, and its old one is shut out. To repeat the command with the
same code, when something went wrong on the way, is right.`,
		Example: "  kioskd enroll --at https://hub.example.com 7HK2-M0QX-9PDA-C4TB\n" +
			"  kioskd enroll --at https://hub.example.com --ca ca.crt 7HK2-M0QX-9PDA-C4TB",
		Args: cobra.ExactArgs(1),
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	at := c.Flags().String("at", "", "where the operator's hub is, like https://hub.example.com")
	ca := c.Flags().String("ca", "", "the `FILE` of the authority that made the hub's certificate; left out: "+
		"[fleet] ca where that is there, and else the system's authorities")
	c.MarkFlagRequired("at")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := config.Load(*file, drivers.All())
		if err != nil {
			return err
		}
		roots, err := authorities(*ca, cfg.Fleet.CA)
		if err != nil {
			return err
		}
		folder := filepath.Dir(cfg.Journal.Path)
		m := enrol.Machine{
			ID: cfg.Machine.Token, Identity: terminal.IdentityFile(cfg),
			Serial:      identity.MachineSerial(identity.SerialFile),
			Credentials: cmp.Or(cfg.Fleet.Credentials, filepath.Join(folder, "fleet.creds")),
			CA:          cmp.Or(cfg.Fleet.CA, filepath.Join(folder, "fleet-ca.pem")),
		}
		fmt.Fprintln(c.ErrOrStderr(), "Asking the hub …")
		a, err := m.Enrol(c.Context(), enrol.Hub{At: *at, Roots: roots, Now: time.Now}, args[0])
		if err != nil {
			return err
		}
		return enrolled(c.OutOrStdout(), *asJSON, *file, cfg.Fleet, m, a)
	}
	return c
}

// authorityMax bounds a file of authorities, in bytes.
const authorityMax = 1 << 20

// authorities are whom the hub's certificate may be of. What a person named has to be there.
func authorities(named, configured string) (*x509.CertPool, error) {
	path := cmp.Or(named, configured)
	if path == "" {
		return nil, nil
	}
	b, _, err := plainfile.Read(path, authorityMax)
	if err != nil && named == "" {
		return nil, nil // it is what the hub is going to send
	}
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s holds no certificate: it is the file ca.crt that kioskhub init made", path)
	}
	return roots, nil
}

// enrolled says what was done, and what is left to do.
func enrolled(w io.Writer, asJSON bool, file string, f config.Fleet, m enrol.Machine, a enrol.Answer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "This machine is %s in the fleet now. Its credentials are in %s.\n", printable(a.ID), m.Credentials)
	configured := f.Credentials == m.Credentials && slices.Equal(f.Servers, a.Servers) && (a.CA == "" || f.CA == m.CA)
	if !configured {
		quoted := make([]string, len(a.Servers))
		for n, s := range a.Servers {
			quoted[n] = fmt.Sprintf("%q", s)
		}
		fmt.Fprintf(&b, "Write this into %s:\n\n[fleet]\nservers = [%s]\ncredentials = %q\n", file,
			strings.Join(quoted, ", "), m.Credentials)
		if a.CA != "" {
			fmt.Fprintf(&b, "ca = %q\n", m.CA)
		}
		fmt.Fprintln(&b)
	}
	b.WriteString("Then start kioskd again: systemctl restart kioskd")
	facts := map[string]string{"id": a.ID, "credentials": m.Credentials, "servers": strings.Join(a.Servers, " ")}
	if a.CA != "" {
		facts["ca"] = m.CA
	}
	return done(w, asJSON, facts, b.String())
}
