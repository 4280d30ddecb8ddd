package house

// rooms says which of our own packages each package may import. A package that is not here is a room that nobody
// planned, and what is not imported any more must go from here.
var rooms = map[string][]string{
	"internal/money":  {},
	"internal/reason": {},
	"internal/words":  {"internal/reason"},

	"fsm":                 {"internal/money", "internal/reason"},
	"glase":               {"internal/money"},
	"glase/glasetest":     {"internal/money"},
	"ups":                 {"internal/money"},
	"hw/display":          {"internal/money", "internal/reason", "internal/words"},
	"hw/gpio":             {"hw/wire"},
	"hw/gpio/hostpin":     {"hw/gpio/pinname"},
	"hw/gpio/pinname":     {},
	"hw/gpio/simboard":    {},
	"hw/vend":             {"hw/wire", "internal/reason"},
	"hw/w1":               {},
	"hw/printer":          {"hw/vend/serialport"},
	"hw/vend/lockplate":   {"hw/vend", "hw/vend/lockboard", "hw/wire"},
	"hw/vend/slottest":    {"hw/gpio", "hw/vend", "hw/wire"},
	"hw/vend/serialport":  {},
	"hw/vend/vendtest":    {},
	"hw/vend/board":       {"hw/vend", "hw/vend/serialport", "hw/wire", "internal/reason"},
	"hw/vend/lockboard":   {"hw/vend", "hw/vend/serialport", "hw/wire", "internal/reason"},
	"hw/vend/mdb":         {"hw/vend", "hw/vend/serialport", "hw/wire", "internal/money", "internal/reason"},
	"hw/vend/mdb/mdbtest": {},

	"hw/printer/printertest": {},

	"internal/plainfile": {},
	"internal/config": {
		"fsm", "hw/gpio/pinname", "hw/printer", "hw/vend", "hw/wire", "internal/money", "internal/plainfile",
		"internal/words",
	},
	"internal/shop": {"fsm", "hw/display", "internal/config", "internal/front", "internal/kiosk",
		"internal/markup", "internal/reason",
		"internal/receipt", "internal/words", "ups"},
	"internal/shop/shoptest": {"internal/shop"},
	"internal/sticker":       {},
	"internal/terminal":      {"glase", "internal/config", "internal/identity", "ups"},
	"internal/certify": {
		"fsm", "glase", "hw/display", "internal/config", "internal/glasepay", "internal/identity", "internal/money",
		"internal/serve", "internal/terminal", "ups",
	},
	"internal/books": {"fsm", "glase", "internal/debug/api", "internal/journal", "internal/money",
		"internal/plainfile", "internal/terminal"},
	"internal/evadts":   {"internal/money"},
	"internal/totals":   {"internal/debug/api", "internal/money"},
	"internal/identity": {"internal/plainfile"},
	"internal/mint":     {"fsm"},
	"internal/markup":   {},
	"internal/cert":     {"internal/plainfile"},
	"internal/chain":    {},
	"internal/journal":  {"fsm", "internal/chain", "internal/money", "internal/reason"},
	"internal/kiosk":    {"fsm", "internal/money", "internal/reason"},
	"internal/wiring":   {"hw/gpio/pinname", "hw/wire", "internal/config"},
	"internal/debug": {"fsm", "internal/books", "internal/debug/api", "internal/journal", "internal/kiosk",
		"internal/money", "internal/reason", "internal/receipt", "internal/story"},
	"internal/story":        {"fsm"},
	"internal/debug/api":    {}, // what the port and its clients say to each other: it knows neither of them
	"internal/debug/client": {"internal/debug/api"},
	"internal/front": {
		"fsm", "hw/display", "internal/config", "internal/kiosk", "internal/money", "internal/reason", "ups",
	},
	"internal/hardware": {
		"fsm", "hw/gpio", "hw/gpio/hostpin", "hw/gpio/pinname", "hw/vend", "hw/vend/serialport", "hw/wire",
		"internal/config",
		"internal/debug", "internal/kiosk", "internal/reason",
	},
	"internal/mdbseller": {"fsm", "hw/vend/mdb", "internal/config", "internal/debug", "internal/kiosk",
		"internal/money", "internal/reason"},
	"internal/glasepay": {"fsm", "glase", "internal/mint", "internal/money", "internal/receipt", "internal/words",
		"ups"},
	"internal/receipt": {"fsm", "internal/markup", "internal/money", "internal/words"},
	"internal/printing": {"fsm", "hw/printer", "internal/config", "internal/debug", "internal/journal",
		"internal/kiosk", "internal/receipt"},
	"internal/cold": {"fsm", "hw/w1", "internal/config", "internal/debug", "internal/reason"},
	"internal/health": {"fsm", "glase", "hw/gpio", "hw/wire", "internal/config", "internal/debug", "internal/doctor",
		"internal/reason"},
	"internal/serve":     {"fsm", "internal/cert", "internal/config", "internal/debug", "ups"},
	"internal/sdnotify":  {"fsm", "internal/kiosk"},
	"internal/simulated": {"hw/gpio", "hw/gpio/simboard", "hw/wire", "internal/config"},
	"internal/doctor":    {"glase", "hw/gpio/pinname", "internal/plainfile"},
	"internal/app":       {"*"},

	"internal/fleet/protocol":  {}, // what the programs of a fleet say to each other: it knows none of them
	"internal/fleet/relay":     {"internal/fleet/protocol"},
	"internal/fleet/authority": {},
	"internal/fleet/ownca":     {},
	"internal/hub/people":      {"internal/plainfile"},
	"internal/hub/monitoring":  {},
	"internal/hub/watch":       {"internal/fleet/protocol", "internal/hub/store", "internal/reason"},
	"internal/fleet/grants":    {"internal/fleet/authority", "internal/fleet/protocol", "internal/plainfile"},
	"internal/fleet/enrol": {"internal/fleet/authority", "internal/fleet/protocol", "internal/identity",
		"internal/plainfile"},
	"internal/hub/admit": {"internal/fleet/authority", "internal/fleet/enrol", "internal/fleet/grants",
		"internal/fleet/protocol", "internal/hub/store", "internal/mint"},
	"internal/hub/desk": {"internal/cert", "internal/hub/monitoring", "internal/hub/page", "internal/hub/people",
		"internal/hub/store", "internal/hub/watch"},
	"internal/hub/page": {"internal/hub/people", "internal/hub/store", "internal/hub/watch", "internal/money",
		"internal/story"},
	"internal/hub/setup": {"internal/fleet/grants", "internal/fleet/ownca", "internal/plainfile"},

	"internal/hub/settings": {"internal/hub/desk", "internal/plainfile"},
	"internal/hub/collect":  {"internal/chain", "internal/fleet/protocol", "internal/hub/store"},
	"internal/hub/store": {
		"fsm",
		"internal/chain",
		"internal/fleet/protocol",
		"internal/journal",
		"internal/hub/people",
	},
	"internal/fleet/member": {"fsm", "internal/config", "internal/debug", "internal/debug/api", "internal/fleet",
		"internal/fleet/relay", "internal/kiosk", "internal/mint", "internal/plainfile", "internal/reason"},
	"internal/fleet": {"fsm", "internal/chain", "internal/fleet/protocol", "internal/kiosk", "internal/plainfile",
		"internal/reason"},

	"internal/gate": {"internal/cert", "internal/fleet/protocol", "internal/plainfile", "ups"},
	"cmd/kioskgate": {"internal/cert", "internal/gate"},

	"cmd/kioskhub": {"internal/cert", "internal/fleet/protocol", "internal/hub/admit", "internal/hub/collect",
		"internal/hub/desk", "internal/hub/settings", "internal/hub/setup", "internal/hub/store",
		"internal/money"},
	"cmd/kioskd": {
		"glase", "hw/display", "hw/gpio", "hw/gpio/hostpin", "hw/gpio/simboard", "internal/app", "internal/certify",
		"internal/config", "internal/debug/api", "internal/debug/client", "internal/doctor",
		"internal/drivers", "internal/evadts", "internal/fleet/enrol",
		"internal/front", "internal/hardware", "internal/identity", "internal/money", "internal/plainfile",
		"internal/totals",
		"internal/journal", "internal/sdnotify", "internal/simulated", "internal/sticker",
		"internal/terminal", "ups", "internal/wiring",
	},
	"cmd/glasesim":  {"glase/glasetest"},
	"cmd/demo":      {"internal/money"},
	"hw/wire":       {},
	"hw/vend/relay": {"hw/vend", "hw/wire"},
	"hw/vend/lock":  {"hw/vend", "hw/wire"},
	"internal/drivers": {
		"hw/vend", "hw/vend/board", "hw/vend/lock", "hw/vend/lockboard", "hw/vend/lockplate", "hw/vend/mdb",
		"hw/vend/relay",
	},

	// The proof: it may use what it proves, and nothing uses it.
	"internal/proof/broker": {"internal/fleet/grants", "internal/fleet/ownca", "internal/fleet/protocol",
		"internal/proof/port"},
	"internal/proof/crash":    {},
	"internal/proof/fleet":    {"*"},
	"internal/proof/house":    {},
	"internal/proof/kernel":   {},
	"internal/proof/phone":    {},
	"internal/proof/port":     {},
	"internal/proof/postgres": {"internal/proof/port"},
	"internal/proof/powercut": {"fsm", "internal/journal", "internal/money"},
	"internal/proof/sabotage": {},
	"internal/proof/service":  {},
	"internal/proof/till":     {"fsm", "internal/journal", "internal/money", "internal/reason"},
	"internal/proof/toolkits": {},
	"internal/proof/world":    {"*"},
}

