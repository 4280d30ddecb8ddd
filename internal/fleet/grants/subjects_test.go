package grants_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/protocol"
)

// others are all subjects that a kiosk could listen at to hear another, or everybody.
func others() []string {
	return []string{
		">", "*", "*.*", "*.*.*", "*.NEIGHBOUR", "*.NEIGHBOUR.>", "k.>", "k.*.*", "k.*.purchase", "k.NEIGHBOUR.>",
		"k.NEIGHBOUR.*", "k.NEIGHBOUR.purchase", "k.NEIGHBOUR.notify", "k.NEIGHBOUR.page", "k.NEIGHBOUR.do",
		"j.>", "j.*", "j.NEIGHBOUR", "s.>", "s.*", "s.NEIGHBOUR", "ask.>", "ask.*", "ask.NEIGHBOUR",
		"have.>", "have.*", "have.NEIGHBOUR", "hint.>", "hint.*", "hint.NEIGHBOUR", "g.>", "g.*.clock", "g.G1.clock",
		"_I.>", "_I.*", "_I.*.>", "_I.NEIGHBOUR.>", "_I.NEIGHBOUR.*", "_I.gateway-1.>", "_I.hub-1.>",
		"_I.the-gates.>", "_INBOX.>", "_R_.>", "_GR_.>", "$KV.>", "$KV.want.>", "$KV.want.k.NEIGHBOUR", "$SRV.>",
		"$SYS.>", "$SYS.ACCOUNT.>", "$SYS.REQ.>", "$JS.>", "$JS.API.>", "$JS.ACK.>", "$JS.EVENT.>", "$JSC.>", "$NRG.>",
	}
}

// theirs are all subjects that only another may send to. What follows a space is the body of a request.
func theirs() []string {
	const direct = "$JS.API.DIRECT.GET."
	return []string{
		"k.NEIGHBOUR.purchase", "k.NEIGHBOUR.notify", "k.NEIGHBOUR.page", "k.NEIGHBOUR.do", "k.NEIGHBOUR.x",
		"k.INTRUDER.do", "k.INTRUDER.purchase", "have.INTRUDER", "hint.INTRUDER",
		"j.NEIGHBOUR", "s.NEIGHBOUR", "ask.NEIGHBOUR", "have.NEIGHBOUR", "hint.NEIGHBOUR", "hint.group.north",
		"hint.all", "j.INTRUDER.x", "j", "s", "g.G1", "g.G1.clock.x",
		"_I.NEIGHBOUR.x", "_I.the-gates.x", "_I.gateway-1.x", "_I.hub-1.x", "_INBOX.x", "_R_.x",
		"$KV.want.k.NEIGHBOUR", "$KV.want.k.INTRUDER", "$KV.want.g.north", "$KV.want.all",
		direct + "KV_want.$KV.want.k.NEIGHBOUR", direct + "KV_want.$KV.want.k.*", direct + "KV_want.$KV.want.>",
		direct + `KV_want {"last_by_subj":"$KV.want.k.NEIGHBOUR"}`, direct + `KV_want {"multi_last":["$KV.want.>"]}`,
		direct + `KV_want {"seq":1}`, direct + "JOURNAL.j.NEIGHBOUR", direct + `JOURNAL {"seq":1}`,
		direct + `JOURNAL {"next_by_subj":">"}`,
		`$JS.API.STREAM.MSG.GET.JOURNAL {"seq":1}`, `$JS.API.STREAM.MSG.GET.KV_want {"seq":1}`,
		`$JS.API.STREAM.MSG.DELETE.KV_want {"seq":1}`, "$JS.API.STREAM.PURGE.KV_want", "$JS.API.STREAM.PURGE.JOURNAL",
		"$JS.API.STREAM.DELETE.KV_want", "$JS.API.STREAM.DELETE.JOURNAL", "$JS.API.STREAM.LIST",
		"$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.JOURNAL", `$JS.API.STREAM.INFO.KV_want {"subjects_filter":">"}`,
		`$JS.API.STREAM.CREATE.MINE {"name":"MINE","subjects":["have.NEIGHBOUR"]}`,
		`$JS.API.STREAM.UPDATE.JOURNAL {"name":"JOURNAL","subjects":["j.*"],"max_msgs":1}`,
		"$JS.API.STREAM.SNAPSHOT.JOURNAL", "$JS.API.STREAM.RESTORE.MINE", "$JS.API.STREAM.LEADER.STEPDOWN.JOURNAL",
		`$JS.API.CONSUMER.CREATE.JOURNAL {"stream_name":"JOURNAL","config":{"deliver_subject":"_I.INTRUDER.answers"}}`,
		`$JS.API.CONSUMER.CREATE.JOURNAL.mine {"stream_name":"JOURNAL","config":{"name":"mine"}}`,
		"$JS.API.CONSUMER.DURABLE.CREATE.JOURNAL.mine", "$JS.API.CONSUMER.LIST.JOURNAL",
		"$JS.API.CONSUMER.NAMES.JOURNAL", "$JS.API.CONSUMER.INFO.JOURNAL.hub", "$JS.API.CONSUMER.DELETE.JOURNAL.hub",
		"$JS.API.CONSUMER.MSG.NEXT.JOURNAL.hub", "$JS.API.INFO", "$JS.API.ACCOUNT.PURGE.FLEET",
		"$JS.API.SERVER.REMOVE", "$JS.API.META.LEADER.STEPDOWN", "$JS.ACK.JOURNAL.hub.1.1.1.1.1",
		"$SYS.REQ.CLAIMS.UPDATE", "$SYS.REQ.SERVER.PING", "$SYS.REQ.USER.INFO.x", "$SRV.PING",
	}
}

