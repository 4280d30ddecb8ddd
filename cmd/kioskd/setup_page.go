package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"kioskd/hw/display"
	"kioskd/internal/fleet/ownca"
	"kioskd/internal/mint"
	"kioskd/internal/setup"
	"kioskd/internal/setup/page"
)

// The page's server gives nobody forever. An act may take as long as a whole test sale.
const (
	pageReadMax  = 10 * time.Second
	pageWriteMax = saleWithin + time.Minute
)

// sessionBytes are the random bytes of a session's secret.
const sessionBytes = 20

// console is the text screen of the machine's own display, on which a fresh machine has nothing else to show.
const console = "/dev/tty1"

// servePage asks on a page, until somebody there says that it is done, or ctx ends. Beyond this machine it is encrypted
// with a certificate that is made for this one time.
func servePage(ctx context.Context, f *setup.Files, acts setup.Acts, o setup.Options, listen string,
	out io.Writer) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", listen, err)
	}
	defer l.Close()
	addresses, scheme, mark := []string{l.Addr().String()}, "http", ""
	if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		hosts := addressesOf(l.Addr())
		certificate, fingerprint, err := oneTime(hosts)
		if err != nil {
			return err
		}
		l = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}})
		addresses, scheme, mark = hosts, "https", fingerprint
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	pages := page.New(page.Config{Files: f, Acts: acts, Path: o.Path, Now: time.Now, Digits: digits,
		Secret: func() string { return mint.Mint{Random: rand.Reader}.Text(sessionBytes) }, End: end,
		Show: func(code string) {
			shown := told(scheme, addresses, portOf(l.Addr()), code, mark)
			fmt.Fprint(out, shown)
			if o.Facts.Framebuffer {
				onConsole(shown, fmt.Sprintf("%s://%s/?code=%s", scheme, withPort(addresses, portOf(l.Addr())), code))
			}
		}})
	s := &http.Server{Handler: pages, ReadTimeout: pageReadMax, WriteTimeout: pageWriteMax, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
		ending, done := context.WithTimeout(context.WithoutCancel(ctx), pageReadMax)
		defer done()
		err = s.Shutdown(ending)
	}
	return errors.Join(err, pages.Close())
}

// told is what somebody beside the machine reads.
func told(scheme string, addresses []string, port, code, fingerprint string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nSet this machine up with a phone or a laptop on this network:\n\n")
	for _, a := range addresses {
		fmt.Fprintf(&b, "    %s://%s/\n", scheme, withPort([]string{a}, port))
	}
	fmt.Fprintf(&b, "\n    The code: %s %s\n", code[:len(code)/2], code[len(code)/2:])
	if fingerprint != "" {
		fmt.Fprintf(&b, "\nThe browser warns, for nobody vouches for a machine that is not set up. It is this one when the\n"+
			"certificate's SHA-256 fingerprint is\n    %s\n", fingerprint)
	}
	b.WriteString("\nCtrl-C ends it.\n")
	return b.String()
}

func portOf(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

// withPort is the first address with the port, once.
func withPort(addresses []string, port string) string {
	if _, _, err := net.SplitHostPort(addresses[0]); err == nil {
		return addresses[0]
	}
	return net.JoinHostPort(addresses[0], port)
}

// addressesMax bounds the addresses that are named.
const addressesMax = 4

// addressesOf are those by which this machine can be reached at a listener.
func addressesOf(a net.Addr) (all []string) {
	if at, ok := a.(*net.TCPAddr); ok && !at.IP.IsUnspecified() {
		return []string{at.IP.String()}
	}
	interfaces, _ := net.InterfaceAddrs()
	for _, i := range interfaces {
		p, err := netip.ParsePrefix(i.String())
		if addr := p.Addr().Unmap(); err == nil && addr.IsGlobalUnicast() && len(all) < addressesMax {
			all = append(all, addr.String())
		}
	}
	if len(all) == 0 { // the network is not there yet
		all = []string{"127.0.0.1"}
	}
	return all
}

// oneTime makes a certificate for these addresses, whose key is in this process alone.
func oneTime(hosts []string) (tls.Certificate, string, error) {
	now := time.Now()
	authority, err := ownca.Make("kioskd setup", now)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	pair, err := authority.Server(append([]string{"kioskd-setup"}, hosts...), false, now)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	block, _ := pem.Decode(pair.Cert)
	if err != nil || block == nil {
		return tls.Certificate{}, "", errors.Join(errors.New("no certificate could be made"), err)
	}
	sum := sha256.Sum256(block.Bytes)
	return certificate, strings.ToUpper(strings.Trim(strings.ReplaceAll(fmt.Sprintf("% x", sum), " ", ":"), ":")), nil
}

// digits are n random ones.
func digits(n int) string {
	const tens, fair = 10, 250 // a byte of 250 or more would make the low digits likelier
	all := make([]byte, 0, n)
	for len(all) < n {
		var b [1]byte
		if _, err := rand.Read(b[:]); err == nil && b[0] < fair {
			all = append(all, '0'+b[0]%tens)
		}
	}
	return string(all)
}

// onConsole shows it on the machine's own screen as well, with a code that leads there. One that cannot be written on
// is passed over: it is said here too.
func onConsole(text, address string) {
	tty, err := os.OpenFile(console, os.O_WRONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer tty.Close()
	code, err := display.QRLines(address, false)
	if err != nil {
		code = ""
	}
	_, _ = fmt.Fprint(tty, "\x1b[2J\x1b[H", strings.ReplaceAll(text+"\n"+code, "\n", "\r\n"))
}