// forTests are the further imports that a package's tests may use.
var forTests = map[string][]string{
	"cmd/kioskhub": {"internal/fleet", "internal/fleet/enrol", "internal/fleet/grants", "internal/identity",
		"internal/proof/broker", "internal/proof/port", "internal/proof/till"},
	"internal/gate": {"internal/fleet/grants", "internal/fleet/relay", "internal/proof/broker"},
	"internal/hub/collect": {"internal/fleet", "internal/journal", "internal/proof/broker", "internal/proof/postgres",
		"internal/proof/till"},
	"internal/fleet/relay":    {"internal/proof/broker"},
	"internal/terminal":       {"glase/glasetest"},
	"internal/books":          {"glase/glasetest"},
	"internal/certify":        {"glase/glasetest"},
	"internal/glasepay":       {"internal/identity", "internal/terminal"},
	"internal/hardware":       {"hw/vend/vendtest"},
	"internal/hub/store":      {"internal/money", "internal/proof/postgres", "internal/proof/till"},
	"glase":                   {"glase/glasetest"},
	"internal/proof/toolkits": {"glase", "internal/money"},
	"internal/fleet/grants":   {"internal/proof/broker"},
	"internal/fleet/enrol":    {"internal/fleet/ownca"},
	"internal/hub/admit":      {"internal/identity", "internal/proof/broker"},
	"hw/gpio":                 {"hw/gpio/simboard"},
	"hw/vend":                 {"hw/gpio", "hw/gpio/simboard"},
	"hw/vend/lockplate":       {"hw/vend/serialport", "hw/vend/slottest", "hw/vend/vendtest", "internal/reason"},
	"hw/vend/relay":           {"hw/gpio/simboard", "hw/vend/slottest"},
	"hw/vend/lock":            {"hw/gpio/simboard", "hw/vend/slottest"},
	"hw/vend/serialport":      {"hw/vend/vendtest"},
	"hw/vend/board":           {"hw/gpio/simboard", "hw/vend/slottest", "hw/vend/vendtest"},
	"hw/vend/lockboard":       {"hw/vend/slottest", "hw/vend/vendtest"},
	"internal/fleet":          {"internal/fleet/grants", "internal/money", "internal/proof/broker"},
	"internal/fleet/member":   {"internal/chain", "internal/fleet/protocol", "internal/proof/broker"},
	"internal/front":          {"internal/drivers"},
	"internal/journal":        {"internal/identity"},
	"internal/debug/client":   {"fsm", "internal/debug", "internal/journal", "internal/kiosk"},
	"hw/vend/mdb":             {"hw/vend/mdb/mdbtest", "hw/vend/slottest", "hw/vend/vendtest"},
	"hw/printer":              {"hw/printer/printertest", "hw/vend/vendtest"},
	"internal/printing":       {"hw/printer/printertest", "internal/money"},
	"internal/proof/crash": {"glase", "hw/gpio/simboard", "internal/debug/api", "internal/debug/client",
		"internal/money",
		"internal/proof/phone", "internal/proof/port"},
	"internal/proof/kernel": {
		"hw/display", "hw/gpio", "hw/gpio/hostpin", "internal/debug/api", "internal/debug/client",
		"internal/proof/phone",
	},
	"internal/proof/service": {"internal/debug/api", "internal/debug/client", "internal/proof/phone"},
	"cmd/kioskd": {"hw/printer/printertest", "hw/vend/relay", "hw/vend/vendtest", "internal/fleet/grants",
		"internal/fleet/ownca", "internal/hub/admit", "internal/hub/store", "internal/proof/port"},
	"internal/hub/setup": {"internal/fleet/protocol", "internal/proof/broker", "internal/proof/port"},
	"internal/config": {
		"hw/vend/board", "hw/vend/lock", "hw/vend/lockboard", "hw/vend/mdb", "hw/vend/relay", "internal/drivers",
	},
	"internal/wiring":   {"hw/vend/lock", "hw/vend/relay", "internal/drivers"},
	"internal/hub/page": {"internal/proof/till"},
}

