package await

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// inVain is a test that remembers why it ended.
type inVain struct {
	testing.TB
	why string
}

func (v *inVain) Helper() {}
func (v *inVain) Fatalf(_ string, args ...any) {
	v.why = args[0].(string)
	panic(v)
}

func TestAFactIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		Until(t, "a minute", func() bool { return time.Since(began) >= time.Minute })
	})
}

func TestWhatNeverComesEndsTheTestAndIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &inVain{TB: t}
		defer func() {
			if recover() != v || !strings.Contains(v.why, "the moon") {
				t.Errorf("it ends with %q", v.why)
			}
		}()
		Until(v, "the moon", func() bool { return false })
		t.Error("it goes on")
	})
}
