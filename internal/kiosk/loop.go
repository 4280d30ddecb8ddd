package kiosk

import (
	"context"
	"crypto/subtle"
	"time"

	"kioskd/fsm"
	"kioskd/internal/reason"
)

// Run is the loop. When ctx ends it makes the outputs inactive, settles the sale that is on as far as settleMax allows,
// and returns; what is left then, the next start settles. Run may be called once.
func (k *Kiosk) Run(ctx context.Context) error {
	var stop context.CancelFunc
	k.ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		close(k.done)
		stop()
		k.finish()
	}()
	var evidence []fsm.Evidence
	if k.cfg.Evidence != nil {
		evidence = k.cfg.Evidence(ctx, k.current)
	}
	k.step(fsm.Booted{At: k.cfg.Now(), Boot: k.cfg.Boot, Rules: k.cfg.Rules, Evidence: evidence, Lost: k.cfg.Lost,
		Shelf: k.cfg.Shelf, First: k.cfg.First, RefilledBy: k.cfg.RefilledBy})

	timer := time.NewTimer(0)
	defer timer.Stop()
	alive, rest := k.alive()
	defer rest()
	ending := ctx.Done()
	var over <-chan time.Time
	for {
		k.setTimer(timer)
		select {
		case o := <-k.inbox:
			if e := o(k.cfg.Now()); e != nil {
				k.step(e)
			}
		case <-timer.C:
			k.step(fsm.Ticked{At: k.cfg.Now()})
		case <-k.again:
			k.prove()
		case <-alive:
			k.cfg.Alive()
		case <-ending:
			ending = nil
			if err := k.cfg.Dispenser.Halt(); err != nil {
				k.cfg.Log.Error().Err(err).Msg("outputs could not be made inactive")
			}
			k.step(fsm.FaultRaised{At: k.cfg.Now(), Fault: fsm.Fault{Name: reason.Stopping, Hard: true}})
			over = time.After(settleMax)
		case <-over:
			k.cfg.Log.Warn().Str("step", string(k.current.Stage)).
				Msg("the sale is not settled yet: the next start does it")
			return nil
		}
		if ending == nil && !k.current.Busy() && !k.current.Serving() {
			return nil
		}
	}
}

// alive says for the first time that the loop runs, and gives it the moments at which to say it again.
func (k *Kiosk) alive() (again <-chan time.Time, stop func()) {
	if k.cfg.Alive == nil {
		return nil, func() {}
	}
	k.cfg.Alive()
	if k.cfg.AliveEvery <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(k.cfg.AliveEvery)
	return t.C, t.Stop
}

// finish waits for calls and vends that are told to end; one that hangs does not keep the daemon from ending.
func (k *Kiosk) finish() {
	finished := make(chan struct{})
	go func() {
		k.work.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-time.After(finishMax):
		k.cfg.Log.Error().Msg("a call or a vend hangs: the daemon ends without it")
	}
}

// setTimer makes the one timer fire at the moment that the state cares about next.
func (k *Kiosk) setTimer(t *time.Timer) {
	at, ok := k.current.Wake()
	if !ok {
		t.Stop()
		return
	}
	t.Reset(max(0, at.Since(k.cfg.Now())))
}

// step takes one event through the state machine, the journal and the effects, in this order.
func (k *Kiosk) step(e fsm.Event) {
	before := k.current
	next, effects, durable := fsm.Step(before, e)
	switch {
	case durable && k.memory:
		k.remember(next)
	case durable:
		err := k.cfg.Journal.Append(k.ctx, Record{k.cfg.Wall(), before.Live, e, next, effects})
		if err != nil {
			k.journalFailed(e, err)
			return
		}
	}
	k.commit(e, next, effects, durable)
}

// commit makes the step true and carries out its effects.
func (k *Kiosk) commit(e fsm.Event, next fsm.State, effects []fsm.Effect, durable bool) {
	k.current = next
	k.state.Store(&next)
	k.seq++
	for _, f := range effects {
		k.perform(f)
	}
	k.log(e, next, durable)
	k.publish(Update{k.seq, k.cfg.Wall(), e, next, durable})
	if k.cfg.InStep != nil {
		k.cfg.InStep(next)
	}
}

