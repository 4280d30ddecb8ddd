package fsm

import (
	"testing"
	"time"
)

// TestARepeatedNotificationAsksGlaseAtMostEach200ms: whoever has the right notification may send it as often as they
// like.
func TestARepeatedNotificationAsksGlaseAtMostEach200ms(t *testing.T) {
	const every, lasts = 1866 * time.Microsecond, 10 * time.Second // 536 a second
	for name, script := range map[string]string{
		"awaiting": "> boot\n> scan 50.00 payer=p1\n> sent\n",
		"choosing": "> boot\n> scan 50.00 payer=p1\n> sent\n> tick\n> status RESERVED\n",
		"confirming": "> boot\n> scan 50.00 payer=p1\n> sent\n> tick\n> status RESERVED\n> choose\n> vended " +
			"delivered\n> updated\n> committed\n",
	} {
		// after which Glase answers
		for _, answered := range []time.Duration{0, 30 * time.Millisecond, 900 * time.Millisecond} {
			w := &teller{t: t, now: Instant(time.Hour), known: map[string]Sale{}}
			w.tell(script)
			s, asked := w.s, []Instant{}
			if s.Live.Asked != 0 {
				asked = append(asked, s.Live.Asked)
			}
			happen := func(e Event) {
				next, effects, durable := Step(s, e)
				if _, hint := e.(Notified); hint && durable {
					t.Fatalf("%s: a hint was recorded", name)
				}
				for _, f := range effects {
					if c, ok := f.(Call); ok && c.Operation == AskStatus {
						asked = append(asked, e.at())
					}
				}
				s = next
			}
			for now := w.now; now.Since(w.now) < lasts; now = now.add(every) {
				if at, ok := s.Wake(); ok && at <= now && at < s.Deadline {
					happen(Ticked{now})
				}
				if s.Live.Waiting != 0 && now.Since(s.Live.Called) >= answered {
					status := StatusReserved
					if name == "awaiting" {
						status = StatusIssued
					}
					happen(Answered{Operation: AskStatus, At: now, Call: s.Live.Waiting, Sale: s.Sale.ID,
						Result: Result{Kind: Done},
						Status: status, Version: s.Live.Version})
				}
				happen(Notified{now, s.Sale.Secret})
			}
			for n := range asked {
				if n > 0 && asked[n].Since(asked[n-1]) < hintGap {
					t.Errorf("%s, answers after %v: two within %v", name, answered, asked[n].Since(asked[n-1]))
					break
				}
			}
			most, least := int(lasts/hintGap)+1, int(lasts/(answered+hintGap+2*every))/2
			if len(asked) > most || len(asked) < least {
				t.Errorf("%s, answers after %v: %d questions in %v, want %d to %d: a hint still makes the next one soon",
					name, answered, len(asked), lasts, least, most)
			}
		}
	}
}
