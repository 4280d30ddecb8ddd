package front

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
)

// TestANameThatTheDisplayCannotDrawIsRefusedByLineAndCharacter: in the price list it would be a hole, and nobody buys
// what has no name.
func TestANameThatTheDisplayCannotDrawIsRefusedByLineAndCharacter(t *testing.T) {
	displays := map[string]string{
		"png":         "driver = \"png\"\ndevice = \"/run/s.png\"\nwidth = 800\nheight = 480",
		"framebuffer": "driver = \"framebuffer\"\ndevice = \"/dev/fb0\"",
		"ssd1306":     "driver = \"ssd1306\"\ndevice = \"/dev/i2c-1\"", "terminal": "driver = \"terminal\"",
		"none": "driver = \"none\"",
		"epd": "driver = \"epd\"\ndevice = \"/dev/spidev0.0\"\npanel = \"waveshare2in13v4\"\ndc = \"GPIO7\"\nreset = " +
			"\"GPIO8\"\nbusy = \"GPIO9\"",
	}
	for _, c := range []struct{ old, now, want, terminal string }{
		{"name = \"Still water 50 cl\"", "name = \"Cola 🥤 Zero\"",
			`slot.name: "Cola 🥤 Zero": character 6, '🥤' (U+1F964), is not in the letters of`, ""},
		{"name = \"Still water 50 cl\"", "name = \"شاي بالنعناع\"",
			`slot.name: "شاي بالنعناع": character 1, 'ش' (U+0634), is not in`, ""},
		{"name = \"Still water 50 cl\"", "name = \"Cafe\u0301\"", "character 5, '\u0301' (U+0301), is a mark on",
			"is a mark on"},
		{"name = \"Still water 50 cl\"", "name = \"Te\u200ba\"", "character 3, '\\u200b' (U+200B), cannot be seen",
			"cannot be seen"},
		{"\nname = \"Lobby\"", "\nname = \"抹茶\"", "machine.name: \"抹茶\": character 1", ""},
		{"\nname = \"Lobby\"", "\nname = \"Lobby\"\nsupport = \"☎ 08-123 45 67\"",
			"machine.support: \"☎ 08-123 45 67\": character 1", ""},
		{"name = \"Still water 50 cl\"", "name = \"Räksmörgås ½ l, 5 €\"", "", ""},
	} {
		for driver, section := range displays {
			text := strings.Replace(config.Example, "\nsupport = \"Ask at the reception or call 08-123 45 67\"", "", 1)
			text = strings.Replace(text, "\ndriver = \"terminal\"\n", "\n"+section+"\n", 1)
			text = strings.Replace(text, c.old, c.now, 1)
			line := 1 + strings.Count(text[:strings.Index(text, c.now)+len(c.now)], "\n")
			path := filepath.Join(t.TempDir(), "k.toml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := config.LoadJudged(path, drivers.All(), Unshown)
			var all config.Errors
			errors.As(err, &all)
			want := c.want
			if driver == "terminal" {
				want = c.terminal
			} else if driver == "none" {
				want = ""
			}
			if (len(all) == 0) != (want == "") || want != "" &&
				(len(all) != 1 || all[0].Line != line || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s with %s: %v, want %q", driver, c.now, err, want)
			}
		}
	}
}
