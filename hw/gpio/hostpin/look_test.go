package hostpin

import (
	"errors"
	"strings"
	"testing"
)

func TestWhoHoldsALineIsAskedAndNoLineIsRequested(t *testing.T) {
	b := newBench(t, pi())
	uses, err := lookAt(b, "", []string{"GPIO17", "GPIO4", "GPIO27", "NO-SUCH"}, func(at spot) (string, error) {
		switch at.line {
		case 4:
			return "w1", nil
		case 27:
			return "", errors.New("gone")
		}
		return "", nil
	})
	if err != nil || len(uses) != 4 {
		t.Fatalf("%+v, %v", uses, err)
	}
	if u := uses[0]; u.Err != nil || u.By != "" || u.At != "line 17 of gpiochip0" {
		t.Errorf("%+v", u)
	}
	if uses[1].By != "w1" || uses[2].Err == nil || uses[3].Err == nil ||
		!strings.Contains(uses[3].Err.Error(), "no line is called NO-SUCH") {
		t.Errorf("%+v", uses[1:])
	}
	if n := len(b.lines); n != 0 {
		t.Errorf("%d lines were requested", n)
	}
	if _, err := lookAt(b, "nowhere", nil, nil); err == nil {
		t.Error("a chip that is not there was looked at")
	}
}
