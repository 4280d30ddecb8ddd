package gpio

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// TestABusThatIsNotThereSaysWhatToDo with its name.
func TestABusThatIsNotThereSaysWhatToDo(t *testing.T) {
	open := map[string]func(string) error{
		"i2c": func(d string) error { _, err := I2C(d); return err },
		"spi": func(d string) error { _, err := SPI(d); return err },
	}
	for _, c := range []struct{ bus, device, want string }{
		{"i2c", "/dev/i2c-254", "dtparam=i2c_arm=on"},
		{"spi", "/dev/spidev254.3", "dtparam=spi=on"},
		{"i2c", "", `like "/dev/i2c-1"`},
		{"i2c", "/dev/null", `like "/dev/i2c-1"`},
		{"i2c", "/dev/i2c-", `like "/dev/i2c-1"`},
		{"i2c", "/dev/i2c-01", `like "/dev/i2c-1"`},
		{"i2c", "/dev/i2c-1.0", `like "/dev/i2c-1"`},
		{"i2c", "/dev/i2c-99999999999999999999", `like "/dev/i2c-1"`},
		{"spi", "/dev/spidev0", `like "/dev/spidev0.0"`},
		{"spi", "/dev/spidev0.-1", `like "/dev/spidev0.0"`},
	} {
		err := open[c.bus](c.device)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"`+c.device+`"`) {
			t.Errorf("%s: %v, want %s", c.device, err, c.want)
		}
	}
	if err := remedied(fs.ErrPermission, "", "i2c", ""); !errors.Is(err, fs.ErrPermission) ||
		!strings.Contains(err.Error(), "group i2c") {
		t.Error(err)
	}
}