// borrowed says which module of other people's, or which part of one, a room may use, and why.
var borrowed = map[string]map[string]string{
	"glase": {"github.com/hashicorp/go-retryablehttp": "repeats a call that was lost"},
	"ups":   {"github.com/rs/zerolog": log, "golang.org/x/time/rate": "bounds what strangers may ask"},
	"hw/display": {
		"golang.org/x/image":     "letters",
		"golang.org/x/sys/unix":  "the framebuffer's calls",
		"periph.io/x/conn/v3":    pins,
		"periph.io/x/devices/v3": "small panels",
		"rsc.io/qr":              "the codes",
	},
	"hw/gpio": {"periph.io/x/conn/v3": pins, "periph.io/x/host/v3/sysfs": "the kernel's I²C and SPI buses"},
	"hw/gpio/hostpin": {
		"github.com/warthog618/go-gpiocdev/uapi": "the kernel's lines",
		"golang.org/x/sys/unix":                  "waiting for their edges",
		"periph.io/x/conn/v3":                    pins,
	},
	"hw/gpio/simboard": {"periph.io/x/conn/v3": pins},
	"hw/vend":          {"periph.io/x/conn/v3": pins},
	"hw/vend/serialport": {
		"github.com/tarm/serial": "opens a serial line",
		"golang.org/x/sys/unix":  "locks it, and sees a hang-up",
	},
	"hw/vend/vendtest":      {"golang.org/x/sys/unix": pty, "golang.org/x/term": pty, "periph.io/x/conn/v3": pins},
	"internal/app":          {"github.com/rs/zerolog": log, "golang.org/x/sys/unix": "the kernel's clock"},
	"internal/fleet/member": {"github.com/rs/zerolog": log},
	"internal/fleet": {"github.com/nats-io/nats.go": "reaches the others",
		"github.com/nats-io/nkeys": "the machine's key",
		"github.com/rs/zerolog":    log},
	"internal/hardware":  {"github.com/rs/zerolog": log, "periph.io/x/conn/v3": pins},
	"internal/mdbseller": {"github.com/rs/zerolog": log},
	"internal/cold":      {"github.com/rs/zerolog": log},
	"internal/books":     {"github.com/rs/zerolog": log},
	"internal/printing":  {"github.com/rs/zerolog": log},
	"internal/sdnotify": {
		"github.com/coreos/go-systemd/v22": "tells systemd how it is",
		"github.com/rs/zerolog":            log,
	},
	"internal/fleet/relay": {
		"github.com/nats-io/nats.go": nats, "github.com/rs/zerolog": log,
		"golang.org/x/time/rate": "bounds the log",
	},
	"internal/serve": {"github.com/rs/zerolog": log},
	"internal/cert":  {"github.com/rs/zerolog": log},
	"internal/gate": {
		"github.com/VictoriaMetrics/metrics": "for Prometheus",
		"github.com/nats-io/jwt/v2":          "who the gateway is to the brokers",
		"github.com/nats-io/nats.go":         nats,
		"github.com/pelletier/go-toml/v2":    "TOML with its line numbers",
		"github.com/rs/zerolog":              log,
		"golang.org/x/time/rate":             "bounds what strangers may ask",
	},
	"cmd/kioskgate": {
		"github.com/rs/zerolog":  log,
		"github.com/spf13/cobra": cli,
		"golang.org/x/term":      "colours on a terminal only",
	},
	"internal/config":          {"github.com/pelletier/go-toml/v2": "TOML with its line numbers"},
	"internal/debug":           {"github.com/VictoriaMetrics/metrics": "for Prometheus", "github.com/rs/zerolog": log},
	"internal/doctor":          {"golang.org/x/sys/unix": "free space, clock"},
	"internal/fleet/authority": {"github.com/nats-io/nkeys": "keys and signatures"},
	"internal/fleet/grants": {
		"github.com/nats-io/jwt/v2":  "what the brokers are shown",
		"github.com/nats-io/nats.go": "tells the brokers who is shut out",
		"github.com/nats-io/nkeys":   "keys and signatures",
	},
	"internal/hub/settings": {
		"github.com/nats-io/jwt/v2": "whose credentials they are", "github.com/pelletier/go-toml/v2": "TOML",
	},
	"cmd/kioskhub": {
		"github.com/VictoriaMetrics/metrics": "for Prometheus", "github.com/nats-io/nats.go": nats,
		"github.com/rs/zerolog": log, "github.com/spf13/cobra": cli, "golang.org/x/term": "a log for people",
	},
	"internal/hub/collect": {
		"github.com/VictoriaMetrics/metrics": "for Prometheus", "github.com/nats-io/nats.go": nats,
		"github.com/rs/zerolog": log,
	},
	"internal/hub/store": {
		"github.com/jackc/pgx/v5":     "PostgreSQL",
		"github.com/pressly/goose/v3": "one version of the schema after the other",
		"modernc.org/sqlite":          "the record of a small fleet",
	},
	"internal/hub/desk": {"github.com/rs/zerolog": log, "github.com/spf13/cobra": cli,
		"golang.org/x/term": "asks for a password unseen"},
	"internal/hub/page":  {"github.com/rs/zerolog": log},
	"internal/hub/watch": {"github.com/VictoriaMetrics/metrics": "for Prometheus", "github.com/rs/zerolog": log},
	"internal/hub/people": {
		"github.com/alexedwards/argon2id": "hashes passwords",
		"github.com/coreos/go-oidc/v3":    "checks the tokens of OpenID Connect",
		"github.com/rs/zerolog":           log,
		"golang.org/x/oauth2":             "asks for them",
	},
	"internal/fleet/enrol": {"github.com/nats-io/nkeys": "keys and signatures"},
	"internal/hub/admit":   {"github.com/rs/zerolog": log},
	"internal/hub/setup":   {"github.com/nats-io/nats.go": "how a hub connects"},
	"internal/identity": {"github.com/nats-io/nkeys": "the machine's key in a fleet",
		"github.com/rs/zerolog": "a secret that marshals as none"},
	"internal/journal": {"modernc.org/sqlite": "the record"},
	"internal/kiosk":   {"github.com/rs/zerolog": log},
	"internal/money":   {"github.com/bojanz/currency": "currencies and their decimals"},
	"internal/shop": {
		"github.com/rs/zerolog": log, "golang.org/x/time/rate": "bounds what strangers may ask",
		"rsc.io/qr": "the codes",
	},
	"internal/sticker": {"golang.org/x/image": "letters", "rsc.io/qr": "the codes"},
	"internal/words":   {"github.com/pelletier/go-toml/v2": "reads a language's file"},
	"internal/proof/broker": {
		"github.com/nats-io/jwt/v2":  "lets a test do everything",
		"github.com/nats-io/nats.go": "connects",
		"github.com/nats-io/nkeys":   "keys and signatures",
	},
	"internal/proof/fleet": {"golang.org/x/sys/unix": "makes network interfaces"},
	"internal/proof/world": {"periph.io/x/conn/v3": pins},
	"cmd/kioskd": {
		"github.com/coreos/go-systemd/v22": "tells systemd how it is",
		"github.com/rs/zerolog":            log,
		"github.com/spf13/cobra":           cli,
		"golang.org/x/term":                "colours on a terminal only",
	},
	"cmd/glasesim": {"github.com/spf13/cobra": cli},
	"cmd/demo":     {"github.com/spf13/cobra": cli, "golang.org/x/term": "keys one by one"},
}

