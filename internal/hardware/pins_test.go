package hardware

import (
	"slices"
	"testing"

	"kioskd/hw/gpio/hostpin"
)

func TestRowsOfAKeypadAreOpenDrains(t *testing.T) {
	low := true
	got := openDrain([]hostpin.Wire{{Pin: "GPIO4", Pull: "up"}, {Pin: "P1_29", ActiveLow: &low}},
		[]string{"GPIO5", "GPIO6"})
	want := []hostpin.Wire{{Pin: "GPIO4", Pull: "up"}, {Pin: "P1_29", ActiveLow: &low, OpenDrain: true},
		{Pin: "GPIO6", OpenDrain: true}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
