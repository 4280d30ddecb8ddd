# kioskd: "make demo" sells something on this machine, "make test" proves it.
GO      ?= go
# The release, and after a "+" which commit of it this is.
VERSION ?= $(shell cat VERSION)+$(shell git describe --always --dirty --exclude='*' 2>/dev/null || echo unknown)
FLAGS   := -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

# The race detector needs a C compiler; without one the tests run all the same, and say so.
RACE := $(shell command -v gcc >/dev/null 2>&1 && echo -race)

.PHONY: build demo fleet test race explore worlds lint fuzz soak sabotage mutate crash powercut web toolkits fleet-test fleet-bench fleet-chaos fleet-sabotage test-hw \
	generate clean cross deb deb-test night apt service help

build: ## the programs, in bin/
	CGO_ENABLED=0 $(GO) build $(FLAGS) -o bin/ ./cmd/...

demo: build ## a whole kiosk on this machine: make demo, or make demo ARGS=--auto
	@bin/demo $(ARGS)

fleet: build ## twenty kiosks with brokers, gateways, hubs and a database on this machine: make fleet, or make fleet ARGS=--auto (installs PostgreSQL and haproxy: root on Debian)
	$(GO) -C tools build -o ../bin/nats-server github.com/nats-io/nats-server/v2
	@bin/fleet $(ARGS)

# The state machine, the painters and what reads the sources have no goroutine that could race. The others of these make very many steps, which the detector
# makes five times as slow: make race looks at them.
UNRACED := ./fsm ./hw/display ./internal/app ./internal/journal ./internal/proof/house ./internal/proof/world

# A fleet's parts: their tests have brokers, hubs and databases of their own, in processes that are killed.
FLEET = $(shell $(GO) list ./cmd/fleet ./cmd/kioskgate ./cmd/kioskhub ./internal/fleet/... ./internal/gate ./internal/hub/... ./internal/proof/broker \
	./internal/proof/fleet ./internal/proof/postgres)

# What a kiosk does with a real broker, which is built for it.
BROKERED := AMonthWithoutTheFleet|ADesksPrice|WhatIsWantedComes|WhatTheMachineCannotSellSo|AMomentComesOnly|TheDesksStock

# go test would vet all that is below a package twice, with the race detector and without it, and in part: go vet does it once and wholly, and finds it done
# after make lint.
test: ## all tests but a fleet's, with nothing but Go
	@[ -n "$(RACE)" ] || echo "no gcc: testing without the race detector"
	$(GO) vet ./...
	$(GO) -C tools vet ./...
	$(GO) test -vet=off -skip '$(BROKERED)' $(UNRACED)
	$(GO) test -vet=off $(RACE) $(filter-out $(patsubst ./%,kioskd/%,$(UNRACED)) $(FLEET),$(shell $(GO) list ./...))
	$(GO) -C tools test -vet=off ./...

# The same story many hundred times: one time is enough for the race detector.
LONG := WheneverAConnectionDies|AnHourOf|FailsAtAnyMoment|WhicheverWayGlaseGoes|GrewUnderAReader|IsFewBytes

race: ## what make test runs without the race detector, with it (needs gcc)
	$(GO) test -race ./internal/app ./internal/journal -skip '$(LONG)|$(BROKERED)'
	$(GO) test -race ./internal/proof/world -run '^TestNoSeedLosesMoney$$|Anothers' -seeds 100 -astray 10

explore: ## every state of the state machine that two events lead to from a story, and every way out
	$(GO) test ./fsm -whole -timeout 0

WORLDS ?= 2500
worlds: ## WORLDS simulated worlds, from other seeds than make test plays
	$(GO) test ./internal/proof/world -run '^TestNoSeedLosesMoney$$' -seeds $(WORLDS) -from 10001 -timeout 0 -v
	$(GO) test ./internal/proof/world -run 'Board|Anothers|NewOnes|Spirals|NoPage' -from 10001 -pages 600 -boards 120 -locks 120 -astray 100 -forgetful 80 -timeout 0

lint: ## gofmt, vet and staticcheck are clean
	@bad=$$(gofmt -l .); test -z "$$bad" || { echo "gofmt -w $$bad" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...
	$(GO) -C tools vet ./...
	$(GO) -C tools tool staticcheck ./...

FUZZTIME ?= 10s
# A package with targets is built once, and no other: go test would link it anew for each of them. Go's fuzzer may end a run in which it found nothing with
# "context deadline exceeded" when its time is over in mid-input: once more then.
fuzz: ## every parser of outside bytes, FUZZTIME each
	@bin=$$PWD/bin/fuzz; corpus=$$($(GO) env GOCACHE)/fuzz; mkdir -p $$bin; \
	for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u); do \
	  $(GO) test -c -fuzz . -o $$bin/test $$p || exit 1; \
	  fs=$$(cd $$p && $$bin/test -test.list '^Fuzz') && [ -n "$$fs" ] || exit 1; \
	  for f in $$fs; do \
	    for try in 1 2 3; do \
	      echo "$$p $$f"; \
	      out=$$(cd $$p && $$bin/test -test.run '^$$' -test.fuzz "^$$f\$$" -test.fuzztime $(FUZZTIME) -test.fuzzcachedir $$corpus/kioskd/$$p 2>&1) && break; \
	      echo "$$out"; echo "$$out" | grep -q 'context deadline exceeded' || exit 1; \
	      echo "$$out" | grep -q 'Failing input' && exit 1; \
	      [ $$try -lt 3 ] || exit 1; \
	    done; \
	    echo "$$out" | tail -n 1; \
	  done; \
	done

