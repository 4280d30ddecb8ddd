package page

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"kioskd/internal/fleet/authority"
	"kioskd/internal/fleet/orders"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/people"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
)

// counter is a desk that gives commands over a real server to kiosk K1, which checks them as each kiosk does.
type counter struct {
	*desk
	server  *broker.Server
	key     authority.Key
	public  authority.Public
	nc      *nats.Conn // the kiosk's
	log     *strings.Builder
	restart func() // of the hub: another office, over another connection

	mu    sync.Mutex
	acts  []protocol.Command // by their order; a repeat is none
	by    []string
	hold  chan struct{} // when it is not nil, each command waits for it
	mute  bool          // it acts, and its answer is lost
	heard chan string   // ids as they come, repeats too
}

func (c *counter) obey(ctx context.Context, cmd protocol.Command, p protocol.Person) protocol.Outcome {
	c.mu.Lock()
	hold, known := c.hold, false
	for _, done := range c.acts {
		known = known || done.ID == cmd.ID
	}
	if !known {
		c.acts, c.by = append(c.acts, cmd), append(c.by, p.Name+" "+p.Role)
	}
	mute := c.mute
	c.mu.Unlock()
	select {
	case c.heard <- cmd.ID:
	default:
	}
	if hold != nil {
		<-hold
	}
	if mute {
		<-ctx.Done()
	}
	if cmd.Word == protocol.Resolve {
		return protocol.Outcome{ID: cmd.ID, Refusal: "no_doubt", Text: "the sale does not stand in doubt"}
	}
	return protocol.Outcome{ID: cmd.ID, Done: true}
}

func (c *counter) done() []protocol.Command {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]protocol.Command(nil), c.acts...)
}

