package grants_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/broker"
)

// secret is in all that the neighbours say to each other, and forged in all that the intruder says.
const (
	secret = "OF-THE-NEIGHBOUR"
	forged = "BY-THE-INTRUDER"
)

// street is a server with everybody of a fleet, and one more who tries what he can.
type street struct {
	t                                    *testing.T
	fleet                                *broker.Fleet
	kiosk, gateway, hub, watch, intruder *nats.Conn
	mu                                   sync.Mutex
	heard                                []string // by the watch: subject and payload of what the intruder got through
	read                                 []string // what the intruder heard of the others'
	silenced                             []string // what the neighbours cannot do any more
}

// build makes the server's program.
func build(t *testing.T) string {
	t.Helper()
	program, err := broker.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// live starts the fleet, after the trust was changed, with an intruder of that role.
func live(t *testing.T, program string, role grants.Role, name string, change func(*grants.Fleet)) *street {
	t.Helper()
	f, err := broker.NewFleet(t.TempDir(), program, 1)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(f.Trust)
		if err := f.Rewrite(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(f.Kill)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &street{t: t, fleet: f}
	s.kiosk = s.connect(grants.Kiosk, "NEIGHBOUR")
	s.gateway = s.connect(grants.Gateway, "gateway-1")
	s.hub = s.connect(grants.Hub, "hub-1")
	s.intruder = s.connect(role, name)
	if s.watch, err = f.Administrator(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.watch.Close)
	s.streams()
	s.answer()
	s.must(s.watch.Subscribe(">", func(m *nats.Msg) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if strings.Contains(string(m.Data), forged) {
			s.heard = append(s.heard, m.Subject)
		}
	}))
	s.flush(s.watch)
	return s
}

func (s *street) connect(r grants.Role, name string) *nats.Conn {
	s.t.Helper()
	nc, err := s.fleet.Connect(r, name, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

func (s *street) must(_ *nats.Subscription, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// flush waits until the server has done all that these said, and they heard all that it had for them.
func (s *street) flush(all ...*nats.Conn) {
	s.t.Helper()
	for _, nc := range all {
		if err := nc.Flush(); err != nil {
			s.t.Fatal(err)
		}
	}
}

// streams are made by the hub, with what it may.
func (s *street) streams() {
	s.t.Helper()
	js, err := jetstream.New(s.hub)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx := s.t.Context()
	if _, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: protocol.Stream, Subjects: []string{protocol.Entries}, AllowDirect: true,
	}); err != nil {
		s.t.Fatal(err)
	}
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: protocol.Wanted})
	if err != nil {
		s.t.Fatal(err)
	}
	for key, value := range map[string]string{
		protocol.WantedOf("NEIGHBOUR"): secret, protocol.WantedOf("INTRUDER"): "mine",
		protocol.WantedOfGroup("north"): "ours", protocol.WantedOfAll: "everybody's",
	} {
		if _, err := kv.PutString(ctx, key, value); err != nil {
			s.t.Fatal(err)
		}
	}
}

// answer lets the neighbours do what they do.
func (s *street) answer() {
	s.t.Helper()
	reply := func(m *nats.Msg) { m.Respond([]byte(secret)) }
	for _, kind := range []string{protocol.Requests("NEIGHBOUR"), protocol.Have("NEIGHBOUR"),
		protocol.Hint("NEIGHBOUR"), protocol.HintAll} {
		s.must(s.kiosk.Subscribe(kind, reply))
	}
	s.must(s.gateway.Subscribe(protocol.Clock("G1"), func(m *nats.Msg) { m.Respond([]byte("17")) }))
	s.must(s.hub.Subscribe(protocol.Ask("*"), func(m *nats.Msg) {
		if m.Subject == protocol.Ask("NEIGHBOUR") {
			m.Respond([]byte(`{"seq":7,"hash":"` + secret + `"}`))
			return
		}
		m.Respond([]byte(`{"seq":3}`))
	}))
	s.must(s.hub.Subscribe(protocol.Status("*"), func(*nats.Msg) {}))
	s.flush(s.kiosk, s.gateway, s.hub)
}

