package world

// talkSabotages are about what is made of Glase's answers, and of none.
func talkSabotages() []sabotage {
	return []sabotage{
		{name: "versions-ignored", what: "every question carries version 0, so that nothing is ever acknowledged",
			edits: []edit{{callsFile,
				`sale.ClientInvoiceID, sale.ErsReference, l.Version
`, `sale.ClientInvoiceID, sale.ErsReference, 0
`}}},
		{name: "last-version-ignored", what: "the version that came with PAID is not acknowledged",
			edits: []edit{{stepFile,
				`	if t.unacknowledged(e) || t.saidOnce(e) {`, `	if t.saidOnce(e) {`}}},
		{name: "timeout-is-a-refusal", what: "a call without an answer counts as refused",
			edits: []edit{{"internal/glasepay/glasepay.go",
				`	return fsm.Result{Kind: fsm.ResultUnknown, Text: err.Error()}
`, `	return fsm.Result{Kind: fsm.Refused, Text: err.Error()}
`}}},
		{name: "timeout-is-not-sent", what: "a call without an answer counts as not sent",
			edits: []edit{{"glase/call.go",
				`	return errors.As(err, &dial) && dial.Op == "dial"
`, `	return errors.As(err, &dial) || true
`}}},
		{name: "commit-on-the-old-connection",
			what: "a charge rides on the connection that the answer before it came on", edits: []edit{{"glase/call.go",
				`	req.Close = !op.kept || !c.trust.kept()
`, ``}, {"glase/call.go",
				`	req.Close = true
`, ``}}},
		{name: "gzip-unread", what: "an answer that is gzip although nobody asked cannot be read",
			edits: []edit{{"glase/body.go",
				`	case "gzip", "x-gzip":
`, `	case "x-gzip":
`}}},
		{name: "rubbish-is-done", what: "an answer that cannot be read counts as done", edits: []edit{{"glase/call.go",
			`	if err != nil {
		return x.astray(err)
	}
	switch code`, `	if err != nil {
		return nil
	}
	switch code`}}},
		{name: "http-errors-are-done", what: "an HTTP status that is not 200 counts as done",
			edits: []edit{{"glase/call.go",
				`		return x.unknownf("HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
`, `		return nil
`}}},
		{name: "faults-are-refusals", what: "a SOAP Fault counts as a refusal", edits: []edit{{"glase/call.go",
			`		return x.unknownf("HTTP %d: SOAP fault: %s", resp.StatusCode, x.presentable(fault.code+": "+fault.text))
`, `		return &ResultError{Op: x.op.name, Code: CodeSystemError, Description: fault.code}
`}}},
		{name: "system-errors-are-refusals", what: "the codes 90 and 94 count as refusals",
			edits: []edit{{"glase/call.go",
				`	case code == CodeSystemError || code == CodeServiceUnavailable:
`, `	case code < 0:
`}}},
		{name: "refusal-after-silence", what: "a refusal speaks for the attempts before it that had no answer",
			edits: []edit{{"internal/glasepay/glasepay.go",
				`		r.Kind, r.Means, r.Word = fsm.ResultUnknown, "", ""
`, ``}}},
		{name: "confirming-ends-with-a-lost-answer",
			what: "a question without an answer after the commit is the last one", edits: []edit{{settleFile,
				`		t.askAgain() // until Glase can be reached
`, `		t.s.Live.Lost++ // until Glase can be reached
`}}},
		{name: "lost-answers-take-time", what: "after a question without an answer the next one takes 30 s",
			edits: []edit{{stepFile,
				`	lostSoon    = 15 `, `	lostSoon    = 0 `}}},
		{name: "poll-blocks", what: "a question may wait 30 s for its answer", edits: []edit{{"glase/operations.go",
			`attempts: 1, most: statusTimeoutMax, bodyMax`, `attempts: 1, least: 30 * time.Second, bodyMax`}}},
		{name: "status-refused-in-doubt", what: "any refusal of getPaymentStatus leaves the sale to a technician",
			edits: []edit{{settleFile,
				`	case r.Kind == Refused:
		t.retryOrDoubt(e.note())
`, `	case r.Kind == Refused:
		t.doubt(e.note())
`}}},
		{name: "impatient", what: "a sale is in doubt after the first answer that decides nothing",
			edits: []edit{{stepFile,
				`	asksMax     = 100 `, `	asksMax     = 0 `}}},
	}
}