func opened(t *testing.T) *counter {
	t.Helper()
	c := &counter{desk: slots(t), server: broker.Plain(t), heard: make(chan string, 64), log: &strings.Builder{}}
	c.now = time.Now()
	c.sale(1, 1, "charged", 1500, "A1", "Water", c.now)
	c.sale(1, 2, "in_doubt", 1500, "A1", "Water", c.now)
	c.look()
	c.page.Log = zerolog.New(zerolog.SyncWriter(c.log))
	var err error
	if c.key, err = authority.Make(); err != nil {
		t.Fatal(err)
	}
	if c.public, err = c.key.Public(); err != nil {
		t.Fatal(err)
	}
	connect := func(user string) *nats.Conn {
		nc, err := nats.Connect("nats://"+c.server.Address, nats.CustomInboxPrefix(protocol.Inbox(user)),
			nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectBufSize(-1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	c.nc = connect("K1")
	c.restart = func() {
		o := &office.Office{Store: c.store, NATS: connect("hub"), Authority: c.key, Name: office.NewID(), Now: time.Now}
		if err := o.Serve(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.page.Office = func() *office.Office { return o }
	}
	c.restart()
	return c
}

// serve has the kiosk take commands until the test ends or stop is called.
func (c *counter) serve() (stop func()) {
	c.t.Helper()
	began := time.Now()
	kiosk := orders.New(orders.Config{ID: "K1", Desk: c.public, Now: func() time.Duration { return time.Since(began) },
		Wall: time.Now, Synced: func() bool { return true }, Obey: c.obey, Log: zerolog.Nop()})
	ctx, cancel := context.WithCancel(c.t.Context())
	ended, before := make(chan struct{}), c.nc.NumSubscriptions()
	go func() {
		defer close(ended)
		if err := kiosk.Serve(ctx, c.nc); err != nil {
			c.t.Error(err)
		}
	}()
	await.Until(c.t, "the kiosk listens", func() bool { return c.nc.NumSubscriptions() > before })
	if err := c.nc.Flush(); err != nil {
		c.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	c.t.Cleanup(stop)
	return stop
}

// fill opens a command's form and fills it in.
func (c *counter) fill(path string, more ...string) url.Values {
	c.t.Helper()
	got := c.get(path)
	form := hidden(got.body)
	if got.code != 200 || form.Get("id") == "" {
		c.t.Fatalf("%s: %d, %s", path, got.code, got.body)
	}
	form.Set("reason", `recall "Ä" <1>`)
	form.Set("password", password)
	for n := 0; n+1 < len(more); n += 2 {
		form.Set(more[n], more[n+1])
	}
	return form
}

// follow sends a form, and gives the page that it leads to.
func (c *counter) follow(path string, form url.Values) answer {
	c.t.Helper()
	got := c.ask(http.MethodPost, path, form)
	if got.code != http.StatusSeeOther {
		return got
	}
	return c.get(got.header.Get("Location"))
}

// TestACommandOfTheDeskIsCarriedOutOnce, however often its form is sent, and is shown with who and why.
func TestACommandOfTheDeskIsCarriedOutOnce(t *testing.T) {
	c := opened(t)
	c.serve()
	c.signIn("olle")
	form := c.fill("/m/1/do/out_of_service")
	var clicks sync.WaitGroup
	for range 3 { // at once
		clicks.Go(func() {
			if got := c.ask(http.MethodPost, "/m/1/do/out_of_service", form); got.code != http.StatusSeeOther {
				t.Errorf("%d: %s", got.code, got.body)
			}
		})
	}
	clicks.Wait()
	got := c.follow("/m/1/do/out_of_service", form) // and a reload
	if got.code != 200 || !strings.Contains(got.body, ">done<") || !strings.Contains(unescape(got.body),
		`recall "Ä" <1>`) || !strings.Contains(got.body, "<dd>olle</dd>") {
		t.Errorf("%d: %s", got.code, got.body)
	}
	if acts := c.done(); len(acts) != 1 || acts[0].Word != protocol.OutOfService || c.by[0] != "olle operate" {
		t.Fatalf("it did %+v, %v", acts, c.by)
	}
	// the way back, and something else in the same form
	other := c.fill("/m/1/sales/1.1/do/refund", "amount", "5.00")
	if got := c.follow("/m/1/sales/1.1/do/refund", other); got.code != 200 || !strings.Contains(got.body, ">done<") {
		t.Errorf("%d: %s", got.code, got.body)
	}
	other.Set("amount", "10.00")
	if got := c.follow("/m/1/sales/1.1/do/refund", other); got.code != http.StatusConflict ||
		!strings.Contains(got.body, "has given another command already") || strings.Contains(got.body, "<button>Give") {
		t.Errorf("%d: %s", got.code, got.body)
	}
	other.Set("amount", "")
	if got := c.follow("/m/1/do/out_of_service", other); got.code != http.StatusConflict {
		t.Errorf("its id for another command: %d: %s", got.code, got.body)
	}
	if acts := c.done(); len(acts) != 2 || acts[1].Amount != "5.00" || acts[1].Sale != "1.1" {
		t.Errorf("it did %+v", acts)
	}
	got = c.get("/m/1")
	for _, want := range []string{"Take out of service", "Give money back: 5.00 <small>1.1</small>", "done, or begun"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the machine's page lacks %q: %s", want, got.body)
		}
	}
}

// TestWhoMayNotGivesNoCommand: a wrong password, a role that is too small, one that the file has taken back.
func TestWhoMayNotGivesNoCommand(t *testing.T) {
	c := opened(t)
	c.serve()
	c.signIn("olle")
	const wrong = "wrong horse battery"
	got := c.follow("/m/1/do/back", c.fill("/m/1/do/back", "password", wrong))
	if got.code != http.StatusUnauthorized || !strings.Contains(unescape(got.body), `value="recall "Ä" <1>"`) {
		t.Errorf("%d: %s", got.code, got.body)
	}
	if strings.Contains(got.body, wrong) || strings.Contains(c.log.String(), wrong) {
		t.Error("a password is told")
	}
	by := c.fill("/m/1/sales/1.2/do/resolve", "decision", "charge", "by_hand", "yes")
	if got := c.follow("/m/1/sales/1.2/do/resolve", by); got.code != http.StatusForbidden {
		t.Errorf("by hand: %d, %s", got.code, got.body)
	}
	if got := c.get("/m/1/sales/1.2/do/resolve"); strings.Contains(got.body, "by_hand") {
		t.Error("who may not settle by hand is offered it")
	}
	for range 20 { // as often as signing in may fail, and no more
		got = c.follow("/m/1/do/back", c.fill("/m/1/do/back", "password", wrong))
	}
	if got.code != http.StatusTooManyRequests {
		t.Errorf("wrong all the time: %d", got.code)
	}
	if got = c.follow("/m/1/do/back", c.fill("/m/1/do/back")); got.code != http.StatusTooManyRequests {
		t.Errorf("after that the right one: %d", got.code)
	}
	if acts := c.done(); len(acts) != 0 {
		t.Errorf("it did %+v", acts)
	}
	c.now = c.now.Add(time.Hour)
	c.signIn("anna")
	const resolve = "/m/1/sales/1.2/do/resolve"
	got = c.follow(resolve, c.fill(resolve, "decision", "charge", "by_hand", "yes"))
	if acts := c.done(); len(acts) != 1 || !acts[0].ByHand || !strings.Contains(got.body, "no doubt") ||
		!strings.Contains(got.body, "final") {
		t.Errorf("an admin: %+v, %s", acts, got.body)
	}
}

// TestWhatIsWrongInACommandIsSaidAtItsField, and nothing is sent.
func TestWhatIsWrongInACommandIsSaidAtItsField(t *testing.T) {
	c := opened(t)
	c.serve()
	c.signIn("anna")
	c.exec("UPDATE sales SET refunded = 500 WHERE sale = '1.1'")
	const refund = "/m/1/sales/1.1/do/refund"
	for _, one := range []struct {
		path, name, value, says string
	}{
		{"/m/1/do/back", "reason", " ", "say why"},
		{"/m/1/do/back", "reason", "a\nb", "say why"},
		{"/m/1/do/back", "reason", strings.Repeat("x", 401), "say why"},
		{"/m/1/sales/1.2/do/resolve", "decision", "", "choose one"},
		{"/m/1/sales/1.2/do/resolve", "decision", "destroy", "choose one"},
		{refund, "amount", "17,5", "digits and a point, as 10.00"},
		{refund, "amount", "-1", "digits and a point, as 10.00"},
		{refund, "amount", "0.00", "that is nothing"},
		{refund, "amount", "10.01", "more than is left of it: 10.00"},
	} {
		form := c.fill(one.path, one.name, one.value)
		got := c.follow(one.path, form)
		if got.code != http.StatusUnprocessableEntity || !strings.Contains(got.body, one.says) ||
			hidden(got.body).Get("id") != form.Get("id") || strings.Contains(got.body, password) {
			t.Errorf("%+v: %d, %s", one, got.code, got.body)
		}
	}
	for _, id := range []string{"", "x", "C.1", strings.Repeat("C", 90)} {
		if got := c.follow("/m/1/do/back", c.fill("/m/1/do/back", "id", id)); got.code != http.StatusBadRequest {
			t.Errorf("id %q: %d", id, got.code)
		}
	}
	for _, path := range []string{"/m/1/do/dance", "/m/1/do/refund", "/m/1/sales/1.1/do/back",
		"/m/1/sales/none/do/refund", "/m/9/do/back", "/m/1/commands/Cnone"} {
		if got := c.get(path); got.code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.code)
		}
	}
	if acts := c.done(); len(acts) != 0 {
		t.Errorf("it did %+v", acts)
	}
}

// TestWithoutAnAnswerItMayHaveBeenDoneAndTheRepeatActsOnce: the kiosk is silent, and the hub is another one by then.
func TestWithoutAnAnswerItMayHaveBeenDoneAndTheRepeatActsOnce(t *testing.T) {
	c := opened(t)
	c.signIn("olle")
	form := c.fill("/m/1/do/back")
	c.restart() // between the form and its sending
	got := c.follow("/m/1/do/back", form)
	if got.code != 200 || !strings.Contains(got.body, `http-equiv="refresh" content="3"`) {
		t.Fatalf("an answer may still come: %d, %s", got.code, got.body)
	}
	c.now = c.now.Add(time.Minute)
	link := "/m/1/commands/" + form.Get("id")
	got = c.get(link)
	if !strings.Contains(got.body, "may have been done all the same") || !strings.Contains(got.body, "Send it again") {
		t.Fatalf("%s", got.body)
	}
	c.serve()
	c.restart()
	if got = c.follow(link, url.Values{"password": {"wrong horse battery"}}); got.code != http.StatusUnauthorized {
		t.Errorf("%d: %s", got.code, got.body)
	}
	for range 2 { // and it is reloaded
		got = c.follow(link, url.Values{"password": {password}})
		if got.code != 200 || !strings.Contains(got.body, ">done<") {
			t.Errorf("%d: %s", got.code, got.body)
		}
	}
	if acts := c.done(); len(acts) != 1 || acts[0].ID != form.Get("id") || acts[0].Reason != `recall "Ä" <1>` {
		t.Errorf("it did %+v", acts)
	}
	c.exec("UPDATE commands SET answered = NULL")
	c.now = c.now.Add(25 * time.Hour)
	c.signIn("olle")
	if got = c.get(link); !strings.Contains(got.body, "has not answered") ||
		strings.Contains(got.body, "Send it again") {
		t.Errorf("a command that a machine may have forgotten is offered again: %s", got.body)
	}
}

// TestACommandWhoseAnswersAreLostActsOnce: it is sent three times by itself, and again by a person.
func TestACommandWhoseAnswersAreLostActsOnce(t *testing.T) {
	t.Parallel() // it waits most of the time
	c := opened(t)
	c.mute = true
	c.serve()
	c.signIn("olle")
	form := c.fill("/m/1/do/out_of_service")
	if got := c.follow("/m/1/do/out_of_service", form); got.code != 200 || strings.Contains(got.body, ">done<") {
		t.Errorf("%d: %s", got.code, got.body)
	}
	c.mu.Lock()
	c.mute = false
	c.mu.Unlock()
	c.now = c.now.Add(time.Minute)
	got := c.follow("/m/1/commands/"+form.Get("id"), url.Values{"password": {password}})
	if !strings.Contains(got.body, ">done<") {
		t.Errorf("%d: %s", got.code, got.body)
	}
	if acts := c.done(); len(acts) != 1 || len(c.heard) < 4 {
		t.Errorf("it heard it %d times, and did %+v", len(c.heard), acts)
	}
}

// TestNothingIsSentWhenItCannotBe: without the servers, the database, an authority, or to who is shut out.
func TestNothingIsSentWhenItCannotBe(t *testing.T) {
	c := opened(t)
	c.serve()
	c.signIn("olle")
	form := c.fill("/m/1/do/restart")
	c.exec("ALTER TABLE commands RENAME TO away")
	got := c.follow("/m/1/do/restart", form)
	c.exec("ALTER TABLE away RENAME TO commands")
	kept := hidden(got.body)
	if got.code != http.StatusServiceUnavailable || kept.Get("reason") != form.Get("reason") || kept.Has("password") {
		t.Errorf("%d: %s", got.code, got.body)
	}
	if got = c.follow("/m/1/do/restart", kept); got.code != http.StatusUnprocessableEntity { // but the password
		t.Errorf("%d: %s", got.code, got.body)
	}
	of := c.page.Office
	c.page.Office = func() *office.Office { return nil }
	if got = c.follow("/m/1/do/restart", form); got.code != http.StatusServiceUnavailable ||
		!strings.Contains(got.body, "no connection to the fleet") || hidden(got.body).Get("id") != form.Get("id") {
		t.Errorf("%d: %s", got.code, got.body)
	}
	c.page.Office = of
	c.server.Kill()
	await.Until(t, "the hub notices", func() bool { return !of().NATS.IsConnected() })
	if got = c.follow("/m/1/do/restart", form); got.code != http.StatusServiceUnavailable {
		t.Errorf("%d: %s", got.code, got.body)
	}
	c.exec("UPDATE machines SET key = 'UX' WHERE kiosk = 'K1'")
	c.put("revoked (key, kiosk, at, by)", "UX", "K1", 0, "anna")
	if got = c.get("/m/1/do/restart"); !strings.Contains(got.body, "shut out of the fleet") ||
		strings.Contains(got.body, `name="password"`) {
		t.Errorf("%s", got.body)
	}
	if got = c.follow("/m/1/do/restart", form); got.code != http.StatusConflict {
		t.Errorf("%d: %s", got.code, got.body)
	}
	c.page.Office = nil
	for _, path := range []string{"/m/1/do/restart", "/m/1"} {
		if got = c.get(path); !strings.Contains(got.body, "names no [desk] authority") {
			t.Errorf("%s: %s", path, got.body)
		}
	}
	if acts := c.done(); len(acts) != 0 {
		t.Errorf("it did %+v", acts)
	}
	if all, err := c.store.Orders(t.Context(), "K1", 10); err != nil || len(all) != 0 {
		t.Errorf("on record are %+v, %v", all, err)
	}
}

// TestAnAnswerThatCannotBeWrittenDownIsSaidAllTheSame: the database goes while the machine acts.
func TestAnAnswerThatCannotBeWrittenDownIsSaidAllTheSame(t *testing.T) {
	c := opened(t)
	c.hold = make(chan struct{})
	c.serve()
	c.signIn("olle")
	form := c.fill("/m/1/do/back")
	said := make(chan answer)
	go func() { said <- c.ask(http.MethodPost, "/m/1/do/back", form) }()
	<-c.heard
	c.exec("ALTER TABLE commands RENAME TO away")
	close(c.hold)
	if got := <-said; got.code != http.StatusServiceUnavailable || !strings.Contains(got.body,
		"The machine has answered: done, or begun") {
		t.Errorf("%d: %s", got.code, got.body)
	}
}

// TestWhoSignedInElsewhereSignsWithANameOfTheFile: this hub has no password of theirs, and signs for nobody by itself.
func TestWhoSignedInElsewhereSignsWithANameOfTheFile(t *testing.T) {
	c := opened(t)
	c.serve()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	const issuer = "https://id.example" // which is not asked: the session is there
	var err error
	c.page.Door, err = people.New(people.Config{PublicURL: c.desk.server.URL, Users: c.users, OIDC: people.OIDC{
		Issuer: issuer, ClientID: "hub", ClientSecretFile: secret, Operate: []string{"desk"}}},
		people.Parts{Sessions: c.store, Now: func() time.Time { return c.now }, Log: c.page.Log})
	if err != nil {
		t.Fatal(err)
	}
	const token = "TOKEN"
	hash := sha256.Sum256([]byte(token))
	carl := people.Person{Name: "carl@example.org", Role: people.Operate, By: issuer, Mark: "42"}
	if err := c.store.KeepSession(t.Context(), hash[:], carl, c.now, c.now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(c.desk.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.browser.Jar.SetCookies(at, []*http.Cookie{{Name: "kioskhub", Value: token, Path: "/"}})
	c.put("users (name, role, hash, subject, made)", "anna", "look", "", issuer+" 43", 0) // another anna
	if got := c.get("/m/1/do/back"); !strings.Contains(got.body, "Your name in the file of users") {
		t.Fatalf("%s", got.body)
	}
	for _, one := range []struct {
		name, says string
		code       int
	}{{"", "by which name", http.StatusUnprocessableEntity}, {"anna", "OpenID Connect", http.StatusConflict},
		{"carl@example.org", "is wrong", http.StatusUnauthorized},
		{"lisa", "has the role look", http.StatusForbidden}, {"olle", "<dd>olle</dd>", http.StatusOK}} {
		got := c.follow("/m/1/do/back", c.fill("/m/1/do/back", "name", one.name))
		if got.code != one.code || !strings.Contains(got.body, one.says) {
			t.Errorf("%q: %d, %s", one.name, got.code, got.body)
		}
	}
	if acts := c.done(); len(acts) != 1 || c.by[0] != "olle operate" {
		t.Errorf("it did %+v, %v", acts, c.by)
	}
	if !strings.Contains(c.log.String(), `"name":"olle","session":"carl@example.org"`) {
		t.Errorf("the log does not say who it was: %s", c.log)
	}
}

// TestARefusalThatIsNotOnRecordDoesNotHideWhatWasDone: a command acted and its answer was lost, and its repeat came to
// a machine that could not judge its age. Who is told that it was refused would give the money back once more.
func TestARefusalThatIsNotOnRecordDoesNotHideWhatWasDone(t *testing.T) {
	t.Parallel() // it waits most of the time
	c := opened(t)
	var came atomic.Int32
	_, err := c.nc.Subscribe(protocol.Request("K1", protocol.Do), func(m *nats.Msg) {
		if came.Add(1) > 1 {
			_ = m.Respond([]byte(`{"done":false,"refusal":"expired","text":"its clock cannot be had"}`))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	c.signIn("olle")
	const refund = "/m/1/sales/1.1/do/refund"
	form := c.fill(refund, "amount", "5.00")
	got := c.follow(refund, form)
	if n := came.Load(); n < 2 {
		t.Fatalf("it came %d times", n)
	}
	if o, err := c.store.Order(t.Context(), "K1", form.Get("id")); err != nil || o.Ended {
		t.Errorf("on record is %+v, %v: %d", o.Outcome, err, got.code)
	}
}

// TestWhoGivesMoneyBackKnowsWhatOthersDid: two forms of one sale, of which the second was opened before the first was
// sent.
func TestWhoGivesMoneyBackKnowsWhatOthersDid(t *testing.T) {
	c := opened(t)
	c.serve()
	c.signIn("olle")
	const refund = "/m/1/sales/1.1/do/refund"
	one, other := c.fill(refund, "amount", "5.00"), c.fill(refund, "amount", "5.00")
	if got := c.follow(refund, one); got.code != http.StatusOK {
		t.Fatalf("%d: %s", got.code, got.body)
	}
	got := c.follow(refund, other)
	if got.code != http.StatusConflict || !strings.Contains(got.body, "since you opened this form") {
		t.Errorf("the other: %d: %s", got.code, got.body)
	}
	if acts := c.done(); len(acts) != 1 {
		t.Fatalf("it did %+v", acts)
	}
	again := hidden(got.body) // it is right all the same
	again.Set("reason", "the second one was warm, too")
	again.Set("amount", "5.00")
	again.Set("password", password)
	if got = c.follow(refund, again); got.code != http.StatusOK || len(c.done()) != 2 {
		t.Errorf("%d, %+v: %s", got.code, c.done(), got.body)
	}
}

// TestANameThatIsAnothersIsSaid: who gets no session for that is not told of a database.
func TestANameThatIsAnothersIsSaid(t *testing.T) {
	d := slots(t)
	d.put("users (name, role, hash, subject, made)", "anna", "look", "", "https://id.example 43", 0)
	got := d.ask(http.MethodPost, "/sign-in", url.Values{"name": {"anna"}, "password": {password}})
	if got.code != http.StatusConflict || !strings.Contains(unescape(got.body), people.ErrTaken.Error()) {
		t.Errorf("%d: %s", got.code, got.body)
	}
}