// talk is one of each that a kiosk, a gateway and a hub say to each other.
func (s *street) talk() {
	s.t.Helper()
	say := func(nc *nats.Conn, subject string) {
		if err := nc.Publish(subject, []byte(secret)); err != nil {
			s.t.Fatal(err)
		}
	}
	ask := func(nc *nats.Conn, subject string) {
		ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
		defer cancel()
		if _, err := nc.RequestWithContext(ctx, subject, []byte(secret)); err != nil {
			s.silenced = append(s.silenced, subject)
		}
	}
	for _, kind := range []string{protocol.Purchase, protocol.Notify, protocol.Page} {
		ask(s.gateway, protocol.Request("NEIGHBOUR", kind))
	}
	ask(s.hub, protocol.Request("NEIGHBOUR", protocol.Do))
	ask(s.kiosk, protocol.Entry("NEIGHBOUR"))
	ask(s.kiosk, protocol.Ask("NEIGHBOUR"))
	ask(s.kiosk, protocol.Clock("G1"))
	say(s.kiosk, protocol.Status("NEIGHBOUR"))
	say(s.hub, protocol.Have("NEIGHBOUR"))
	say(s.hub, protocol.Hint("NEIGHBOUR"))
	say(s.hub, "$KV.want."+protocol.WantedOf("NEIGHBOUR"))
	s.flush(s.kiosk, s.gateway, s.hub)
}

// listen has the intruder subscribe to all of these, alone and in a group, and then the neighbours talk.
func (s *street) listen(patterns []string) {
	s.t.Helper()
	hear := func(m *nats.Msg) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if strings.Contains(string(m.Data), secret) {
			s.read = append(s.read, m.Subject)
		}
	}
	for _, pattern := range patterns {
		s.must(s.intruder.Subscribe(pattern, hear))
		s.flush(s.intruder)
		s.must(s.intruder.QueueSubscribe(pattern, "workers", hear))
		s.flush(s.intruder)
	}
	s.talk()
	s.flush(s.intruder)
}

// send has the intruder publish to all of these, and ask each for an answer.
func (s *street) send(subjects []string) {
	s.t.Helper()
	inbox := protocol.Inbox(s.intruder.Opts.Name) + ".answers"
	s.must(s.intruder.Subscribe(inbox, func(m *nats.Msg) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if strings.Contains(string(m.Data), secret) {
			s.read = append(s.read, "an answer")
		}
	}))
	for _, subject := range subjects {
		subject, body, _ := strings.Cut(subject, " ")
		if body == "" {
			body = "{}"
		}
		// the bodies are JSON, which may have spaces behind it and nothing else
		m := &nats.Msg{Subject: subject, Reply: inbox, Data: []byte(body), Header: nats.Header{"X": {forged}}}
		if err := s.intruder.PublishMsg(m); err != nil {
			s.t.Fatal(err)
		}
		if err := s.intruder.PublishRequest(subject, inbox, []byte(forged)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.flush(s.intruder, s.kiosk, s.hub, s.gateway, s.intruder, s.watch)
}

// streamsStand finds whether the streams are as they were made.
func (s *street) streamsStand() (said []string) {
	js, err := jetstream.New(s.watch)
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for info := range js.ListStreams(s.t.Context()).Info() {
		n++
		if c := info.State.Consumers; c != 0 {
			said = append(said, fmt.Sprintf("%s has %d consumers", info.Config.Name, c))
		}
		if info.Config.Name == "KV_"+protocol.Wanted && info.State.Msgs != 4 || info.Config.MaxMsgs == 1 {
			said = append(said, fmt.Sprintf("%s was changed: %+v", info.Config.Name, info))
		}
	}
	if n != 2 {
		said = append(said, fmt.Sprintf("there are %d streams", n))
	}
	return said
}

// breaches are what the intruder read of the others' and sent where only they may.
func (s *street) breaches(listen, send []string) (said []string) {
	s.t.Helper()
	s.send(send) // before he listens: a server bounds what one kiosk listens at
	s.listen(listen)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, subject := range s.read {
		said = append(said, "read "+subject)
	}
	for _, subject := range s.heard {
		said = append(said, "sent "+subject)
	}
	for _, subject := range s.silenced {
		said = append(said, "silenced "+subject)
	}
	return append(said, s.streamsStand()...)
}

// rescope changes what the users of a role may, and signs it.
func rescope(t *testing.T, role grants.Role, change func(*jwt.Permissions)) func(*grants.Fleet) {
	return func(f *grants.Fleet) {
		t.Helper()
		a, err := jwt.DecodeAccountClaims(f.Account)
		if err != nil {
			t.Fatal(err)
		}
		for _, scope := range a.SigningKeys {
			if s, ok := scope.(*jwt.UserScope); ok && s.Role == string(role) {
				change(&s.Template.Permissions)
			}
		}
		if f.Account, err = a.Encode(f.Signer); err != nil {
			t.Fatal(err)
		}
	}
}
