package config

// shop looks at what a page needs of the other sections: phones must reach it, and a display must show the way to it.
func (t *table) shop(c *Config, ups, display *table) {
	switch c.Payment.Flow {
	case Web:
		c.Shop.Enabled = true
	case Reservation:
	default:
		if c.Shop.Enabled {
			t.fail("enabled", "is for payment.flow \"reservation\", beside the machine's own code, and the flow is %s: "+
				"leave it out, or write flow = \"web\"", quote(c.Payment.Flow))
		}
	}
	if !c.Shop.Enabled {
		return
	}
	const phones = "keeps out customers' phones, which open the page: leave it out, or sell without a page"
	if len(c.UPS.Allow) > 0 {
		ups.fail("allow", phones)
	}
	if c.UPS.ClientCA != "" {
		ups.fail("client_ca", phones)
	}
	if c.Display.Driver == "ssd1306" {
		display.fail("driver", "\"ssd1306\" has too few dots for the code of a page, whose address is long: use another "+
			"display, or sell without a page")
	}
}