// TestAKioskNeitherReadsNorWritesAnothers is the promise to whoever shares a fleet with a kiosk that was broken open.
func TestAKioskNeitherReadsNorWritesAnothers(t *testing.T) {
	s := live(t, build(t), grants.Kiosk, "INTRUDER", nil)
	if said := s.breaches(others(), theirs()); len(said) > 0 {
		t.Errorf("a kiosk can: %s", strings.Join(said, "\n\t"))
	}
}

// TestALeakInTheGrantsIsSeen opens one door each, and looks for who goes through.
func TestALeakInTheGrantsIsSeen(t *testing.T) {
	program := build(t)
	hears := func(subject string) func(*jwt.Permissions) {
		return func(p *jwt.Permissions) { p.Sub.Allow.Add(subject) }
	}
	sends := func(subject string) func(*jwt.Permissions) {
		return func(p *jwt.Permissions) { p.Pub.Allow.Add(subject) }
	}
	for name, c := range map[string]struct {
		allow func(*jwt.Permissions)
		want  string
	}{
		"shared inboxes":      {hears("_I.>"), "read _I."},
		"all requests":        {hears("k.*.*"), "read k.NEIGHBOUR.purchase"},
		"all that is had":     {hears("have.*"), "read have.NEIGHBOUR"},
		"all journals":        {sends("j.*"), "sent j.NEIGHBOUR"},
		"all keys":            {sends("$JS.API.DIRECT.GET.KV_want.>"), "read an answer"},
		"a body for a key":    {sends("$JS.API.DIRECT.GET.KV_want"), "read an answer"},
		"consumers":           {sends("$JS.API.CONSUMER.>"), "JOURNAL has"},
		"streams":             {sends("$JS.API.STREAM.>"), "there are"},
		"no list of subjects": {func(p *jwt.Permissions) { *p = jwt.Permissions{} }, "sent k.NEIGHBOUR.do"},
	} {
		t.Run(name, func(t *testing.T) {
			s := live(t, program, grants.Kiosk, "INTRUDER", rescope(t, grants.Kiosk, c.allow))
			said := s.breaches(others(), theirs())
			if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, c.want) }) {
				t.Errorf("nobody said %q, but %q", c.want, said)
			}
		})
	}
}

// TestAKioskDoesWhatItIsThereFor is the other half: the same subjects, its own.
func TestAKioskDoesWhatItIsThereFor(t *testing.T) {
	s := live(t, build(t), grants.Kiosk, "K1", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for subject, want := range map[string]string{
		protocol.Entry("K1"): `"stream":"JOURNAL"`, protocol.Ask("K1"): `{"seq":3}`, protocol.Clock("G1"): "17",
		protocol.WantedAt(protocol.WantedOfAll):            "everybody's",
		protocol.WantedAt(protocol.WantedOfGroup("north")): "ours",
	} {
		m, err := s.intruder.RequestWithContext(ctx, subject, nil)
		if err != nil || !strings.Contains(string(m.Data), want) {
			t.Errorf("%s: %v, %v; want %q", subject, m, err, want)
		}
	}
	m, err := s.intruder.RequestWithContext(ctx, protocol.WantedAt(protocol.WantedOf("K1")), nil)
	if err != nil || m.Header.Get("Status") != "404" {
		t.Errorf("what is wanted of it, when nothing is: %v, %v", m, err)
	}
	heard := make(chan string, 16)
	for _, subject := range []string{protocol.Have("K1"), protocol.Hint("K1"), protocol.HintGroup("north"),
		protocol.HintAll} {
		s.must(s.intruder.Subscribe(subject, func(m *nats.Msg) { heard <- m.Subject }))
	}
	const parts = 40
	s.must(s.intruder.Subscribe(protocol.Requests("K1"), func(m *nats.Msg) {
		for range parts {
			m.Respond([]byte("part"))
		}
	}))
	s.flush(s.intruder)
	for _, subject := range []string{protocol.Have("K1"), protocol.Hint("K1"), protocol.HintGroup("north"),
		protocol.HintAll} {
		if err := s.hub.Publish(subject, nil); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-heard:
			if got != subject {
				t.Errorf("%s was heard as %s", subject, got)
			}
		case <-ctx.Done():
			t.Fatalf("%s is not heard", subject)
		}
	}
	for _, kind := range []string{protocol.Purchase, protocol.Notify, protocol.Page} {
		answerInParts(ctx, t, s.gateway, protocol.Request("K1", kind), parts)
	}
	answerInParts(ctx, t, s.hub, protocol.Request("K1", protocol.Do), parts)
}

