package fleet

// Where the money rules of a fleet stand.
const (
	outboxFile    = "internal/fleet/outbox.go"
	deliverFile   = "internal/fleet/deliver.go"
	protocolFile  = "internal/fleet/protocol/protocol.go"
	pruneFile     = "internal/journal/prune.go"
	takeFile      = "internal/hub/store/take.go"
	batchFile     = "internal/hub/collect/batch.go"
	chainFile     = "internal/chain/chain.go"
	ageFile       = "internal/fleet/relay/age.go"
	relayFile     = "internal/fleet/relay/relay.go"
	gateFile      = "internal/gate/gate.go"
	scopesFile    = "internal/fleet/grants/scopes.go"
	collectorTest = "internal/hub/collect"
	storeTest     = "internal/hub/store"
	outboxTest    = "internal/fleet"
	relayTest     = "internal/fleet/relay"
	gateTest      = "internal/gate"
)

// sabotages are mistakes with the money rules of a fleet, each with the test that must see it.
func sabotages() []sabotage {
	return append(append(kioskSabotages(), hubSabotages()...), requestSabotages()...)
}

// kioskSabotages are about what a kiosk believes to be held.
func kioskSabotages() []sabotage {
	return []sabotage{
		{name: "broker-is-believed", what: "the broker's acknowledgement moves the cursor",
			in: outboxTest, test: "TestABrokersAcknowledgementIsNoProof", edits: []edit{{deliverFile,
				`	default:
		d.troubled("")
		return
	}
`, `	default:
		d.troubled("")
		d.mu.Lock()
		d.held.Seq = d.sent
		d.mu.Unlock()
		return
	}
`}}},
		{name: "held-never-goes-back", what: "a restored database's word is not obeyed",
			in: outboxTest, test: "TestADatabaseThatWentBackIsFilledAgain", edits: []edit{{outboxFile,
				`	if mine {
		o.held, o.known = h, true
	}`, `	if mine && h.Seq >= before {
		o.held, o.known = h, true
	}`}}},
		{name: "round-is-not-named", what: "an entry that is sent again has the same message id",
			in: outboxTest, test: "TestADatabaseThatWentBackIsFilledAgain", edits: []edit{{protocolFile,
				`fmt.Sprintf("%s:%d:%d", kiosk, seq, round)`, `fmt.Sprintf("%s:%d:%d", kiosk, seq, 0*round)`}}},
		{name: "fork-is-not-heard", what: "the word that there is another machine with this id is passed over",
			in: outboxTest, test: "TestAnotherJournalWithThisIDIsSeen", edits: []edit{{outboxFile,
				`	mine := !h.Fork
`, `	h.Fork = false
	mine := !h.Fork
`}}},
		{name: "anothers-journal-is-taken-for-ours", what: "what is held is not compared with the own journal",
			in: outboxTest, test: "TestAnotherJournalWithThisIDIsSeen", edits: []edit{{outboxFile,
				`return hex.EncodeToString(copies[0].Hash) == h.Hash, nil`,
				`return hex.EncodeToString(copies[0].Hash) != "", nil`}}},
		{name: "prune-ignores-the-cursor", what: "old entries go although the operator has not got them",
			in: "internal/journal", test: "TestNothingIsPrunedThatTheOperatorHasNotGot", edits: []edit{{pruneFile,
				`	if had < old {`, `	if had < old-old {`}}},
	}
}

