package world

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	handful    = 12 // happenings that tell such a story
	storyFirst = 15 // happenings of a world that is worth shortening
)

// TestAFailingWorldIsShortenedToItsStory: with refunds that are only said to be made, a customer who pays and a slot
// that jams are the whole of it.
func TestAFailingWorldIsShortenedToItsStory(t *testing.T) {
	o := Options{Flow: "invoice", Ground: NewGround(t, t.TempDir()),
		Transport: tamper(func(t tampered, r *http.Request, body string) (*http.Response, error) {
			if strings.Contains(body, "refundPayment>") {
				return succeed(r, "refundPayment")
			}
			return t.send(r, body)
		})}
	shortened := 0
	for seed := uint64(1); seed <= tries && shortened < 3; seed++ {
		first := Play(t, seed, o)
		if len(first.Violations) == 0 || len(first.Happenings) < storyFirst {
			continue
		}
		shortened++
		fails := SameKind(first)
		short, res := Shrink(t, seed, o, fails)
		t.Logf("seed=%d: %d happenings, and without all that can be left out %q: %s", seed, len(first.Happenings),
			short.Only, res.Violations[0])
		if len(short.Only) > handful || !fails(res) || !fails(Play(t, seed, short)) {
			t.Errorf("seed=%d: %d happenings are left, or it fails no more:\n%s", seed, len(short.Only), res.Diary)
		}
		for _, name := range short.Only {
			less := short
			less.Only = slices.DeleteFunc(slices.Clone(short.Only), func(s string) bool { return s == name })
			if fails(Play(t, seed, less)) {
				t.Errorf("seed=%d: %s could be left out as well", seed, name)
			}
		}
		if report := Report(t, seed, o, first); !strings.Contains(report, "make soak SEED=") ||
			!strings.Contains(report, "left out") || !strings.Contains(report, res.Violations[0]) {
			t.Errorf("seed=%d: a report without command, counts or violation:\n%s", seed, report)
		}
	}
	if shortened == 0 {
		t.Errorf("no world of %d fails: there is nothing to shorten", tries)
	}
}

// TestWhatIsLeftOutChangesNothingElse: a world without a happening that did not matter is the same but for it.
func TestWhatIsLeftOutChangesNothingElse(t *testing.T) {
	o := Options{Ground: NewGround(t, t.TempDir())}
	for seed := uint64(1); seed <= 20; seed++ {
		all := Play(t, seed, o)
		only := o
		only.Only = all.Happenings
		if again := Play(t, seed, only); !slices.Equal(moments(again), moments(all)) {
			t.Errorf("seed=%d: with all of its happenings named it is another world", seed)
		}
		none := o
		none.Without = all.Happenings
		bare := Play(t, seed, none)
		none.Without, none.Only = nil, []string{}
		if again := Play(t, seed, none); !slices.Equal(moments(again), moments(bare)) || len(bare.Happenings) != 0 ||
			bare.Sales != 1 || bare.Outcomes["charged"] != 1 {
			t.Errorf("seed=%d: without all of it there is more than the honest sale: %q\n%s", seed, bare.Happenings,
				bare.Diary)
		}
	}
}
