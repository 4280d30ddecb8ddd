package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/journal"
)

// askWithin is how long the running daemon may take to answer.
const askWithin = 10 * time.Second

// daemon is the running kioskd, at its debug socket.
type daemon struct {
	socket string
	http   http.Client
}

// status is the answer to GET /api/status, and what stands beside it on the technicians' page.
type status struct {
	Phase   string         `json:"phase"`
	Step    string         `json:"step"`
	Reason  string         `json:"reason,omitempty"`
	Sale    string         `json:"sale,omitempty"`
	InDoubt []journal.Sale `json:"in_doubt,omitempty"`
	Health  []debug.Part   `json:"health,omitempty"`
	Pins    []debug.Pin    `json:"pins,omitempty"`
}

// running is the daemon that a config's socket leads to. Of a config with mistakes what can be read is used.
func running(file string) (*daemon, error) {
	cfg, err := config.Load(file)
	if cfg.Debug.Socket == "" {
		return nil, errors.Join(errors.New("the config names no [debug] socket"), err)
	}
	d := &daemon{socket: cfg.Debug.Socket, http: http.Client{Timeout: askWithin}}
	d.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", d.socket)
	}}
	return d, nil
}

// ask makes a request, and reads its answer into one of these.
func (d *daemon) ask(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := d.http.Do(r)
	if err != nil {
		return d.explain(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 400 {
		return refusal(res, answer)
	}
	return json.Unmarshal(answer, into)
}

// explain says what a missing daemon may mean.
func (d *daemon) explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no kioskd answers at %s: is it running with this config? (systemctl status kioskd)", d.socket)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s may only be asked by kioskd's user and group: try sudo", d.socket)
	}
	return err
}

// refusal is the daemon's own word on why it does not do it.
func refusal(res *http.Response, answer []byte) error {
	var why struct{ Error string }
	if json.Unmarshal(answer, &why) == nil && why.Error != "" {
		return errors.New(why.Error)
	}
	return fmt.Errorf("kioskd answers %s", res.Status)
}

func (d *daemon) status(ctx context.Context) (s status, err error) {
	return s, d.ask(ctx, http.MethodGet, "/api/status", nil, &s)
}

func (d *daemon) sales(ctx context.Context, query string) (sales []journal.Sale, err error) {
	return sales, d.ask(ctx, http.MethodGet, "/api/sales?"+query, nil, &sales)
}

func statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Say how the running kiosk stands, and what waits for a person",
		Args:  cobra.NoArgs,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	withPins := c.Flags().Bool("pins", false, "with the levels of all pins")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		s, err := d.status(c.Context())
		if err != nil {
			return err
		}
		if s.InDoubt, err = d.sales(c.Context(), "state=in_doubt&limit=500"); err != nil {
			return err
		}
		if err := d.ask(c.Context(), http.MethodGet, "/api/health", nil, &s.Health); err != nil {
			return err
		}
		if *withPins {
			if err := d.ask(c.Context(), http.MethodGet, "/api/pins", nil, &s.Pins); err != nil {
				return err
			}
		}
		out := c.OutOrStdout()
		if *asJSON {
			return json.NewEncoder(out).Encode(s)
		}
		return s.tell(out, painting(out))
	}
	return c
}

func salesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "sales [SALE]",
		Short:   "List the newest sales, newest first, or tell one line by line",
		Example: "  kioskd sales --limit 5\n  kioskd sales 7GQ2K4MX",
		Args:    cobra.MaximumNArgs(1),
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	limit := c.Flags().Int("limit", 20, "list at most `N` sales, from 1 to 500")
	doubts := c.Flags().Bool("in-doubt", false, "only those that wait for a person")
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := running(*file)
		if err != nil {
			return err
		}
		if len(args) == 1 {
			return d.story(c.Context(), args[0], c.OutOrStdout(), *asJSON)
		}
		query := fmt.Sprintf("limit=%d", *limit)
		if *doubts {
			query += "&state=in_doubt"
		}
		sales, err := d.sales(c.Context(), query)
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		if *asJSON {
			return json.NewEncoder(out).Encode(sales)
		}
		if len(sales) == 0 {
			fmt.Fprintln(out, "no sales")
			return nil
		}
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		p := painting(out)
		fmt.Fprintf(t, "SALE\tSTARTED\tFLOW\t%s\tCHARGED\tREFUNDED\tPRODUCTS\tNOTE\n", p.in(plain, "STATE"))
		for _, s := range sales {
			var items []string
			for _, i := range s.Items {
				items = append(items, i.Slot+" "+i.Outcome)
			}
			note := printable(strings.Trim(s.Why+": "+s.Note, ": "))
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s %s\t%s\t%s\t%s\n", s.ID, local(s.Started), s.Flow, p.state(s.State, s.State), s.Charged, s.Currency, s.Refunded, strings.Join(items, ", "), note)
		}
		return t.Flush()
	}
	return c
}

func resolveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "resolve SALE charge|release|refund --reason TEXT",
		Short: "Settle a sale that stands in doubt",
		Long: `Settle a sale that the kiosk could not decide by itself, and record who decided, and why. The kiosk
asks Glase how the invoice stands, and then

  charge    charges what came out and what is unknown, if the reservation is still held; a payment
            that was taken already is kept
  release   lets the reservation go: the customer pays nothing
  refund    gives back what the customer paid for nothing, or all of it when everything came out

It goes by what Glase's books say: a reservation that is over by then cannot be charged any more. The
command waits for the end; exit status 0 means that the sale is settled.

With --by-hand nothing is asked of Glase: you have settled it there, or seen that it is settled, and only the
record is made. So can a sale be settled that is still open because Glase has been silent, or says nothing that
decides it. Write no names and no phone numbers of customers into the reason.`,
		Example: "  kioskd status\n  kioskd resolve 7GQ2K4MX release --reason \"seen on the camera: nothing came out\"",
		Args:    cobra.ExactArgs(2),
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	reason := c.Flags().String("reason", "", "why, in a sentence; required")
	by := c.Flags().String("by", whoami(), "who decides")
	byHand := c.Flags().Bool("by-hand", false, "it was settled with Glase in another way: only record it")
	c.RunE = func(c *cobra.Command, args []string) error {
		if strings.TrimSpace(*reason) == "" {
			return errors.New(`say why: --reason "…"`)
		}
		d, err := running(*file)
		if err != nil {
			return err
		}
		verdict := map[string]any{"decision": args[1], "by": *by, "reason": *reason, "by_hand": *byHand}
		if err := d.ask(c.Context(), http.MethodPost, "/api/sales/"+args[0]+"/resolve", verdict, new(any)); err != nil {
			return err
		}
		sale, err := d.settled(c.Context(), args[0], c.ErrOrStderr())
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		if *asJSON {
			if err := json.NewEncoder(out).Encode(sale); err != nil {
				return err
			}
		} else {
			fmt.Fprintf(out, "Sale %s is %s: %s\n%s", sale.ID, strings.ReplaceAll(sale.State, "_", " "), printable(sale.Note), facts(sale))
		}
		if sale.State == "in_doubt" {
			return errSaid
		}
		return nil
	}
	return c
}

// settled waits until a sale is not open any more, telling the steps on the way.
func (d *daemon) settled(ctx context.Context, id string, progress io.Writer) (journal.Sale, error) {
	for step := ""; ; {
		s, err := d.status(ctx)
		if err != nil {
			return journal.Sale{}, err
		}
		if s.Sale != id {
			break
		}
		if s.Step != step {
			step = s.Step
			fmt.Fprintf(progress, "%s …\n", step)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return journal.Sale{}, ctx.Err()
		}
	}
	for _, query := range []string{"state=in_doubt&limit=500", "limit=500"} {
		sales, err := d.sales(ctx, query)
		if err != nil {
			return journal.Sale{}, err
		}
		if n := slices.IndexFunc(sales, func(s journal.Sale) bool { return s.ID == id }); n >= 0 {
			return sales[n], nil
		}
	}
	return journal.Sale{}, fmt.Errorf("sale %s is settled, and older than the last 500: kioskd status lists what is still in doubt", id)
}

// whoami is the person at the keyboard.
func whoami() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