// hubSabotages are about what the collector writes, and what it says.
func hubSabotages() []sabotage {
	return []sabotage{
		{name: "hash-unchecked", what: "an entry is written that has not the hash that its kiosk said",
			in: collectorTest, test: "TestRubbishStandsInNobodysWay", edits: []edit{{batchFile,
				`if h.Get(protocol.HeaderHash) != hex.EncodeToString(e.Hash) {`,
				`if h.Get(protocol.HeaderHash) == "" || hex.EncodeToString(e.Hash) == "" {`}}},
		{name: "prev-unchecked", what: "an entry is written that does not continue the one before it",
			in: storeTest, test: "TestAnEntryOfAnotherHistoryIsAFork", edits: []edit{{chainFile,
				`case prev != nil && !bytes.Equal(e.Prev, prev):`, `case prev != nil && len(e.Prev) != len(prev):`}}},
		{name: "gap-accepted", what: "an entry is written although one before it is missing",
			in: collectorTest, test: "TestAGapIsAskedForAgain", edits: []edit{{takeFile,
				`if c.Seq != c.First || c.Whole != 1 {`, `if c.Seq < c.First {`}}},
		{name: "gap-never-asked-for", what: "nobody tells the kiosk that an entry is missing",
			in: collectorTest, test: "TestAGapIsAskedForAgain", edits: []edit{{batchFile,
				`if waits++; deliveries(s.message) >= gapTries {`, `if waits++; deliveries(s.message) < 0 {`}}},
		{name: "have-before-commit", what: "the kiosk is told before the database has it",
			in: collectorTest, test: "TestHaveIsSaidOnlyAfterTheCommit", edits: []edit{{batchFile,
				`		held, fates, err := c.Store.Take(context.WithoutCancel(ctx), kiosk, copies, began)
`, `		last := copies[len(copies)-1]
		c.say(kiosk, protocol.Held{Seq: last.Seq, Hash: hex.EncodeToString(last.Hash)})
		held, fates, err := c.Store.Take(context.WithoutCancel(ctx), kiosk, copies, began)
`}}},
		{name: "ack-before-commit", what: "the broker may forget an entry before the database has it",
			in: collectorTest, test: "TestTheBrokerKeepsWhatTheDatabaseHasNot", edits: []edit{{batchFile,
				`	for times, refused := 0, 0; ; times++ {
`, `	for _, s := range some {
		_ = s.message.Ack()
	}
	for times, refused := 0, 0; ; times++ {
`}}},
		{name: "last-writer-wins", what: "another entry with a known number takes its place",
			in: collectorTest, test: "TestAnotherHashIsAForkAndStopsTheKiosk", edits: []edit{{takeFile,
				`return Refused, t.fork(ctx, fmt.Sprintf(
				"entry %d came again and is another one than the one that is here", c.Seq))`,
				`_, err := t.tx.ExecContext(ctx, "UPDATE entries SET hash = $1 WHERE machine = $2 AND seq = $3", c.Hash,
				t.id, c.Seq)
			return Known, err`}}},
		{name: "fork-is-known", what: "another entry with a known number is taken for the same",
			in: collectorTest, test: "TestAnotherHashIsAForkAndStopsTheKiosk", edits: []edit{{takeFile,
				`if hash != nil && !bytes.Equal(hash, c.Hash) {`, `if hash != nil && !bytes.Equal(hash[:1], hash[:1]) {`}}},
		{name: "duplicate-is-written", what: "an entry that is there is written once more",
			in: storeTest, test: "TestEntriesEqualTheJournalRowByRow", edits: []edit{{takeFile,
				`		return Known, nil // what is not here`, `		t.entries = append(t.entries, c.Entry)
		return Known, nil // what is not here`}}},
		{name: "restore-unnoticed", what: "entries are written into a database while a backup is being put back",
			in: storeTest, test: "TestNothingIsWrittenIntoADatabaseThatIsBeingRestored", edits: []edit{{
				"internal/hub/store/months.go", `	if !valid {
		return errRestoring
	}
`, `	if !valid {
		return nil
	}
`}}},
		{name: "inboxes-shared", what: "a kiosk may listen at others' inboxes",
			in: "internal/fleet/grants", test: "TestAKioskNeitherReadsNorWritesAnothers", edits: []edit{{scopesFile,
				`	own := protocol.Inbox(name) + ".>"`, `	own := "_I.>"`}}},
	}
}

// requestSabotages are about what a kiosk serves that somebody asked for long ago.
func requestSabotages() []sabotage {
	return []sabotage{
		{name: "age-unchecked", what: "what was asked long ago is served",
			in: relayTest, test: "TestWhatIsTooOldNeverReachesTheHandler", edits: []edit{
				{ageFile, `func (k *clock) leftBy(gateway time.Duration, a protocol.Asked) time.Duration {
`, `func (k *clock) leftBy(gateway time.Duration, a protocol.Asked) time.Duration {
	gateway = a.At
`}}},
		{name: "age-checked-at-receipt-only", what: "a kiosk that freezes after the check serves what is stale",
			in: relayTest, test: "TestAFreezeAfterTheClockWasAskedIsNoticed", edits: []edit{{relayFile,
				`	if left <= 0 {
		stale()
		return
	}
`, `	if left <= 0 {
		left = asked.Life
	}
`}}},
		{name: "age-by-wall-clock", what: "the age is told by the kiosk's own calendar",
			in: relayTest, test: "TestNothingOlderThanItsLifeIsServed", edits: []edit{{ageFile,
				`	return k.leftBy(now+k.most+drift(now-k.at), a)
`, `	return k.leftBy(time.Duration(time.Now().UnixNano()), a)
`}}},
		{name: "age-by-the-lower-bound", what: "a request that waited in a slow line looks younger than it is",
			in: relayTest, test: "TestNothingOlderThanItsLifeIsServed", edits: []edit{{ageFile,
				`	most, least := says-asked, says-heard
`, `	most, least := says-heard, says-heard
`}}},
		{name: "clock-that-cannot-be-had", what: "a request is served whose gateway's clock nobody knows",
			in: relayTest, test: "TestAGatewayWhoseClockCannotBeHadIsNotServed", edits: []edit{
				{ageFile, `	if k == nil || !k.known {
		return 0
	}
	now := c.now()`, `	if k == nil || !k.known {
		return a.Life
	}
	now := c.now()`},
				{ageFile, `			if q.err != nil {
				return q.err
			}
`, `			if q.err != nil {
				return nil
			}
`}}},
		{name: "unavailable-too-soon", what: "who asked is told that nobody serves it while the kiosk still may",
			in: gateTest, test: "TestNobodyIsToldThatNothingCameOfAPurchaseWhileItMay", edits: []edit{{gateFile,
				`		if p.kind == protocol.Purchase { // it may be`, `		if p.kind == protocol.Do { // it may be`}}},
	}
}
