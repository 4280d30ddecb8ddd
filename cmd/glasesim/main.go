// Command glasesim is Glase for development: its SOAP service, its unattended payments service and a customer's phone,
// all on one port of this machine. It keeps everything in memory; ending it forgets every invoice.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"kioskd/glase/glasetest"
)

const (
	// headerPatience and idlePatience bound what a silent caller can hold; faults may answer late, so writing is not
	// bounded.
	headerPatience = 10 * time.Second
	idlePatience   = 2 * time.Minute
	// stopPatience is how long requests under way may take to end after Ctrl-C.
	stopPatience = 3 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(os.Stdout).ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "glasesim:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	listen string
	ups    []string
	seed   uint64

	strict, certify, quiet bool
}

func command(out io.Writer) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "glasesim",
		Short: "Glase for development: SOAP service, unattended payments and a phone",
		Long: `glasesim plays Glase, so that a kiosk can sell on this machine alone. On one port it serves

  /soap/merchant/cashregister-2   the SOAP service (?wsdl for its interface)
                                  also at the older /extclientproxy/service and /extclientproxy/service/v2
  /                               a customer's phone, in the browser
  /phone/scan, /phone/confirm, /phone/cancel, /phone/invoices/<reference>
                                  the same phone, as JSON
  /ledger                         every movement of money, as JSON
  /faults                         what goes wrong, and how: read it, post it

The documentation's public test credentials are built in: terminal public_test_shop_terminal with the password
12345678, reseller public_test_shop with the user 9900 and the password 1234. Any four digits are the right PIN.
Nothing is stored: ending glasesim forgets it all. It has no secrets and no locks; keep it on loopback.`,
		Example: `  # A kiosk with the token 123456 that listens on port 8088:
  glasesim --ups 123456=http://127.0.0.1:8088/seqr/createPurchase

  # A customer scans its QR, gives the PIN, and looks at the invoice:
  curl -d '{"qr": "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456", "amount": "50.00"}' http://127.0.0.1:9090/phone/scan
  curl -d '{"invoiceReference": "1397222701693", "pin": "1234"}' http://127.0.0.1:9090/phone/confirm
  curl http://127.0.0.1:9090/phone/invoices/1397222701693

  # The next commitReservation is done, but its answer is lost; every second poll takes 4 s; then all is well again:
  curl -d '{"rules": [{"operation": "commitReservation", "fault": "lost_answer", "count": 1},
                      {"operation": "getPaymentStatus", "fault": "latency", "delay": "4s", "probability": 0.5}]}' http://127.0.0.1:9090/faults
  curl -d '{}' http://127.0.0.1:9090/faults

  # The front closes each connection 100 ms after an answer that promised to keep it, unannounced:
  curl -d '{"front": {"kind": "close", "after": "100ms"}}' http://127.0.0.1:9090/faults

  # What the documentation leaves open can be chosen too; GET shows all of it:
  curl -d '{"choices": {"cancel_reserved": "refuse_51", "acknowledged_by": "latest_version"}}' http://127.0.0.1:9090/faults
  curl http://127.0.0.1:9090/faults`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return run(c.Context(), o, out) },
	}
	c.SetOut(out)
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:9090", "`ADDRESS` to listen on; port 0 takes a free one")
	f.StringArrayVar(&o.ups, "ups", nil,
		"where a kiosk is, as `TOKEN=URL`, the full URL ending in createPurchase; repeatable")
	f.BoolVar(&o.strict, "strict", false, "refuse with a SOAP Fault what the 2.6.0 schema refuses")
	f.BoolVar(&o.certify, "certify", false,
		"refuse with a SOAP Fault what Glase's certification would send back, and the service takes")
	f.Uint64Var(&o.seed, "seed", 0, "`NUMBER` that every random choice follows")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print no line for each call")
	return c
}

// kiosks reads the --ups flags.
func kiosks(flags []string) (map[string]string, error) {
	all := map[string]string{}
	for _, f := range flags {
		token, to, ok := strings.Cut(f, "=")
		u, err := url.Parse(to)
		switch {
		case !ok || token == "":
			return nil, fmt.Errorf("--ups %q: write it like 123456=http://127.0.0.1:8088/seqr/createPurchase", f)
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
			return nil, fmt.Errorf("--ups %q: %q is no http URL", f, to)
		case !strings.HasSuffix(u.Path, "/createPurchase"):
			return nil, fmt.Errorf("--ups %q: the URL must end in /createPurchase", f)
		case all[token] != "":
			return nil, fmt.Errorf("--ups %q: the token is given twice", f)
		}
		all[token] = to
	}
	return all, nil
}

// run serves until ctx ends, which is no error.
func run(ctx context.Context, o options, out io.Writer) error {
	ups, err := kiosks(o.ups)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("--listen %s: the port is in use; end what listens there or choose another", o.listen)
	} else if err != nil {
		return fmt.Errorf("--listen %s: %w", o.listen, err)
	}
	cfg := glasetest.Config{UPS: ups, Strict: o.strict, Certify: o.certify, Seed: o.seed}
	if !o.quiet {
		cfg.Log = (&journal{out: out}).print
	}
	g := glasetest.New(cfg)
	defer g.Close()
	server := &http.Server{ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience}
	greet(out, listener.Addr(), o.ups)

	served := make(chan error, 1)
	go func() { served <- g.Serve(server, listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	g.Close() // ends late answers, so that the shutdown is quick
	end, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	if server.Shutdown(end) != nil {
		_ = server.Close()
	}
	fmt.Fprintln(out, "glasesim: ended")
	return nil
}

// greet says where glasesim is and how to scan.
func greet(out io.Writer, addr net.Addr, ups []string) {
	host := addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
	}
	base := "http://" + host
	fmt.Fprintf(out,
		"glasesim: listening on %s\n\n  SOAP    %s/soap/merchant/cashregister-2\n  phone   %s/\n  ledger  "+
			"%s/ledger\n  faults  %s/faults\n\n",
		addr, base, base, base, base)
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		fmt.Fprint(out, "Others on the network can reach it, and anybody who does can pay and set faults.\n\n")
	}
	qr := "HTTP://SEQR.SE/R<reference>"
	if len(ups) > 0 {
		token, _, _ := strings.Cut(ups[0], "=")
		qr = "HTTP://SEQR.SE/000/ups?w=" + glasetest.TestReseller + "&t=" + url.QueryEscape(token)
	} else {
		fmt.Fprint(out, "No kiosk is known; give one with --ups TOKEN=URL. Stickers and invoice QRs work without.\n\n")
	}
	fmt.Fprintf(out, "To scan:\n  curl -d '{\"qr\": \"%s\"}' %s/phone/scan\nCtrl-C ends it.\n\n", qr, base)
}

// journal prints one line for each thing that happens, with the time of day.
type journal struct {
	mu  sync.Mutex
	out io.Writer
}

func (j *journal) print(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintln(j.out, time.Now().Format("15:04:05.000"), line)
}
