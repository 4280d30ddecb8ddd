package w1

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

const sensor = "28-0316a2795caf"

const good = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"

func folder(file, text string) fstest.MapFS {
	return fstest.MapFS{sensor + "/" + file: {Data: []byte(text)}}
}

func TestAGoodAnswerIsATemperature(t *testing.T) {
	for text, want := range map[string]float64{
		good: 23.125,
		"5e ff 4b 46 7f ff 02 10 d4 : crc=d4 YES\n5e ff 4b 46 7f ff 02 10 d4 t=-10125\n": -10.125,
		"00 00 4b 46 7f ff 0c 10 1c : crc=1c YES\n00 00 4b 46 7f ff 0c 10 1c t=0\n":      0,
	} {
		if got, err := Read(folder("w1_slave", text), sensor); got != want || err != nil {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]float64{"4062\n": 4.062, "-55000": -55, "0\n": 0, "125000\n": 125} {
		if got, err := Read(folder("temperature", text), sensor); got != want || err != nil {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestWhatCannotBeBelievedIsNoReading(t *testing.T) {
	for text, want := range map[string]error{
		strings.Replace(good, "YES", "NO", 1):                                         ErrChecksum,
		"00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n":   ErrGone, // a shorted bus
		"50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000": ErrPowerOn,
		"ff ff ff ff ff ff ff ff ff : crc=c9 NO\nff ff ff ff ff ff ff ff ff t=-62\n":  ErrChecksum,
		"":                            ErrChecksum,
		"\n\n":                        ErrChecksum,
		good[:40]:                     ErrChecksum,
		good[:len(good)-6] + "x\n":    ErrChecksum,
		good[:len(good)-6] + "\n":     ErrGone,
		good[:len(good)-6] + "999999": ErrChecksum,
		strings.Repeat("x", 1<<20):    ErrChecksum,
	} {
		if got, err := Read(folder("w1_slave", text), sensor); !errors.Is(err, want) {
			t.Errorf("%.80q is %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]error{"": ErrGone, "\n": ErrGone, "85000\n": ErrPowerOn, "-55001": ErrChecksum,
		"125001": ErrChecksum, "4.5": ErrChecksum, "warm": ErrChecksum} {
		if got, err := Read(folder("temperature", text), sensor); !errors.Is(err, want) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	if _, err := Read(fstest.MapFS{}, sensor); !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), sensor) {
		t.Errorf("a sensor that is not there: %v", err)
	}
	if _, err := Read(folder("w1_slave", strings.Replace(good, "YES", "NO", 1)), sensor); errors.Is(err, ErrGone) {
		t.Errorf("a spoiled answer is taken for none: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{good, "", "85000", "4062\n", "00 : crc=00 YES\nt=1", "72 : crc=57 YES\nt=--1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, file := range []string{"w1_slave", "temperature"} {
			celsius, err := Read(folder(file, text), sensor)
			if err == nil && (celsius < -55 || celsius > 125 || celsius == 85) || err != nil && celsius != 0 {
				t.Errorf("%s %q is %v, %v", file, text, celsius, err)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("%s %q: a long error: %v", file, text, err)
			}
		}
	})
}