// motorSabotages are about the machine's relays and sensors.
func motorSabotages() []sabotage {
	const turnFile, vendFile, lockFile, limitFile, gpioFile, machineFile = "hw/vend/turn.go", "hw/vend/vend.go",
		"hw/vend/lock.go", "hw/gpio/limit.go", "hw/gpio/gpio.go", "internal/hardware/contacts.go"
	noLimit := edit{limitFile,
		`		l.restart(l.maxOn, l.trip)
`, ``}
	return []sabotage{
		{name: "second-try", what: "a motor that pushed nothing out is started once more", edits: []edit{{turnFile,
			`	why = t.run(ctx)
`, `	why = t.run(ctx)
	if why == WhyJam {
		why = t.run(ctx)
	}
`}}},
		{name: "no-max-on", what: "nothing ends a motor's time but the product", edits: []edit{noLimit, {turnFile,
			`	t.await(ctx, t.MaxOn)
`, `	t.await(ctx, time.Hour)
`}}},
		{name: "motor-left-on", what: "the motor is left to its limit when the product has fallen",
			edits: []edit{{turnFile,
				`		t.relay = errors.Join(t.relay, t.off())
`, ``}}},
		{name: "outputs-left-on",
			what: "an interrupted vend leaves its relay on, and neither the end nor the next start switches it off",
			edits: []edit{noLimit, {turnFile,
				`		t.relay = errors.Join(t.relay, t.off())
`, `		if ctx.Err() == nil {
			t.relay = errors.Join(t.relay, t.off())
		}
`}, {gpioFile,
				`	for _, l := range p.order {
		if err := l.Out(periph.Low); err != nil {
`, `	for _, l := range p.order[:0] {
		if err := l.Out(periph.Low); err != nil {
`}}},
		{name: "no-wait-for-late-products", what: "a product that falls after the motor's stop is not waited for",
			edits: []edit{{turnFile,
				`		t.await(context.Background(), t.settle) // the motor`,
				`		t.await(context.Background(), time.Millisecond) // the motor`}}},
		{name: "stuck-is-delivered", what: "a sensor that stays active counts as a product", edits: []edit{{vendFile,
			`	if r.Drop.Read() == gpio.Low || r.Drop.WaitForEdge(0) {
		return Result{NotDelivered, WhyStuckSensor, nil}
	}
`, ``}, {turnFile,
			`	for end := time.Now().Add(d); !t.over()`, `	if t.Drop.Read() == gpio.Low {
		t.drop.edge(time.Now())
	}
	for end := time.Now().Add(d); !t.over()`}, {turnFile,
			`		return Result{Unknown, WhyStuckSensor, t.sensor}
`, `		return Result{Delivered, WhyStuckSensor, t.sensor}
`}}},
		{name: "silence-is-delivery", what: "a motor that had its time counts as a delivery", edits: []edit{{turnFile,
			`	return Result{NotDelivered, why, t.lost}
`, `	return Result{Delivered, why, t.lost}
`}}},
		{name: "edge-unseen", what: "the sensor is set up only after the motor's stop", edits: []edit{{turnFile,
			`	if t.Drop.WaitForEdge(d) {
		t.drop.edge(time.Now())
		return
	}
`, `	if t.Drop.WaitForEdge(d) {
		return
	}
`}}},
		{name: "jammed-slot-stays-open", what: "a slot that jammed or ended unknown goes on selling",
			edits: []edit{{"fsm/dispensing.go",
				`	if !slices.ContainsFunc(t.s.Closed, `, `	if slices.ContainsFunc(t.s.Closed, `}}},
		{name: "stopped-is-not-delivered",
			what: "a vend that is interrupted counts as not delivered, whatever falls then", edits: []edit{{turnFile,
				`	why = t.run(ctx)
`, `	why = t.run(ctx)
	if why == WhyStopped {
		return why
	}
`}}},
		{name: "retry-unseen", what: "a retry turn is made whatever fell", edits: []edit{{turnFile,
			`t.relay == nil && t.silent() && ctx.Err() == nil`, `t.relay == nil && ctx.Err() == nil`}}},
		{name: "retry-for-ever", what: "a spiral with a home switch turns until something falls",
			edits: []edit{{turnFile,
				`	if t.RetryTurn && why == WhyEmpty`, `	for t.RetryTurn && why == WhyEmpty`}}},
		{name: "home-unseen", what: "a spiral with a home switch turns on until its time is up",
			edits: []edit{{"hw/vend/home.go",
				`		h.reached = true
`, ``}, {turnFile, `	return t.home.reached || t.drop.more || t.drop.seen && !t.home.left
`, `	return t.home.reached
`}}},
		{name: "unopened-is-delivered", what: "a locker that nobody opened in time counts as a delivery",
			edits: []edit{{lockFile,
				`		return Result{NotDelivered, why, nil}
	case d.coil`, `		return Result{Delivered, why, nil}
	case d.coil`}}},
		{name: "locker-open-already", what: "a locker that stands open is sold from", edits: []edit{{lockFile,
			`		return Result{NotDelivered, WhyStandsOpen, nil}
`, ``}}},
		{name: "locker-left-unlocked", what: "a locker's coil is left to its limit", edits: []edit{{lockFile,
			`		d.coil = errors.Join(d.coil, off(d.Coil))
`, ``}}},
	}
}
