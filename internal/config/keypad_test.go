package config

import "testing"

func TestAnIdThatIsTheBeginningOfAnotherNeedsAnEnterKey(t *testing.T) {
	pad := edit(t, minimal+secondSlot, "[gpio]", `[keypad]
rows = ["GPIO5"]
columns = ["GPIO6", "GPIO7", "GPIO8"]
keys = ["A12"]
[gpio]`)
	if got := problems(pad); got != "" {
		t.Error(got)
	}
	pad = edit(t, pad, `id = "A2"`, `id = "A12"`)
	const want = `k.toml:14: keypad.enter: is missing: without it nobody can choose A1, which A12 begins with: write enter = "#", or another id`
	if got := problems(pad); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	pad = edit(t, pad, `keys = ["A12"]`, "keys = [\"A12\", \"*0#\"]\nenter = \"#\"")
	if got := problems(edit(t, pad, `rows = ["GPIO5"]`, `rows = ["GPIO5", "GPIO9"]`)); got != "" {
		t.Error(got)
	}
}