func answerInParts(ctx context.Context, t *testing.T, by *nats.Conn, subject string, parts int) {
	t.Helper()
	inbox := by.NewRespInbox()
	sub, err := by.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	if err := by.PublishRequest(subject, inbox, nil); err != nil {
		t.Fatal(err)
	}
	for n := range parts {
		if _, err := sub.NextMsgWithContext(ctx); err != nil {
			t.Fatalf("%s: part %d of %d: %v", subject, n, parts, err)
		}
	}
}

// TestAGatewayCommandsNobodyAndReadsNoJournal: it stands in the open.
func TestAGatewayCommandsNobodyAndReadsNoJournal(t *testing.T) {
	s := live(t, build(t), grants.Gateway, "gateway-2", nil)
	listen := slices.DeleteFunc(others(), func(s string) bool {
		return s == "g.*.clock" || s == "g.G1.clock" || s == "_I.the-gates.>"
	})
	send := slices.DeleteFunc(theirs(), func(s string) bool {
		return strings.HasPrefix(s, "k.") && !strings.HasSuffix(s, ".do")
	})
	send = append(send, "k.NEIGHBOUR.do.x", "j.INTRUDER", "s.INTRUDER", "ask.INTRUDER", "g.G1.clock",
		protocol.WantedAt(protocol.WantedOf("NEIGHBOUR")), protocol.WantedAt(protocol.WantedOfAll))
	if said := s.breaches(listen, send); len(said) > 0 {
		t.Errorf("a gateway can: %s", strings.Join(said, "\n\t"))
	}
}

// TestAHubBuysNothingAndForgesNoEntry: whoever has its credentials cannot sell, nor write a kiosk's record.
func TestAHubBuysNothingAndForgesNoEntry(t *testing.T) {
	s := live(t, build(t), grants.Hub, "hub-2", nil)
	for _, subject := range []string{
		">", "k.>", "k.*.purchase", "k.*.do", "j.>", "have.*", "hint.>", "g.>", "_I.>", "_I.hub-1.>",
		"_I.gateway-1.>", "_I.NEIGHBOUR.>", "$KV.>", "$JS.>", "$SYS.>",
	} {
		if sub, err := s.intruder.Subscribe(subject, func(m *nats.Msg) {
			t.Errorf("a hub hears %s at %s", m.Subject, subject)
		}); err != nil {
			t.Fatal(sub, err)
		}
	}
	s.flush(s.intruder)
	s.talk()
	s.send([]string{
		"k.NEIGHBOUR.purchase", "k.NEIGHBOUR.notify", "k.NEIGHBOUR.page", "j.NEIGHBOUR", "s.NEIGHBOUR",
		"ask.NEIGHBOUR", "g.G1.clock", "_I.NEIGHBOUR.x", "_I.gateway-1.x", "$JS.API.STREAM.DELETE.JOURNAL",
		"$JS.API.STREAM.PURGE.JOURNAL", "$JS.API.STREAM.CREATE.MINE", "$JS.API.STREAM.DELETE.KV_want",
		"$SYS.REQ.CLAIMS.UPDATE", "$JS.API.ACCOUNT.PURGE.FLEET",
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.heard) > 0 {
		t.Errorf("a hub can send: %q", s.heard)
	}
}

// TestAnAnswerThatIsSentToAnotherSaysNothingThere: the servers do not check which subject an asker names for the
// answer, so what they and a gateway answer can be had sent to another kiosk. None of it may be taken for a hub's word.
func TestAnAnswerThatIsSentToAnotherSaysNothingThere(t *testing.T) {
	s := live(t, build(t), grants.Kiosk, "INTRUDER", nil)
	got := make(chan *nats.Msg, 16)
	s.must(s.watch.ChanSubscribe(protocol.Have("NEIGHBOUR"), got))
	s.flush(s.watch)
	for _, subject := range []string{
		protocol.Entry("INTRUDER"), protocol.Clock("G1"), protocol.WantedAt(protocol.WantedOfAll),
		protocol.WantedAt(protocol.WantedOf("NOBODY")),
	} {
		if err := s.intruder.PublishRequest(subject, protocol.Have("NEIGHBOUR"), nil); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // the fourth may not be asked for
		select {
		case m := <-got:
			if h, err := protocol.ReadHeld(m.Data); err == nil {
				t.Errorf("%q is taken for %+v", m.Data, h)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the servers check now where an answer is wanted: protocol.OwnInbox need not be")
		}
	}
}
