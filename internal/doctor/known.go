package doctor

import (
	"slices"
	"strings"
)

// overlay is what an overlay takes: pins that are fixed, and pins that its parameters name, with the default where they
// do not; none is no default.
type overlay struct {
	fixed []int
	named map[string]int
	modes map[string][]int // pins that a parameter takes in place of the fixed ones
}

const none = -1

// onSPI are the pins of an overlay for something on SPI0, of which each takes the bus with both its selects.
func onSPI(pins ...int) []int { return append([]int{7, 8, 9, 10, 11}, pins...) }

// spi1 are modes in which such a part is on SPI1 instead.
var spi1 = map[string][]int{"spi1-0": {18, 19, 20, 21}, "spi1-1": {17, 19, 20, 21}, "spi1-2": {16, 19, 20, 21}}

// The pins of DPI: rgb666 as it is, with gaps between its colours, and with eight bits of each.
var (
	dpi18     = span(0, 21)
	dpiGaps18 = slices.Concat(span(0, 9), span(12, 17), span(20, 25))
	dpi24     = span(0, 27)
)

func span(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

// overlays are those that take pins of the header and that kiosks have been seen with: of the firmware's README and of
// its sources, and of the displays' own installers (LCD-show).
var overlays = map[string]overlay{
	"w1-gpio":        {named: map[string]int{"gpiopin": 4}},
	"w1-gpio-pullup": {named: map[string]int{"gpiopin": 4, "extpullup": 5}},
	"w1-gpio-pi5":    {named: map[string]int{"gpiopin": 4}},
	"i2c0":           {fixed: []int{0, 1}}, "i2c1": {fixed: []int{2, 3}}, "i2c3": {fixed: []int{4, 5}},
	"i2c4": {fixed: []int{8, 9}},
	"i2c5": {fixed: []int{12, 13}}, "i2c6": {fixed: []int{22, 23}},
	"i2c-gpio": {named: map[string]int{"i2c_gpio_sda": 23, "i2c_gpio_scl": 24}},
	"spi0-0cs": {fixed: []int{9, 10, 11}}, "spi0-1cs": {fixed: []int{9, 10, 11}, named: map[string]int{"cs0_pin": 8}},
	"spi0-2cs": {fixed: []int{9, 10, 11}, named: map[string]int{"cs0_pin": 8, "cs1_pin": 7}},
	"spi1-1cs": {fixed: []int{19, 20, 21}, named: map[string]int{"cs0_pin": 18}},
	"spi1-2cs": {fixed: []int{19, 20, 21}, named: map[string]int{"cs0_pin": 18, "cs1_pin": 17}},
	"spi1-3cs": {fixed: []int{19, 20, 21}, named: map[string]int{"cs0_pin": 18, "cs1_pin": 17, "cs2_pin": 16}},
	"uart0":    {named: map[string]int{"txd0_pin": 14, "rxd0_pin": 15}},
	"uart1":    {named: map[string]int{"txd1_pin": 14, "rxd1_pin": 15}},
	"uart2":    {fixed: []int{0, 1}}, "uart3": {fixed: []int{4, 5}}, "uart4": {fixed: []int{8, 9}},
	"uart5":     {fixed: []int{12, 13}},
	"uart0-pi5": {fixed: []int{14, 15}}, "uart1-pi5": {fixed: []int{0, 1}}, "uart2-pi5": {fixed: []int{4, 5}},
	"uart3-pi5": {fixed: []int{8, 9}},
	"uart4-pi5": {fixed: []int{12, 13}}, "miniuart-bt": {fixed: []int{14, 15}}, "disable-bt": {fixed: []int{14, 15}},
	"pwm": {named: map[string]int{"pin": 18}}, "pwm-2chan": {named: map[string]int{"pin": 18, "pin2": 19}},
	"audremap":      {fixed: []int{12, 13}},
	"gpio-shutdown": {named: map[string]int{"gpio_pin": 3}}, "gpio-poweroff": {named: map[string]int{"gpiopin": 26}},
	"gpio-fan": {named: map[string]int{"gpiopin": 12}}, "pwm-gpio-fan": {named: map[string]int{"fan_gpio": 18}},
	"gpio-led": {named: map[string]int{"gpio": 19}},
	"gpio-key": {named: map[string]int{"gpio": 3}}, "gpio-ir": {named: map[string]int{"gpio_pin": 18}},
	"gpio-ir-tx":     {named: map[string]int{"gpio_pin": 18}},
	"rotary-encoder": {named: map[string]int{"pin_a": 4, "pin_b": 17}}, "dht11": {named: map[string]int{"gpiopin": 4}},
	"pps-gpio": {named: map[string]int{"gpiopin": 18}}, "sdio": {fixed: []int{22, 23, 24, 25, 26, 27}},
	"wittypi": {fixed: []int{4, 17}},

	"piscreen": {fixed: onSPI(17, 22, 24, 25)}, "piscreen2r": {fixed: onSPI(17, 22, 24, 25)},
	"pitft22":           {fixed: onSPI(25)},
	"pitft28-resistive": {fixed: onSPI(24, 25)}, "pitft28-capacitive": {fixed: onSPI(2, 3, 24, 25)},
	"pitft35-resistive": {fixed: onSPI(24, 25)},
	"rpi-display":       {fixed: onSPI(23, 24, 25), named: map[string]int{"backlight": 18}},
	"hy28a":             {fixed: onSPI(17), named: map[string]int{"resetgpio": 25, "ledgpio": 18}},
	"hy28b":             {fixed: onSPI(17), named: map[string]int{"resetgpio": 25, "ledgpio": 18}},
	"mz61581":           {fixed: onSPI(4, 15, 18, 25)},
	"tinylcd35": {fixed: onSPI(18, 24, 25), named: map[string]int{"touchgpio": 5},
		modes: map[string][]int{"keypad": onSPI(18, 24, 25, 4, 17, 22, 23, 27)}},
	"tft35a": {fixed: onSPI(17, 24, 25)}, "mhs35": {fixed: onSPI(17, 24, 25)},
	"waveshare35a": {fixed: onSPI(17, 24, 25)}, "waveshare35b": {fixed: onSPI(17, 24, 25)},
	"waveshare35c": {fixed: onSPI(17, 24, 25)},
	"fbtft": {fixed: onSPI(), named: map[string]int{"dc_pin": none, "reset_pin": none, "led_pin": none},
		modes: spi1},
	"ads7846":      {fixed: onSPI(), named: map[string]int{"penirq": 25}},
	"goodix":       {fixed: []int{2, 3}, named: map[string]int{"interrupt": 4, "reset": 17}},
	"mcp2515-can0": {fixed: onSPI(), named: map[string]int{"interrupt": 25}},
	"mcp2515-can1": {fixed: onSPI(), named: map[string]int{"interrupt": 25}},
	"mcp2515":      {fixed: onSPI(), named: map[string]int{"interrupt": 25}, modes: spi1},
	"mcp251xfd":    {fixed: onSPI(), named: map[string]int{"interrupt": 25}, modes: spi1},
	"enc28j60":     {fixed: onSPI(), named: map[string]int{"int_pin": 25}},
	"gpio-hog":     {named: map[string]int{"gpio": 26}},
	"i2c-rtc":      {fixed: []int{2, 3}},
	"dpi18":        {fixed: dpi18}, "dpi18cpadhi": {fixed: dpiGaps18}, "dpi24": {fixed: dpi24},
	"vga666": {fixed: span(2, 21)}, "vc4-kms-vga666": {fixed: span(2, 21)},
	"vc4-kms-dpi-generic": {fixed: dpi18, modes: map[string][]int{
		"rgb565": span(0, 19), "rgb565-padhi": slices.Concat(span(0, 8), span(12, 17), span(20, 24)),
		"rgb666-padhi": dpiGaps18, "bgr666-padhi": dpiGaps18, "rgb888": dpi24, "bgr888": dpi24,
	}},
}

// families are overlays that take the same pins whatever follows this beginning of their names.
var families = map[string][]int{
	"vc4-kms-dpi-": dpi24, "hyperpixel": dpi24, // nearly all pins, and the rest for what is beside the pixels
	"hifiberry-": {18, 19, 20, 21}, "iqaudio-": {18, 19, 20, 21}, "spi0-": {9, 10, 11}, "spi1-": {19, 20, 21},
}

// noPins are beginnings of the names of overlays that take no pin of the header: the graphics and the cameras of every
// image, and switches.
var noPins = []string{"vc4-kms-v3d", "vc4-fkms-v3d", "vc4-kms-dsi-", "dwc2", "dwc-otg", "disable-", "imx", "ov5647",
	"ov64a40", "ov7251", "ov9281",
	"rpi-backlight", "rpi-ft5406", "cma", "upstream", "highperi", "watchdog"}

// pinsOf are the pins that an overlay takes with these parameters. false: nothing is known of it.
func pinsOf(name string, params map[string]string) (takes []int, known bool) {
	o, known := overlays[name]
	if !known {
		for begin, pins := range families {
			if strings.HasPrefix(name, begin) {
				return pins, true
			}
		}
		return nil, slices.ContainsFunc(noPins, func(begin string) bool { return strings.HasPrefix(name, begin) })
	}
	takes = o.fixed
	for mode, pins := range o.modes {
		if on, given := params[mode]; given && isOn(on) {
			takes = pins
		}
	}
	takes = slices.Clone(takes)
	for param, pin := range o.named {
		if given, ok := params[param]; ok {
			takes = append(takes, numbers(given)...)
		} else if pin != none {
			takes = append(takes, pin)
		}
	}
	return takes, true
}
