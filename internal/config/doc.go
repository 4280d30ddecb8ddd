// Package config reads the kiosk's TOML file, strictly, and explains what it refuses.
//
// Load and Parse report every problem at once, each with its file, line, key, what is wrong and what to write instead.
// Unknown keys, keys written twice, values of another type and values out of range are problems; nothing is silently
// replaced by a default. A value that the format has but this version of kioskd cannot do (marked * below) is a problem
// too.
//
// Durations are texts with a unit ("30s", "10m"), amounts are texts with a decimal point in the currency of [machine]
// ("15.00"), pins are "GPIO0" to "GPIO53" by the chip's number, "P1_3" to "P1_40" by the header's position, or the name
// of a kernel line, and no two wires share one under any of its names, as no two boards share a serial port. Paths are
// absolute or relative to the folder of the file, except [display].device, which the driver takes as it is. Every other
// text is one line, at most 1024 bytes.
//
// No password or token stands in the file or in a Config: the keys that end in _file name files of mode 0600 that hold
// them, see ReadSecret. Those files are not opened here. The config and the secrets are regular files, or links to
// such.
//
// Which characters the display can draw is another's to say: see Judge.
//
// The table is the whole of the format. "needed" is a key that must be there, "R" one that flow "reservation" needs,
// "S" one that flow "sticker" needs, "P" one that each [[pin]] needs, "L" one that driver "lock" needs, "K" one that
// [keypad] needs, "T" one that [temperature] needs, "B" one that a slot with driver "board" needs, "W" one that driver
// "lock_plate" needs, "M" one that slots with driver "mdb" need, "Q" one that [printer] needs, "F" one that [fleet]
// needs; the others may be left out, and a key without a default is then empty.
//
//	Key                           Value                                             Default
//	machine.name                  text, 1 to 60 characters                          needed
//	machine.token                 1 to 64 letters and digits                        R
//	machine.language              "de", "en", "fi", "sv"                            "en"
//	machine.currency              ISO 4217 code, "SEK"                              needed
//	machine.timezone              IANA name, "Europe/Stockholm"                     "UTC"
//	machine.support               text, 1 to 80 characters                          -
//	glase.endpoint                URL; http only to this machine                    needed
//	glase.merchant_id             1 to 64 letters, digits, _ - .                    R
//	glase.terminal_id             1 to 64 letters, digits, _ - .                    -
//	glase.password_file           path                                              -
//	glase.client_id               text, 1 to 60 characters                          needed
//	glase.timeout                 duration, 100ms to 3s                             "3s"
//	glase.reservation_timeout     duration in whole seconds, 2m to 1h               "10m"
//	glase.reseller_id             1 to 64 letters, digits, _ - .                    -
//	glase.reseller_user           1 to 64 letters, digits, _ - .                    "9900"
//	glase.reseller_password_file  path                                              -
//	ups.listen                    address, with TLS or a proxy beyond loopback      R
//	ups.public_url                URL with the path prefix; http only on loopback   R
//	ups.path_prefix               "" or "/…" without a slash at the end             ""
//	ups.tls_cert                  path                                              -
//	ups.tls_key                   path                                              -
//	ups.behind_proxy              true, false                                       false
//	ups.allow                     list of addresses and networks, at most 32        -
//	ups.client_ca                 path; with tls_cert and tls_key                   -
//	payment.flow                  "reservation", "sticker", "invoice", "web"        "reservation"
//	payment.seqr_id               1 to 64 letters and digits                        S
//	payment.reserve_max           amount, not below any price                       R
//	payment.pin_timeout           duration, 5s to 10m                               "1m"
//	payment.choose_timeout        duration, 3s to 10m                               "1m"
//	shop.enabled                  true, false; true needs no allow, no client_ca    false
//	journal.path                  path                                              "/var/lib/kioskd/journal.db"
//	debug.listen                  address, with TLS and token_file beyond loopback  "127.0.0.1:8081"
//	debug.socket                  path, at most 107 bytes                           "/run/kioskd/debug.sock"
//	debug.token_file              path                                              -
//	debug.tls_cert                path                                              -
//	debug.tls_key                 path                                              -
//	display.driver                "terminal", "png", "framebuffer", "ssd1306", "epd", "none"   "none"
//	display.device                text; needed but for "terminal" and "none"        -
//	display.width                 columns, 1 to 4096; in pixels 128 to 4096         -
//	display.height                rows, 1 to 4096; in pixels 64 to 4096             -
//	display.rotation              0, 90, 180, 270; "ssd1306", "epd": 0, 180         -
//	display.address               "ssd1306": 0x3c, 0x3d; left out 0x3c              -
//	display.panel                 "epd" needs it: "waveshare2in13v2", "waveshare2in13v4"   -
//	display.dc                    pin; "epd" needs it                               -
//	display.reset                 pin; "epd" needs it                               -
//	display.busy                  pin; "epd" needs it                               -
//	gpio.driver                   "host", "sim"                                     needed
//	gpio.chip                     host: device or label of the chip to look on      -
//	gpio.device                   path of sim's unix socket, at most 107 bytes      -
//	gpio.door                     pin                                               -
//	gpio.tilt                     pin                                               -
//	gpio.cancel                   pin                                               -
//	gpio.retry                    pin                                               -
//	gpio.service                  pin; three presses show the technician's code     -
//	pin.name                      pin that something is wired to                    P
//	pin.active_low                true, false                                       -
//	pin.pull                      "up", "down", "none"                              -
//	pin.debounce                  duration, 0s to 100ms                             -
//	keypad.rows                   list of 1 to 8 pins                               K
//	keypad.columns                list of 1 to 8 pins                               K
//	keypad.keys                   list of texts: a character per column             K
//	keypad.clear                  one of the keys                                   -
//	keypad.enter                  one of the keys                                   -
//	temperature.sensor            name of a folder in /sys/bus/w1/devices           T
//	temperature.max               °C, -55 to 85                                     T
//	temperature.min               °C, -55 to 85; -55 when left out                  -
//	temperature.hold              duration, 1m to 24h; "15m" when left out          -
//	printer.device                path of a USB printer, or as board.device         Q
//	printer.baud                  1200 to 921600; a serial port needs it            -
//	printer.width                 columns, 24 to 64; 32 when left out               -
//	printer.code_page             "cp437", "cp850", "cp858", "cp865", or "cp1252"   -
//	fleet.servers                 list of 1 to 16 "tls://…" or "wss://…"            F
//	fleet.credentials             path; needed for servers beyond loopback          -
//	fleet.ca                      path                                              -
//	fleet.authority               56 letters and digits, from kioskhub              -
//	fleet.size                    1 to 10000000, about                              -
//	board.device                  path or pattern of a serial port                  B
//	board.baud                    1200 to 921600                                    57600
//	board.resends                 0 to 20                                           5
//	board.elevator                true, false                                       false
//	lock_board.device             path or pattern of a serial port                  L
//	lock_board.baud               1200 to 921600                                    19200
//	lock_board.address            0 to 15                                           0
//	lock_board.open_bit           0, 1                                              1
//	lock_board.status_bytes       2, 4                                              4
//	lock_plate.device             path or pattern of a serial port                  W
//	lock_plate.baud               1200 to 921600                                    9600
//	lock_plate.address            1 to 31                                           1
//	lock_plate.open_word          "11", "00"                                        "11"
//	lock_plate.deaf               duration, 0s to 2s                                "1s"
//	mdb.device                    path of a serial device                           M
//	mdb.baud                      1200 to 1000000                                   115200
//	mdb.deny                      "stop", "-1"                                      "stop"
//	mdb.longest                   duration, 2s to 3m                                "1m"
//	slot.id                       1 to 8 capital letters and digits, unique         needed
//	slot.name                     text, 1 to 60 characters                          needed
//	slot.price                    amount                                            needed
//	slot.stock                    0 to 10000, when the journal is new               needed
//	slot.vat                      whole percent, 0 to 100                           -
//	slot.ean                      8 to 14 digits                                    -
//	slot.button                   pin                                               -
//	slot.max_on                   duration, 50ms to 30s                             needed
//	slot.perishable               true, false; true needs [temperature]             -
//	slot.vend.driver              "relay", "lock", "lock_plate", "board", "mdb"     needed
//	slot.vend.relay               pin                                               needed
//	slot.vend.drop                pin; relay                                        needed
//	slot.vend.home                pin; relay                                        -
//	slot.vend.retry_turn          true, false; relay with home                      false
//	slot.vend.opened              pin; lock                                         L
//	slot.vend.pulse               duration, 50ms to 5s, below max_on; lock          -
//	slot.vend.close               duration, 1s to 5m; locks: "30s" when left out     -
//	slot.vend.motor               0 to 65535, unique; board                         B
//	slot.vend.lock                1 to 16 on the lock board, 1 to 32 on a plate     -
//	slot.vend.product             0 to 65535, unique; mdb                           M
//
// A board keeps max_on itself; it is then how long to wait for it. For a lock max_on is how long the customer has to
// open the door, and close for how long it may stand open. A slot with driver "mdb" needs flow "reservation", and has
// no button, max_on, relay or drop: the machine chooses and delivers.
//
// Each [[pin]] describes a pin that is not wired the usual way, which is: an output's wire is at 0 V while what it
// drives is off, an input's while its contact is made. There are 1 to 64 slots. In flow "reservation" pin_timeout and
// choose_timeout together are shorter than reservation_timeout. When [ups] is there at all it has listen and
// public_url, and without behind_proxy public_url's path is path_prefix. In a fleet it needs no listen, and public_url
// may end in "/k/" and the token, as its gateways have it. Where only this machine can call (listen is on loopback),
// allow includes it.
package config
