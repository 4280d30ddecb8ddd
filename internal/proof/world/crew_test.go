package world

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"testing"
	"time"
)

var (
	shiftFlag = flag.Int("shift", 0, "for a crew's hand: play this many worlds and tell of each")
	stepFlag  = flag.Uint64("step", 1, "for a crew's hand: from one seed to the next")
)

const (
	// worlds that one process plays: with the race detector each bubble costs it a goroutine of its 8128
	shiftMax   = 2000
	worldMax   = time.Minute // of real time: a world that takes longer hangs
	handsGC    = "1600"      // the heap is small, and collecting it costs a third of the time
	lastWords  = 4000        // bytes of what a process said before it died
	tellPrefix = "world: "
)

// tale is what a hand tells of a world: that it begins, and how it went.
type tale struct {
	Seed   uint64  `json:"seed"`
	Result *Result `json:"result,omitempty"`
	Report string  `json:"report,omitempty"` // a broken promise's
}

// TestShift is one process of a crew: it plays the worlds that are its share.
func TestShift(t *testing.T) {
	if *shiftFlag == 0 {
		t.Skip("this is a process of TestNoSeedLosesMoney and of TestSoak")
	}
	signal.Ignore(os.Interrupt) // the terminal sends it to all; the one who started this decides
	ground := NewGround(t, t.TempDir())
	tell := func(w tale) {
		b, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%s%s\n", tellPrefix, b)
	}
	for n := range uint64(*shiftFlag) {
		seed, o := *fromFlag+n**stepFlag, Options{Ground: ground}
		tell(tale{Seed: seed})
		dog := time.AfterFunc(worldMax, func() {
			tell(tale{Seed: seed, Report: fmt.Sprintf("seed=%d hangs: make soak SEED=%[1]d\n", seed)})
			os.Exit(1)
		})
		r := Play(t, seed, o)
		dog.Stop()
		w := tale{Seed: seed, Result: &r}
		if len(r.Violations) > 0 {
			w.Report = Report(t, seed, o, r)
		}
		r.Diary, r.Happenings = "", nil
		tell(w)
	}
}

// crew plays worlds on all cores, a process on each.
type crew struct {
	from, worlds uint64     // seeds from, from+1, …; worlds is how many
	each         func(tale) // called for each world's end, from many goroutines
}

// play returns when all worlds were played or ctx ended.
func (c crew) play(ctx context.Context, t *testing.T) {
	cores := uint64(runtime.NumCPU())
	t.Run("worlds", func(t *testing.T) {
		for core := range cores {
			t.Run(fmt.Sprint("core ", core+1), func(t *testing.T) {
				t.Parallel()
				for n := core; n < c.worlds && ctx.Err() == nil; n += shiftMax * cores {
					share := min(shiftMax, (c.worlds-n+cores-1)/cores)
					c.shift(ctx, t, c.from+n, cores, share)
				}
			})
		}
	})
}

// shift is one process.
func (c crew) shift(ctx context.Context, t *testing.T, from, step, worlds uint64) {
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestShift$", "-test.timeout", "0",
		"-shift", fmt.Sprint(worlds), "-from", fmt.Sprint(from), "-step", fmt.Sprint(step))
	cmd.Env = append(os.Environ(), "GOGC="+handsGC)
	var said, words bytes.Buffer // on its two outputs
	cmd.Stderr = &words
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	last := tale{Seed: from}
	lines := bufio.NewReader(out)
	for {
		text, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		text, world := strings.CutPrefix(text, tellPrefix)
		if !world {
			said.WriteString(text)
			continue
		}
		last = tale{}
		if err := json.Unmarshal([]byte(text), &last); err != nil {
			t.Error(err)
		}
		if last.Result != nil || last.Report != "" {
			c.each(last)
		}
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil && ctx.Err() == nil && last.Report == "" {
		b := append(words.Bytes(), said.Bytes()...)
		c.each(tale{Seed: last.Seed, Report: fmt.Sprintf("seed=%d ends the process: %v: make soak SEED=%[1]d\n%[3]s",
			last.Seed, err, b[:min(len(b), lastWords)])})
	}
}
