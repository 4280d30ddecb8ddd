package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"kioskd/internal/hub/setup"
)

func initCommand() *cobra.Command {
	p := setup.Plan{}
	c := &cobra.Command{
		Use:   "init DIR",
		Short: "Make a new fleet's keys, certificates and server configs",
		Long: `Make what a new fleet needs before anything runs, in a folder of its own:

  trust/          every key there is: keep it in a safe and off every server
  hub/            for each machine that runs kioskhub
  gateway/        for each machine that runs kioskgate
  server-HOST/    for each nats-server: nats.conf and its certificate

To do it again makes what is missing, adds servers, hubs and gateways that are named now, and replaces no
key. Certificates are for five years; the month before they end, or with --renew, they are made anew.`,
		Example: "  kioskhub init fleet --server nats-1.example.com --server nats-2.example.com \\\n" +
			"    --server nats-3.example.com --hub hub.example.com\n" +
			"  kioskhub init fleet --server fleet.example.com --hub fleet.example.com      one server for all",
		Args: cobra.ExactArgs(1),
	}
	f := c.Flags()
	f.StringVar(&p.Name, "name", "kiosks", "how the fleet is called, in its claims and certificates")
	f.StringSliceVar(&p.Servers, "server", nil, "the name or address of a nats-server, as kiosks reach it; one or three")
	f.StringSliceVar(&p.Hubs, "hub", nil, "a name or address of the hubs, for their certificate; "+
		"left out where they have one of a public authority")
	f.StringSliceVar(&p.Gateways, "gateway", []string{"gateway-1"}, "the name of a gateway's credentials")
	f.StringVar(&p.Etc, "etc", "/etc/nats", "where a server's folder will lie there")
	f.StringVar(&p.Store, "store", "/var/lib/nats", "where a server keeps its streams")
	f.BoolVar(&p.Web, "websocket", false, "the servers also take WebSockets on port 443, for networks that pass only that")
	f.BoolVar(&p.Renew, "renew", false, "make the servers' certificates anew")
	c.RunE = func(c *cobra.Command, args []string) error {
		p.Dir, p.Now = args[0], time.Now()
		made, err := p.Make()
		for _, line := range made {
			fmt.Fprintln(c.OutOrStdout(), "made", line)
		}
		if err != nil {
			return err
		}
		if len(made) == 0 {
			fmt.Fprintln(c.OutOrStdout(), "Nothing was missing.")
			return nil
		}
		fmt.Fprintf(c.OutOrStdout(), `
Next:
  copy each %s to %s of its host, and start nats-server -c %s/nats.conf there
  copy %s to each hub, %s to each gateway
  put %s away: whoever has it has the fleet
`, filepath.Join(p.Dir, "server-…"), p.Etc, p.Etc, filepath.Join(p.Dir, setup.Hub), filepath.Join(p.Dir, setup.Gateway),
			filepath.Join(p.Dir, setup.Trust))
		return nil
	}
	return c
}
