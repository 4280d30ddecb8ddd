package simulated

import (
	"strings"
	"testing"

	"kioskd/internal/config"
)

// TestABoardThatIsNotThereIsNamedWithTheRemedy: one of a process of its own that nobody has started.
func TestABoardThatIsNotThereIsNamedWithTheRemedy(t *testing.T) {
	_, err := Open(config.Config{GPIO: config.GPIO{Driver: "sim", Device: t.TempDir() + "/no-board"}})
	if err == nil || !strings.Contains(err.Error(), "no-board") || !strings.Contains(err.Error(), "start it") {
		t.Errorf("the error is %v", err)
	}
}

// TestASimulatedMachineHasADoorAndButtonsWithoutPins: what the config names no pin for is there all the same.
func TestASimulatedMachineHasADoorAndButtonsWithoutPins(t *testing.T) {
	cfg := config.Config{GPIO: config.GPIO{Driver: "sim", Cancel: "GPIO9"}}
	machine, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if c := Config(cfg).GPIO; c.Cancel != "GPIO9" || c.Retry == "" || c.Door == "" || cfg.GPIO.Door != "" {
		t.Errorf("the front's pins are %+v", c)
	}
	for _, part := range []string{"cancel", "retry", "door"} {
		if err := machine.Press(part); err != nil {
			t.Error(err)
		}
	}
}
