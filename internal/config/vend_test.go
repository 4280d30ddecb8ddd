package config

import "testing"

func TestALatchsPulseIsShorterThanItsCustomersTime(t *testing.T) {
	locker := edit(t, edit(t, minimal, `driver = "relay"`, `driver = "lock"`), `drop = "GPIO27"`,
		"opened = \"GPIO27\"\npulse = \"3s\"")
	const want = `k.toml:26: slot.vend.pulse: "3s" is not less than the slot's max_on, "3s", which is how long the customer has to open the door: ` +
		`lower the one or raise the other`
	if got := problems(locker); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := problems(edit(t, locker, `max_on = "3s"`, `max_on = "4s"`)); got != "" {
		t.Error(got)
	}
}