// borrowedForTests is the same for a package's tests.
var borrowedForTests = map[string]map[string]string{
	"internal/fleet/member": {"github.com/nats-io/nats.go": "collects"},
	"internal/sticker":      {"github.com/makiuchi-d/gozxing": "reads the codes"},
	"cmd/demo":              {"golang.org/x/sys/unix": pty},
	"cmd/kioskd":            {"golang.org/x/sys/unix": pty},
	"hw/display":            {"github.com/makiuchi-d/gozxing": "reads the codes"},
	"hw/vend/board":         {"periph.io/x/conn/v3": pins},
	"hw/vend/mdb":           {"golang.org/x/sys/unix": pty, "golang.org/x/term": pty},
	"internal/app": {
		"github.com/nats-io/nats.go": "collects",
		"modernc.org/sqlite":         "spoils a journal",
		"periph.io/x/conn/v3":        pins,
	},
	"internal/gate":           {"golang.org/x/sys/unix": "the kernel's clock"},
	"internal/fleet":          {"golang.org/x/sys/unix": "counts the bytes of a line"},
	"internal/hub/admit":      {"github.com/nats-io/nats.go": "connects"},
	"internal/hardware":       {"golang.org/x/sys/unix": pty},
	"internal/proof/crash":    {"golang.org/x/sys/unix": "kills"},
	"internal/hub/watch":      {"modernc.org/sqlite": "writes what it looks at"},
	"internal/hub/monitoring": {"github.com/VictoriaMetrics/metrics": "names what every process tells"},
	"internal/hub/page": {"github.com/alexedwards/argon2id": "users whose passwords are quick",
		"modernc.org/sqlite": "writes what it shows"},
	"internal/hub/people":  {"github.com/go-jose/go-jose/v4": "signs tokens as an issuer"},
	"internal/proof/fleet": {"github.com/nats-io/nats.go": "connects", "github.com/rs/zerolog": log},
	"internal/proof/kernel": {
		"github.com/makiuchi-d/gozxing": "reads the codes",
		"golang.org/x/sys/unix":         "the kernel's modules",
		"periph.io/x/conn/v3":           pins,
	},
	"internal/proof/service": {"golang.org/x/sys/unix": "kills"},
}

const (
	log  = "the log"
	pins = "the words for a pin and a bus"
	cli  = "commands and their help"
	nats = "speaks to the brokers"
	pty  = "a terminal or a serial line with two ends"
)

// doubles are the rooms that imitate something. None of them gets into the daemon, and so does nothing of the proof's
// wing and nothing whose name ends in "test". The simulated machine is a part of it: a kiosk can be tried before it
// has a board.
var doubles = []string{"cmd/glasesim", "cmd/demo"}

// pure are the identifiers of other packages that the state machine may use; "*" is all. It has no clock, no input or
// output, no random number, no goroutine, and remembers nothing outside its state.
var pure = map[string][]string{
	"cmp":           {"Or"},
	"encoding/json": {"Marshal", "Unmarshal"},
	"fmt":           {"Errorf", "Sprintf"},
	"maps":          {"*"},
	"reflect":       {"DeepEqual"},
	"slices":        {"*"},
	"time":          {"Duration", "Hour", "Millisecond", "Minute", "Second"},
}

// unsafeFiles are those that hand structs to the kernel in calls that no package of others makes.
var unsafeFiles = []string{"fbdev_linux.go", "fbdev_linux_test.go"}

// pictures are the files that may be larger than a text that somebody would read.
var pictures = []string{}