SALES ?= 100000
soak: ## SALES simulated sales on all cores; or make soak SEED=n for one world and its diary
	$(GO) test -c -o bin/soak ./internal/proof/world
	cd internal/proof/world && ../../../bin/soak -test.run '^TestSoak$$' -test.timeout 0 -test.v \
	  $(if $(SEED),-seed $(SEED) $(if $(ONLY),-only '$(ONLY)'),-sales $(SALES) $(if $(FROM),-from $(FROM)))

EVERY ?= 1
sabotage: ## kiosks with a mistake each: the referee must catch them all (UPDATE=-update writes docs/sabotages.md)
	$(GO) test ./internal/proof/world -run '^TestEverySabotageIsCaught$$' -sabotages -every $(EVERY) -timeout 0 -v $(UPDATE)

PKG ?= ./fsm ./internal/kiosk ./hw/vend/... ./internal/journal
COUNT ?= 60
mutate: ## small mistakes, COUNT in each package of PKG, chosen by SEED: prints those that its tests do not notice (docs/mutants.md; ARGS=-json)
	nice -n 15 $(GO) -C tools run ./mutate -root .. -seed $(or $(SEED),1) -count $(COUNT) $(ARGS) $(PKG)

KILLS ?= 200
crash: ## SIGKILL for the built kiosk, KILLS times: at writes, at calls, at random moments
	$(GO) test ./internal/proof/crash -run TestNoKillLosesMoney -kills $(KILLS) -parallel 4 -timeout 0 -v

powercut: ## the journal under power cuts: its writes cut off one by one, and a whole machine (root on Debian)
	internal/proof/powercut/run

web: ## the pages in Chromium (installs it: root on Debian); the pictures are in bin/screenshots
	internal/proof/web/run

fleet-test: ## a fleet's tests, with real brokers and databases (installs PostgreSQL: root on Debian)
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || internal/proof/machine/install postgresql
	$(GO) test $(RACE) $(filter-out %/internal/proof/fleet,$(FLEET))
	$(GO) test $(RACE) ./internal/app -run '$(BROKERED)'
	$(GO) test ./internal/proof/fleet -skip "WhateverFails|ASaleWaits|AllKiosks"

CONNECTIONS ?= 10000
fleet-bench: ## CONNECTIONS kiosks on three nats-servers here: KiB each, handshakes a second, and how soon all are back after a restart
	$(GO) test ./internal/proof/fleet -run '^TestAllKiosksAreBack' -connections $(CONNECTIONS) -timeout 0 -v

KIOSKS ?= 1000
FLEETSALES ?= 100000
TROUBLES ?= 60
MINUTE ?= 30s
fleet-chaos: ## KIOSKS simulated kiosks sell FLEETSALES times while brokers, gateways, hubs and the database are killed, frozen, cut off and restored, TROUBLES times, a MINUTE each (root: networks of its own)
	$(GO) test ./internal/proof/fleet -run 'WhateverFails|ASaleWaits' -kiosks $(KIOSKS) -sales $(FLEETSALES) -troubles $(TROUBLES) -minute $(MINUTE) $(if $(SEED),-seed $(SEED)) \
	  -timeout 0 -v

fleet-sabotage: ## a mistake with each money rule of a fleet: the rule's own test must catch it (EVERY=n: each n-th)
	$(GO) test ./internal/proof/fleet -run SabotageOfAFleet -sabotages -every $(EVERY) -timeout 0 -v

toolkits: ## SOAP toolkits of others against glasesim, and our client against their servers (installs them: root on Debian)
	internal/proof/toolkits/run

test-hw: ## the drivers on a real kernel, in virtual machines (fetches them: root on Debian)
	internal/proof/kernel/run

cross: ## the daemon for each kind of Raspberry Pi, in bin/cross: the same bytes twice, its size, and that it runs (installs qemu-user: root on Debian)
	cross/run

deb: ## Debian packages of kioskd, kioskgate and kioskhub for armhf (ARMv6), arm64 and amd64, in bin/deb: the same bytes each time
	cross/deb/run

apt: ## a signed apt repository of bin/deb, in bin/apt/public: make apt KEY=fingerprint URL=https://apt.example.org (Debian)
	KEY="$(KEY)" URL="$(URL)" cross/apt

deb-test: ## the packages: reproducible, lintian, piuparts, installed, upgraded and purged; what apt refuses (root on Debian)
	internal/proof/packages/run $(ARGS)

night: ## the system's own upgrades on a whole Debian: only between two sales (root on Debian)
	internal/proof/packages/night

service: ## the systemd unit on a whole machine: no relay stays on, however the daemon ends (installs qemu: root on Debian)
	internal/proof/service/run

generate: ## what is drawn from the code
	$(GO) generate ./...

clean: ## what was built
	rm -rf bin

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\n    \2/p' Makefile