func (k *Kiosk) perform(f fsm.Effect) {
	switch f := f.(type) {
	case fsm.Answer:
		k.mu.Lock()
		if ch := k.waiting[f.Request]; ch != nil {
			ch <- answer{f.Reference, f.Refusal, k.current} // has room: a request is answered once
			delete(k.waiting, f.Request)
		}
		k.mu.Unlock()
	case fsm.Vend:
		k.vend(f)
	case fsm.Serve:
		k.act(f.Service)
	case fsm.Restart:
		if k.cfg.Restart != nil {
			k.cfg.Restart()
		}
	case fsm.StopVend:
		if stop := k.vends[f.Item]; stop != nil {
			stop()
		}
	case fsm.Call: // the state machine waits for one at a time, and each ends within its own budget
		k.work.Go(func() {
			a := k.cfg.Payments.Call(k.ctx, f)
			k.post(func(at fsm.Instant) fsm.Event {
				a.At = at
				return a
			})
		})
	}
}

func (k *Kiosk) vend(f fsm.Vend) {
	ctx, stop := context.WithCancel(k.ctx)
	k.vends[f.Item.ID] = stop
	k.work.Go(func() {
		defer stop()
		outcome, why := k.cfg.Dispenser.Vend(ctx, f.Item)
		k.post(func(at fsm.Instant) fsm.Event {
			delete(k.vends, f.Item.ID)
			return fsm.VendEnded{At: at, Sale: f.Sale, Item: f.Item.ID, Outcome: outcome, Why: why}
		})
	})
}

// log writes durable steps at info and the others at debug. Events hold no phone number and no secret but the
// notification's, which is left out.
func (k *Kiosk) log(e fsm.Event, s fsm.State, durable bool) {
	line := k.cfg.Log.Debug()
	if durable {
		line = k.cfg.Log.Info()
	}
	line.Str("phase", string(s.Stage.Phase())).Str("step", string(s.Stage))
	if s.Reason != "" {
		line.Str("reason", string(s.Reason))
	}
	if s.Sale.ID != "" {
		line.Str("sale", s.Sale.ID)
	}
	if s.Sale.Ended && durable {
		line.Str("state", string(s.Sale.State)).Str("why", string(s.Sale.Why)).Str("note", s.Sale.Note).
			Stringer("charged", s.Sale.Charged).Stringer("refunded", s.Sale.Refunded)
	}
	switch e := e.(type) {
	case fsm.VendEnded:
		line.Str("outcome", string(e.Outcome)).Str("outcome_why", string(e.Why))
	case fsm.Answered:
		if e.Operation == fsm.AskStatus {
			line.Str("status", string(e.Status))
		}
		if e.Result.Kind != fsm.Done {
			line.Str("glase", e.Result.Text)
		}
	case fsm.ServiceBegan:
		line.Str("act", string(e.Service.Act)).Str("slot", e.Service.Slot).Str("by", e.Service.By).
			Bool("taken", e.Service.ID == s.Service.ID)
	case fsm.StockCounted:
		line.Str("act", string(fsm.CountStock)).Str("slot", e.Slot).Str("by", e.By).Bool("taken", e.ID == s.Service.ID)
		if e.ID == s.Service.ID {
			line.Int("was", s.Service.Was).Int("left", s.Service.Left)
		}
	case fsm.PlanogramSet:
		line.Str("version", e.Planogram.Version).Str("by", e.Planogram.By).
			Bool("taken", e.Planogram.Version == s.Planogram.Version)
	case fsm.Commanded:
		line.Str("command", e.Command.ID).Str("order", string(e.Command.Order)).Str("by", e.Command.By).
			Str("because", e.Command.Reason).Bool("at_machine", e.Command.AtMachine)
	case fsm.ServiceEnded:
		line.Str("act", string(s.Service.Act)).Str("slot", s.Service.Slot).Str("outcome", string(e.Outcome)).
			Str("outcome_why", string(e.Why))
	}
	line.Msg(fsm.Name(e))
}

// publish tells the followers of a step. Nobody else sends on their channels, so that taking the oldest away makes
// room.
func (k *Kiosk) publish(u Update) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.whole = u
	k.whole.Event, k.whole.Durable = nil, false
	for ch := range k.followers {
		if len(ch) == cap(ch) {
			select {
			case <-ch:
			default: // it has just taken one itself
			}
		}
		ch <- u
	}
}

func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
