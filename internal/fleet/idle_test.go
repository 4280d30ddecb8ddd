package fleet

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"kioskd/fsm"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
)

// header is what each segment costs beside its data on a line with IPv4: the headers of IP and TCP, with timestamps.
const header = 52

// meter lets one connection through to a server, and tells what it cost on the line, both ways.
func meter(t *testing.T, server string) (address string, bytes func() int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var of atomic.Pointer[net.TCPConn]
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", server)
			if err != nil {
				in.Close()
				return
			}
			in.(*net.TCPConn).SetKeepAlive(false)
			of.Store(in.(*net.TCPConn))
			go func() { io.Copy(out, in); out.Close() }()
			go func() { io.Copy(in, out); in.Close() }()
		}
	}()
	return l.Addr().String(), func() (n int64) {
		raw, err := of.Load().SyscallConn()
		if err == nil {
			err = raw.Control(func(fd uintptr) {
				info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
				if err != nil {
					t.Error(err)
					return
				}
				n = int64(info.Bytes_acked) + int64(info.Bytes_received) + header*int64(info.Segs_in+info.Segs_out)
			})
		}
		if err != nil {
			t.Error(err)
		}
		return n
	}
}

// TestAnIdleKioskUsesLessThanAMegabyteADay counts what each thing that an idle kiosk says costs on the line, with TLS,
// acknowledgements and all headers, and how often it says it. The server says nothing by itself to who has just pinged.
func TestAnIdleKioskUsesLessThanAMegabyteADay(t *testing.T) {
	f := broker.Cluster(t, 1)
	admin, err := f.Administrator()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	c := collectorOn(t, admin, "A1")
	c.stream()
	k := newSender("A1")
	address, bytes := meter(t, f.Servers[0].Address)
	tell, states := teller(t, "0123456789ABCDEFGHJKMNPQRS")
	const slots = 64
	s := fsm.State{Stage: fsm.Ready, Stock: map[string]int{}}
	for n := range slots {
		id := string([]byte{'A' + byte(n/8), '1' + byte(n%8)})
		s.Shelf = append(s.Shelf,
			fsm.Slot{ID: id, Name: "Kanelbulle", Price: money.Amount{Minor: 2500, Currency: "SEK"}})
	}
	states <- kiosk.Update{State: s}
	conns := make(chan *nats.Conn, 1)
	connected(t, Config{Servers: []string{"tls://" + address}, Credentials: creds(t, "", f, "A1"), CA: f.CA,
		Jitter: jitter, Services: []Service{k.Serve, tell.Serve, func(ctx context.Context, nc *nats.Conn) error {
			conns <- nc
			<-ctx.Done()
			return nil
		}}})
	nc := <-conns
	k.journal.add(3, k.Outbox)
	await.Until(t, "all is delivered", func() bool { return k.Held() == 3 })
	said := &telling{Teller: tell, nc: nc}
	said.tell(t.Context(), true)
	time.Sleep(3 * time.Second) // the acknowledgements of what has just been told
	cost := func(what string, say func()) int64 {
		const times = 20
		from := bytes()
		for range times {
			say()
			time.Sleep(100 * time.Millisecond) // until its acknowledgement has come alone, as it does on an idle line
		}
		each := (bytes() - from) / times
		t.Logf("%s: %d bytes", what, each)
		return each
	}
	began := bytes()
	ping := cost("ping", func() {
		if err := nc.Flush(); err != nil {
			t.Error(err)
		}
	})
	answers := make(chan *nats.Msg, 64)
	d := &delivery{Outbox: k.Outbox, nc: nc, inbox: nc.NewInbox()}
	if _, err := nc.ChanSubscribe(d.inbox+".*", answers); err != nil {
		t.Fatal(err)
	}
	ask := cost("question what is held", func() {
		d.ask()
		<-answers
	})
	beat := cost("condition", func() {
		said.beatAt = time.Time{}
		said.tell(t.Context(), false)
	})
	if bytes()-began < 3*20*100 {
		t.Error("the meter does not count")
	}
	const day = 24 * time.Hour
	total := int64(day/pingEvery)*ping + int64(day/(askIdle*4/5))*ask + int64(day/(protocol.ConditionEvery*4/5))*beat
	t.Logf("a day: %d bytes at most", total)
	if total > 1_000_000 {
		t.Errorf("an idle kiosk uses %d bytes a day", total)
	}
}
