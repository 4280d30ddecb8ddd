package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// machine plays a machine's files in a folder. An empty text is a folder's or an empty file's; "→ x" is a link.
func machine(t *testing.T, files map[string]string) Root {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		err := os.WriteFile(path, []byte(text), 0o644)
		if to, ok := strings.CutPrefix(text, "→ "); ok {
			err = os.Remove(path)
			if err == nil {
				err = os.Symlink(to, path)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return Root(root)
}

// told holds findings against what they should say: "state: words", in their order. Every finding that is not ok says
// what to do.
func told(t *testing.T, found []Finding, want ...string) {
	t.Helper()
	if len(found) != len(want) {
		t.Fatalf("%d findings, want %d: %+v", len(found), len(want), found)
	}
	for n, f := range found {
		state, words, _ := strings.Cut(want[n], ": ")
		if string(f.State) != state || !strings.Contains(f.Says+" | "+f.Remedy, words) {
			t.Errorf("finding %d is %+v, want %q", n, f, want[n])
		}
		if (f.State == OK) != (f.Remedy == "") || f.Area == "" || f.Says == "" {
			t.Errorf("a finding without a remedy, or with one for nothing: %+v", f)
		}
	}
}

func TestAnOverlayThatTakesAConfiguredPinIsFound(t *testing.T) {
	pins := []Pin{{"GPIO4", "slot A1 vend.drop"}, {"GPIO17", "slot A1 vend.relay"}, {"GPIO2", "gpio.door"},
		{"GPIO14", "gpio.tilt"}, {"GPIO8", "gpio.cancel"}}
	for _, c := range []struct {
		name, config, model string
		want                []string
	}{
		{"nothing", "# dtoverlay=w1-gpio\ndtparam=audio=on\ndtoverlay=vc4-kms-v3d\narm_64bit=1\n", "",
			[]string{"ok: takes one of"}},
		{"1-Wire", "dtoverlay=w1-gpio\n", "",
			[]string{"fail: GPIO4 is slot A1 vend.drop in the kiosk's config, and dtoverlay=w1-gpio"}},
		{"1-Wire elsewhere", "dtoverlay=w1-gpio,gpiopin=22\n", "", []string{"ok: "}},
		{"1-Wire on the relay", "dtoverlay=w1-gpio,gpiopin=17 # moved\n", "", []string{"fail: GPIO17"}},
		{"a parameter of its own line", "dtoverlay=w1-gpio\ndtparam=gpiopin=17\n", "", []string{"fail: GPIO17"}},
		{"after the overlay's end", "dtoverlay=w1-gpio,gpiopin=22\ndtoverlay=\ndtparam=gpiopin=17\n", "",
			[]string{"ok: "}},
		{"I2C", "dtparam=i2c_arm=on\n", "", []string{"fail: dtparam=i2c_arm=on"}},
		{"I2C off", "dtparam=i2c_arm=off\n", "", []string{"ok: "}},
		{"two in one line", "dtparam=spi=on,i2c_arm\n", "", []string{"fail: GPIO2", "fail: GPIO8"}},
		{"a port's switch after an overlay", "dtoverlay=w1-gpio,gpiopin=22\ndtparam=spi=on\n", "",
			[]string{"fail: GPIO8"}},
		{"serial", "enable_uart=1\n", "", []string{"fail: GPIO14"}},
		{"a lamp", "dtparam=act_led_gpio=17\n", "", []string{"fail: act_led_gpio=17"}},
		{"another machine's", "[pi3]\ndtoverlay=w1-gpio\n[all]\n", "Raspberry Pi 4 Model B Rev 1.4\x00",
			[]string{"ok: "}},
		{"this machine's", "[pi4]\ndtoverlay=w1-gpio\n[all]\n", "Raspberry Pi 4 Model B Rev 1.4\x00",
			[]string{"fail: GPIO4"}},
		{"perhaps this machine's", "[gpio4=0]\ndtoverlay=w1-gpio\n", "Raspberry Pi 4 Model B Rev 1.4\x00",
			[]string{"warn: where [gpio4=0] holds"}},
		{"nobody's", "[none]\ndtoverlay=w1-gpio\n", "", []string{"ok: "}},
		{"the colon's spelling", "dtoverlay=w1-gpio:gpiopin=17\n", "", []string{"fail: GPIO17"}},
		{"the colon's spelling, elsewhere", "dtoverlay=w1-gpio:gpiopin=22,pullup=1\n", "", []string{"ok: "}},
		{"a 3.5 inch display of LCD-show", "dtoverlay=tft35a:rotate=90\n", "", []string{"fail: GPIO17", "fail: GPIO8"}},
		{"another of them", "dtoverlay=waveshare35a\n", "", []string{"fail: GPIO17", "fail: GPIO8"}},
		{"a PiScreen", "dtoverlay=piscreen,speed=16000000\n", "", []string{"fail: GPIO17", "fail: GPIO8"}},
		{"a PiTFT", "dtoverlay=pitft35-resistive\n", "", []string{"fail: GPIO8"}},
		{"CAN", "dtoverlay=mcp2515-can0,oscillator=12000000,interrupt=4\n", "", []string{"fail: GPIO4", "fail: GPIO8"}},
		{"CAN's usual interrupt", "dtoverlay=mcp2515-can0\n", "", []string{"fail: GPIO8"}},
		{"a touch panel's pen", "dtoverlay=ads7846,cs=1,penirq=17,speed=50000\n", "",
			[]string{"fail: GPIO17", "fail: GPIO8"}},
		{"DPI", "dtoverlay=vc4-kms-dpi-generic\n", "",
			[]string{"fail: GPIO4", "fail: GPIO17", "fail: GPIO2", "fail: GPIO14", "fail: GPIO8"}},
		{"DPI of a panel", "dtoverlay=vc4-kms-dpi-hyperpixel4\n", "",
			[]string{"fail: GPIO4", "fail: GPIO17", "fail: GPIO2", "fail: GPIO14", "fail: GPIO8"}},
		{"a display of its own wires", "dtoverlay=fbtft,spi0-0,st7789v,dc_pin=4,reset_pin=25\n", "",
			[]string{"fail: GPIO4", "fail: GPIO8"}},
		{"one that is not known", "dtoverlay=somebodys-hat,x=1\ndtoverlay=w1-gpio\n", "",
			[]string{"warn: dtoverlay=somebodys-hat is not known here", "fail: GPIO4"}},
		{"another machine's that is not known", "[pi3]\ndtoverlay=somebodys-hat\n",
			"Raspberry Pi 4 Model B Rev 1.4\x00", []string{"ok: "}},
		{"those of every image",
			"dtoverlay=vc4-kms-v3d\ndtoverlay=dwc2,dr_mode=host\ndtoverlay=disable-wifi\ndtoverlay=imx708\ndtoverlay=vc4-kms-dsi-7inch\n", "", []string{"ok: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := machine(t, map[string]string{"boot/firmware/config.txt": c.config, "proc/device-tree/model": c.model})
			told(t, Overlays(r, pins), c.want...)
		})
	}
	told(t, Overlays(machine(t, nil), pins), "ok: no Raspberry Pi OS")
	told(t, Overlays(machine(t, map[string]string{"boot/config.txt": "dtoverlay=w1-gpio"}), pins),
		"fail: /boot/config.txt")
}

// TestTheFormatOfADPIDisplaySaysItsPins, which are nearly all of the header's.
func TestTheFormatOfADPIDisplaySaysItsPins(t *testing.T) {
	for config, free := range map[string][]string{
		"vc4-kms-dpi-generic":              {"GPIO22", "GPIO27"},
		"vc4-kms-dpi-generic,rgb666-padhi": {"GPIO10", "GPIO11", "GPIO18", "GPIO19", "GPIO26", "GPIO27"},
		"vc4-kms-dpi-generic,rgb888":       nil, "dpi18": {"GPIO22"}, "dpi24": nil,
		"vga666": {"GPIO0", "GPIO1", "GPIO22"},
	} {
		r := machine(t, map[string]string{"boot/firmware/config.txt": "dtoverlay=" + config})
		for n := range 28 {
			pin := fmt.Sprint("GPIO", n)
			found := Overlays(r, []Pin{{pin, "slot A1 vend.relay"}})
			if slices.Contains(free, pin) && found[0].State != OK {
				t.Errorf("%s takes %s: %+v", config, pin, found)
			}
			if free == nil && found[0].State != Fail {
				t.Errorf("%s leaves %s: %+v", config, pin, found)
			}
		}
	}
}

func TestAKernelThatKeepsOutputsIsFoundWithTheRemedy(t *testing.T) {
	param := "sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs"
	unit := "[Service]\nExecStart=/usr/bin/kioskd run\nExecStopPost=/usr/bin/kioskd outputs-off\n"
	told(t, KeptOutputs(machine(t, nil)), "ok: does not keep")
	told(t, KeptOutputs(machine(t, map[string]string{param: "N\n"})), "ok: does not keep")
	told(t, KeptOutputs(machine(t, map[string]string{param: "Y\n", "etc/systemd/system/kioskd.service": unit})),
		"warn: pinctrl_bcm2835.persist_gpio_outputs=n")
	told(t, KeptOutputs(machine(t, map[string]string{param: "Y\n", "lib/systemd/system/kioskd.service": unit})),
		"warn: ExecStopPost")
	told(t, KeptOutputs(machine(t, map[string]string{param: "Y\n"})), "fail: install kioskd's unit")
	told(t, KeptOutputs(machine(t, map[string]string{"sys/module/pinctrl_rp1/parameters/persist_gpio_outputs": "Y",
		"etc/systemd/system/kioskd.service": "[Service]\n"})),
		"fail: pinctrl_rp1.persist_gpio_outputs=n")
}

func TestAWatchdogThatNobodyFeedsIsFound(t *testing.T) {
	told(t, Watchdog(machine(t, nil)), "warn: no hardware watchdog")
	told(t, Watchdog(machine(t, map[string]string{"sys/class/watchdog/watchdog0/state": "inactive\n"})),
		"warn: RuntimeWatchdogSec")
	told(t, Watchdog(machine(t, map[string]string{"sys/class/watchdog/watchdog0/state": "active\n"})), "ok: is reset")
}

func TestAGroupThatTheUserIsNotInIsFound(t *testing.T) {
	files := map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nkioskd:x:990:990::/:/usr/sbin/nologin\nrubbish\n",
		"etc/group":  "gpio:x:997:pi,kioskd\ndialout:x:20:pi\ni2c:x:998:kioskd2\nkioskd:x:990:\nrubbish\n",
	}
	r := machine(t, files)
	gpio, dialout, i2c, spi := Need{"gpio", "the pins"}, Need{"dialout", "serial ports"}, Need{"i2c", "the display"},
		Need{"spi", "the display"}
	told(t, Groups(r, "kioskd", nil), "ok: no device")
	told(t, Groups(r, "root", []Need{gpio}), "ok: root")
	told(t, Groups(r, "kioskd", []Need{gpio, dialout, i2c, spi, {"kioskd", "itself"}}), "ok: gpio",
		"fail: sudo usermod -aG dialout kioskd", "fail: sudo usermod -aG i2c kioskd",
		`fail: there is no group "spi"`, "ok: kioskd")
	told(t, Groups(r, "nobody", []Need{gpio}), `fail: no user "nobody"`)
	told(t, Groups(machine(t, nil), "root", []Need{gpio}), "ok: root")

	files["etc/systemd/system/kioskd.service"] = "[Service]\nUser=kiosk2\nDynamicUser=yes\nSupplementaryGroups=gpio " +
		"video\nSupplementaryGroups=dialout\n"
	r = machine(t, files)
	if user := ServiceUser(r, "pi"); user != "kiosk2" {
		t.Errorf("the unit's user is %q", user)
	}
	told(t, Groups(r, "kiosk2", []Need{gpio, dialout, i2c}), "ok: gpio", "ok: dialout", "fail: i2c")
	if user := ServiceUser(machine(t, nil), "pi"); user != "pi" {
		t.Errorf("without a unit the user is %q", user)
	}
}

func TestASerialPortThatIsTheSystemsConsoleIsFound(t *testing.T) {
	port := []Device{{Path: "/dev/serial0", For: "board.device", Do: "enable_uart=1"}}
	base := map[string]string{"dev/ttyAMA0": "", "dev/serial0": "→ ttyAMA0",
		"boot/firmware/cmdline.txt": "console=tty1 root=PARTUUID=1 rootwait\n", "proc/cmdline": "console=tty1\n"}
	with := func(name, text string) Root {
		files := map[string]string{name: text}
		for n, x := range base {
			if files[n] == "" {
				files[n] = x
			}
		}
		return machine(t, files)
	}
	told(t, Serial(machine(t, base), port), "ok: is there")
	told(t, Serial(machine(t, nil), port), "fail: enable_uart=1")
	told(t, Serial(with("boot/firmware/cmdline.txt", "console=serial0,115200 console=tty1"), port),
		"fail: console by /boot/firmware/cmdline.txt")
	told(t, Serial(with("boot/firmware/cmdline.txt", "console=ttyAMA0,115200"), port), "fail: console by")
	told(t, Serial(with("proc/cmdline", "console=ttyAMA0,115200"), port), "fail: running system's console")
	told(t, Serial(with("etc/systemd/system/getty.target.wants/serial-getty@ttyAMA0.service", "→ /lib/x"), port),
		"fail: sudo systemctl disable --now serial-getty@ttyAMA0.service")
	told(t, Serial(with("boot/firmware/cmdline.txt", "console=serial0"),
		[]Device{{Path: "/dev/ttyAMA0", For: "mdb.device"}}), "fail: console by")
	told(t, Serial(machine(t, map[string]string{"dev/ttyUSB0": ""}),
		[]Device{{Path: "/dev/ttyUSB0", For: "board.device"}}), "warn: /dev/serial/by-id")
	byID := Device{Path: "/dev/serial/by-id/usb-FTDI_*", For: "board.device", Do: "plug it in"}
	told(t, Serial(machine(t, nil), []Device{byID}), "fail: plug it in")
	told(t, Serial(machine(t, map[string]string{"dev/serial/by-id/usb-FTDI_A1": ""}), []Device{byID}),
		"ok: /dev/serial/by-id/usb-FTDI_A1 (board.device) is there")
	told(t, Serial(machine(t, map[string]string{"dev/serial/by-id/usb-FTDI_A1": "",
		"dev/serial/by-id/usb-FTDI_A2": ""}), []Device{byID}), "warn: fits 2 devices")
	sensor := []Device{{Path: "/sys/bus/w1/devices/28-0316a2795caf", For: "temperature.sensor",
		Do: "dtoverlay=w1-gpio"}}
	told(t, Devices(machine(t, map[string]string{"sys/bus/w1/devices/28-0316a2795caf/temperature": "4500"}), "sensors",
		sensor), "ok: temperature.sensor")
	told(t, Devices(machine(t, nil), "sensors", sensor), "fail: dtoverlay=w1-gpio")
}

// TestOneSerialPortUnderTwoNamesIsFound: a name of the adapter's own, the number that it has today, a pattern.
func TestOneSerialPortUnderTwoNamesIsFound(t *testing.T) {
	r := machine(t, map[string]string{"dev/ttyUSB0": "", "dev/ttyUSB1": "", "dev/ttyAMA0": "",
		"dev/serial0":                  "→ ttyAMA0",
		"dev/serial/by-id/usb-FTDI_A1": "→ ../../ttyUSB0", "dev/serial/by-path/platform-1": "→ ../../ttyUSB0"})
	ports := func(a, b string) []Device {
		return []Device{{Path: a, For: "board.device"}, {Path: b, For: "lock_board.device"}}
	}
	for _, c := range [][2]string{{"/dev/serial/by-id/usb-FTDI_A1", "/dev/ttyUSB0"},
		{"/dev/serial/by-id/usb-FTDI_A1", "/dev/serial/by-path/platform-1"},
		{"/dev/serial0", "/dev/ttyAMA0"}, {"/dev/serial/by-id/usb-FTDI*", "/dev/ttyUSB0"}} {
		told(t, Shared(r, "serial", ports(c[0], c[1])), "fail: "+c[0]+" (board.device) and "+c[1]+
			" (lock_board.device) are one device")
	}
	for _, c := range [][2]string{{"/dev/ttyUSB0", "/dev/ttyUSB1"}, {"/dev/ttyUSB*", "/dev/ttyUSB1"},
		{"/dev/none", "/dev/none"}} {
		told(t, Shared(r, "serial", ports(c[0], c[1])))
	}
	told(t, Shared("/", "serial", []Device{{Path: "/dev/null", For: "a"}, {Path: "/dev/zero", For: "b"},
		{Path: "/dev/../dev/null", For: "c"}}), "fail: /dev/null (a) and /dev/../dev/null (c)")
}

func FuzzBootSettings(f *testing.F) {
	f.Add("[pi4]\ndtoverlay=w1-gpio,gpiopin=17\ndtparam=spi=on\nenable_uart=1\n[all]\n#x\n=\ndtoverlay=")
	f.Add("dtparam=a,b=,=c,i2c_arm\ndtoverlay=x,,y=z")
	f.Fuzz(func(t *testing.T, text string) {
		for _, taken := range takers(bootSettings(text)) {
			for _, n := range taken.takes {
				if n < 0 || n > 255 || taken.line == "" {
					t.Fatalf("%+v", taken)
				}
			}
		}
		entries(text, 4)
		consoles(text)
		holds(text, text)
	})
}

func TestAPinThatSomebodyElseHoldsIsFound(t *testing.T) {
	line := func(by string, ours bool, err error) []Line {
		return []Line{{Pin: Pin{"GPIO17", "slot A1.vend.relay"}, At: "line 17 of gpiochip0", By: by, Ours: ours,
			Err: err}}
	}
	told(t, Pins(line("", false, nil), nil, false), "ok: nobody holds one")
	told(t, Pins(line("kioskd", true, nil), nil, true), "ok: kioskd holds 1")
	told(t, Pins(line("kioskd", true, nil), nil, false), "warn: does not run with this config")
	told(t, Pins(line("w1", false, nil), nil, true),
		`fail: GPIO17 (slot A1.vend.relay), line 17 of gpiochip0, is held by "w1"`)
	told(t, Pins(line("", false, errors.New("gpio: no line is called GPIO17")), nil, true),
		"fail: GPIO17 (slot A1.vend.relay): no line is called GPIO17")
	told(t, Pins(nil, errors.New("gpio: this computer has no GPIO chip"), false),
		"fail: this computer has no GPIO chip")
}
