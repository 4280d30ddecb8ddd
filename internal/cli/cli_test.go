package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestAnErrorIsSaidOnceWithTheProgramsName(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		said   string
	}{
		{nil, 0, ""},
		{errors.New("the config is missing"), 1, "kioskx: the config is missing\n"},
		{ErrSaid, 1, ""},
	} {
		var out, errOut strings.Builder
		root := Root(&cobra.Command{Use: "kioskx", RunE: func(*cobra.Command, []string) error { return c.err }}, &out,
			&errOut)
		root.SetArgs(nil)
		if status := Run(root); status != c.status || out.String() != "" || errOut.String() != c.said {
			t.Errorf("%v ends with %d, %q and %q", c.err, status, out.String(), errOut.String())
		}
	}
}

func TestEveryVersionIsSaidWithItsProgramAndTakesAConfig(t *testing.T) {
	var out, errOut strings.Builder
	root := Root(&cobra.Command{Use: "kioskx"}, &out, &errOut)
	root.AddCommand(Version("kioskx", "1.2.3+abc"))
	root.SetArgs([]string{"version", "--config", "/nowhere"})
	if status := Run(root); status != 0 || out.String() != "kioskx 1.2.3+abc\n" || errOut.String() != "" {
		t.Errorf("it ends with %d, %q and %q", status, out.String(), errOut.String())
	}
}
