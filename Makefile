# SPDX-License-Identifier: GPL-2.0-or-later
# synprint: `make help` lists the targets.

VERSION := 0.2.0
BUILD ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
CC ?= cc

# What has to be installed: to build and run, and to test.
DEPS := gcc make pkg-config libmnl-dev libnfnetlink-dev libnetfilter-queue-dev libnftnl-dev \
	libconfig-dev libpcap-dev libcjson-dev libxxhash-dev libcap-ng-dev libncurses-dev libseccomp-dev \
	zlib1g-dev liblzma-dev libzstd-dev nettle-dev libmicrohttpd-dev \
	libmosquitto-dev libssl-dev libcurl4-openssl-dev libsystemd-dev
CHECK_DEPS := $(DEPS) zstd gnuplot-nox libcriterion-dev nftables iptables ipset iproute2 tcpdump p0f mandoc python3 procps nmap masscan zmap hping3 socat rspamd prometheus haproxy nginx caddy libjs-chart.js curl jq systemd zsh fish mosquitto mosquitto-clients openssl conntrack conntrackd python3-pyte liblwip-dev
# Tunnels, VPNs and proxies of tests/vpnlab.
VPN_DEPS := openvpn wireguard-go wireguard-tools ocserv openconnect strongswan-charon \
	strongswan-swanctl libcharon-extra-plugins libstrongswan-standard-plugins microsocks sshuttle \
	openssh-server openssh-client openssl

PKGS := libmnl libnfnetlink libnetfilter_queue libnftnl libconfig libpcap libcjson libxxhash libcap-ng libseccomp zlib liblzma libzstd nettle
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wvla \
	-Wformat=2 -Wundef
CPPFLAGS += -Iinclude -iquote src -D_GNU_SOURCE -DSYNPRINT_VERSION='"$(VERSION)"' \
	-DSYNPRINT_SYSCONFDIR='"$(SYSCONFDIR)/synprint"'
CFLAGS ?= -O2 -g
# Probabilities are to be the same on every machine: no fused or wider steps.
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) -ffp-contract=off -fexcess-precision=standard -fPIE -fstack-protector-strong -pthread $(SAN_FLAGS)
LDFLAGS += -pie -Wl,-z,relro,-z,now,--as-needed -pthread $(SAN_FLAGS)

CRITERION := -lcriterion
# SAN=1: AddressSanitizer and UBSan; SAN=thread: ThreadSanitizer. Each in a build folder of its own.
SAN ?=
BUILD_ROOT := $(patsubst %/tsan,%,$(patsubst %/san,%,$(BUILD)))
ifeq ($(SAN),1)
override BUILD := $(BUILD_ROOT)/san
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SAN),thread)
override BUILD := $(BUILD_ROOT)/tsan
SAN_FLAGS := -fsanitize=thread
CPPFLAGS += -Itests/tsan
CRITERION :=
else ifeq ($(SAN),)
CPPFLAGS += -D_FORTIFY_SOURCE=2
else
$(error SAN is 1 or thread, not '$(SAN)')
endif
ifneq ($(CI),)
WARN += -Werror
endif

# Every .c below these folders, however deep.
sources = $(sort $(shell find $(1) -name '*.c' -not -path '*/example/*'))
CORE_SRC := $(call sources,src/core)
CLI_SRC := $(call sources,src/cli)
CLIENT_SRC := $(call sources,src/client)
MAIN_SRC := src/daemon/main.c
WEB_MAIN_SRC := src/web/main.c
WEB_SRC := $(filter-out $(WEB_MAIN_SRC),$(call sources,src/web))
SHARE_MAIN_SRC := src/share/main.c
SHARE_SRC := $(filter-out $(SHARE_MAIN_SRC),$(call sources,src/share))
HOST_DIRS := $(filter-out src/core src/cli src/client src/web src/share,$(wildcard src/*))
HOST_SRC := $(filter-out $(MAIN_SRC),$(call sources,$(HOST_DIRS)))
UNIT_SRC := $(call sources,tests/unit)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
CORE_LIB := $(BUILD)/libsynprint.a
HOST_LIB := $(BUILD)/libsynprint-host.a
CLIENT_LIB := $(BUILD)/libsynprint-client.a
CLIENT_SONAME := libsynprint-client.so.0
CLIENT_SO := $(BUILD)/$(CLIENT_SONAME).$(VERSION)
DAEMON := $(BUILD)/synprintd
CLI := $(BUILD)/synprint
WEB_LIB := $(BUILD)/libsynprint-web.a
WEB := $(BUILD)/synprint-web
SHARE_LIB := $(BUILD)/libsynprint-share.a
SHARE := $(BUILD)/synprint-share
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))

# Asked for only when something is linked: the packages may not be there before `make deps`.
LIBS = $(shell pkg-config --libs $(PKGS))
# No netlink, no packets: the web server asks synprintd.
WEB_LIBS = $(shell pkg-config --libs libmicrohttpd libconfig libcjson libcap-ng libseccomp)
SHARE_LIBS = $(shell pkg-config --libs libmosquitto libssl libcrypto libcurl libsystemd libconfig libcjson)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: help all deps deps-check run web check check-faults check-forgeries check-switch check-unit check-netns check-vpnlab check-vm check-golden check-captures check-layers \
	check-web check-fuzz check-syns check-share mutate fuzz fuzz-all bench bench-accuracy fit bench-link fmt fmt-check lint cppcheck cov install uninstall deb clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile
	@echo '  SAN=1 or SAN=thread builds and checks with sanitizers, in a build folder of its own'

all: $(DAEMON) $(CLI) $(WEB) $(SHARE) $(CLIENT_SO) ## build all programs and the client library

deps: ## install the Debian packages that are missing
	@tests/deps.sh $(DEPS)

deps-check:
	@tests/deps.sh --no-services $(CHECK_DEPS)

run: deps ## divert this host's SYNs and show them live until Ctrl-C (root)
	@$(MAKE) --no-print-directory all
	@tests/run.sh $(BUILD)

web: deps ## the page, the gateway's charts and the API, beside `make run`: open the address that it prints
	@tests/deps.sh libjs-chart.js
	@$(MAKE) --no-print-directory all
	@mkdir -p $(BUILD)/run
	@$(BUILD)/synprint-web --listen 127.0.0.1:8250 --listen "unix:$$(realpath $(BUILD))/run/http.sock"

check: deps-check ## build and run all tests (root)
	@$(MAKE) --no-print-directory check-all

.PHONY: check-all
check-all: all check-layers
	@tests/check.sh $(BUILD) all

check-unit: ## unit tests and properties only
	@$(MAKE) --no-print-directory unit-build
	@tests/check.sh $(BUILD) unit

check-netns: all ## scenarios with a real kernel in network namespaces (root)
	@tests/check.sh $(BUILD) netns

check-forgeries: bench-tools ## forged packets in large numbers, and what they change (root)
	@tests/deps.sh --no-services $(CHECK_DEPS)
	@BUILD=$(BUILD) timeout -k 10 900 tests/netns/test_forgeries.py --long

check-switch: all ## the switch's scenarios, with 10,000 first SYNs and minutes of nft monitor (root)
	@tests/deps.sh --no-services $(CHECK_DEPS)
	@BUILD=$(BUILD) timeout -k 10 900 tests/netns/test_switch.py --long

check-vpnlab: ## SYNs through real VPNs, tunnels and proxies, beside what they can prove (root)
	@tests/deps.sh --no-services $(CHECK_DEPS) $(VPN_DEPS)
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) timeout -k 10 600 tests/vpnlab/lab.py

# Clients and proxies of tests/clocks.
CLOCKS_DEPS := nginx tcpdump nftables iptables iproute2 curl wget openssl chromium microsocks tinyproxy haproxy sshuttle \
	openssh-server openssh-client python3 gcc
.PHONY: check-clocks
check-clocks: ## proxies by their timing: real clients, servers and proxies over slow wires; on a quiet machine (root)
	@tests/deps.sh --no-services $(CHECK_DEPS) $(CLOCKS_DEPS)
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) timeout -k 10 1800 tests/clocks/check.py $(CLOCKS_ROWS)

SHARE_CHECK_DEPS := mosquitto mosquitto-clients openssl jq curl systemd libsqlite3-0
.PHONY: fleet
fleet: ## three gateways and a broker in namespaces: live, what one knows of what another saw (root)
	@tests/deps.sh --no-services $(DEPS) mosquitto openssl nftables iproute2 python3
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) exec tests/share/demo.py

check-share: ## a fleet with brokers that die, hang and lie, and every sink (root)
	@tests/deps.sh --no-services $(CHECK_DEPS) $(SHARE_CHECK_DEPS)
	@$(MAKE) --no-print-directory bench-tools
	@tests/share/crowdsec.sh $(BUILD)/crowdsec
	@BUILD=$(BUILD) timeout -k 10 900 sh -c 'tests/share/sinks.py && tests/share/share.py && tests/bench/bench.py brokers'

# What is installed in the machine besides what the packages depend on, for the tests.
VM_PACKAGES := iptables ipset
# The machines of the cookbook's recipes, and what they install when they need it.
VM_RECIPE_PACKAGES := iptables ipset conntrack busybox-static
VM_RECIPE_LATER := ufw firewalld iptables-persistent ipset-persistent docker.io conntrackd keepalived
VM_DEBS = $(filter-out %-dbgsym_%,$(wildcard $(BUILD)/deb/*.deb))
check-faults: bench-tools ## what happens to real connections while something goes wrong (root)
	@tests/deps.sh --no-services $(CHECK_DEPS)
	@BUILD=$(BUILD) timeout -k 10 1500 tests/faults/faults.py

# The browser's own judge of accessibility, pinned; it is only run, never shipped.
AXE := axe-core@4.14.1
# A machine may have npm from elsewhere, which Debian's package would contradict.
NPM = $(if $(shell command -v npm),,npm)
check-web: all ## a real browser looks at the pages, with pictures in build/web (root; npm)
	@tests/deps.sh --no-services $(CHECK_DEPS) chromium chromium-driver python3-selenium $(NPM) libjs-chart.js
	@mkdir -p $(BUILD)/web
	@test -s $(BUILD)/web/axe.min.js || (cd $(BUILD)/web && npm pack --silent $(AXE) >/dev/null && \
		tar -xzOf axe-core-*.tgz package/axe.min.js >axe.min.js && rm -f axe-core-*.tgz)
	@BUILD=$(BUILD) timeout -k 10 600 tests/web/browser.py

VM_DEPS := qemu-system-x86 mmdebstrap e2fsprogs busybox-static kmod dpkg-dev
check-vm: deb ## the Debian package under systemd on Debian's own kernel, then check-cookbook (root; QEMU)
	@tests/deps.sh --no-services $(CHECK_DEPS) $(VM_DEPS)
	@$(MAKE) --no-print-directory vm-run
	@test -n "$(VM_ONLY)" || $(MAKE) --no-print-directory vm-recipes

check-cookbook: deb ## recipes for machines that boot, on such machines; VM_ONLY=nftables,ufw,... for some (root; QEMU)
	@tests/deps.sh --no-services $(CHECK_DEPS) $(VM_DEPS)
	@$(MAKE) --no-print-directory vm-recipes

.PHONY: vm-run vm-recipes check-cookbook
vm-recipes:
	@VM_LATER='$(VM_RECIPE_LATER)' tests/vm/image.sh $(BUILD)/vm-recipes $(VM_RECIPE_PACKAGES) $$(tests/vm/depends.sh $(VM_DEBS))
	@VM_CPU=$${VM_CPU:-$$(sed -n 1p $(BUILD)/vm/cpu 2>/dev/null | grep . || echo tcg:max)} tests/vm/recipes.py $(BUILD)/vm-recipes $(VM_DEBS)

vm-run:
	@tests/vm/image.sh $(BUILD)/vm $(VM_PACKAGES) $$(tests/vm/depends.sh $(VM_DEBS))
	@tests/vm/check.sh $(BUILD)/vm $(VM_DEBS)

# Compilers for other machines; their headers and libraries are fetched into trees of their own.
FOREIGN_DEPS := mmdebstrap qemu-user-static gcc-i686-linux-gnu gcc-s390x-linux-gnu gcc-aarch64-linux-gnu \
	libc6-dev-i386-cross libc6-dev-s390x-cross libc6-dev-arm64-cross
.PHONY: check-i386 check-foreign
check-i386: ## a 32-bit build: unit tests and the daemon's scenarios (root)
	@tests/deps.sh --no-services $(CHECK_DEPS) $(FOREIGN_DEPS)
	@PACKAGES='$(DEPS)' tests/foreign.sh i386 $(BUILD)/foreign unit netns

check-foreign: ## unit tests on s390x (big-endian) and arm64, under qemu-user
	@tests/deps.sh --no-services $(CHECK_DEPS) $(FOREIGN_DEPS)
	@PACKAGES='$(DEPS)' tests/foreign.sh s390x $(BUILD)/foreign unit
	@PACKAGES='$(DEPS)' tests/foreign.sh arm64 $(BUILD)/foreign unit

.PHONY: check-trixie check-tsan
check-trixie: ## make check in a Debian 13 of its own (root)
	@tests/deps.sh mmdebstrap
	@tests/trixie.sh $(BUILD)/trixie check-all $(CHECK_DEPS)

check-tsan: ## the daemon under load, reloads and ThreadSanitizer (root)
	@tests/deps.sh --no-services $(CHECK_DEPS)
	@$(MAKE) --no-print-directory SAN=thread all
	@BUILD=$(BUILD_ROOT)/tsan tests/tsan/load.py

check-golden: all ## captures made by the tests, against tcpdump and expected lines
	@tests/check.sh $(BUILD) golden

check-captures: all ## the captures of check-golden, counted by tshark as well
	@tests/deps.sh --no-services $(CHECK_DEPS) tshark
	@BUILD=$(BUILD) tests/golden/test_encapsulations.py --tshark

check-fuzz: ## replay the fuzz corpora under ASan and UBSan
	@$(MAKE) --no-print-directory SAN=1 fuzz-build
	@tests/check.sh $(BUILD_ROOT)/san fuzz

check-syns: ## SYNS=FILE of hex lines: every packet and every prefix under ASan and UBSan
	@$(MAKE) --no-print-directory SAN=1 $(BUILD_ROOT)/san/fuzz/fuzz_syn
	@$(BUILD_ROOT)/san/fuzz/fuzz_syn --hex $(SYNS)

T ?= syn
RUNS ?= 1000000
SECONDS ?= 0
# What a harness needs besides the core. Each instruction that is linked slows libFuzzer down.
FUZZ_WITH_web = $(WEB_SRC) $(CLIENT_SRC) $(filter src/sys/% src/fields/% src/listen/%,$(HOST_SRC)) $(WEB_LIBS)
FUZZ_WITH_share = $(addprefix src/share/,accept.c hear.c reports.c sign.c) $(wildcard src/share/words/*.c) \
	$(CLIENT_SRC) src/control/proto.c src/sys/log.c $(SHARE_LIBS)
FUZZ_WITH = $(if $(filter web share,$(T)),$(FUZZ_WITH_$(T)),$(HOST_SRC)) $(LIBS)
fuzz: ## T=syn RUNS=1000000 SECONDS=0: run one harness under libFuzzer (clang), beginning with its corpus
	@tests/deps.sh clang
	@mkdir -p $(BUILD)/libfuzzer/$(T)-found
	@clang -Wno-unknown-warning-option -std=gnu11 $(CPPFLAGS) -g -O1 -fsanitize=fuzzer,address,undefined \
		-iquote tests/unit -o $(BUILD)/libfuzzer/$(T) tests/fuzz/fuzz_$(T).c $(CORE_SRC) $(FUZZ_WITH) -lm
	@$(BUILD)/libfuzzer/$(T) -runs=$(RUNS) -max_total_time=$(SECONDS) \
		-artifact_prefix=$(BUILD)/libfuzzer/ $(BUILD)/libfuzzer/$(T)-found tests/fuzz/corpus/$(T)

FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,fuzz-%,$(FUZZ_SRC))
.PHONY: $(FUZZERS)
fuzz-all: $(FUZZERS) ## RUNS=20000000 SECONDS=600: every harness, so many inputs or so long
$(FUZZERS): fuzz-%:
	@$(MAKE) --no-print-directory fuzz T=$* >$(BUILD)/fuzz-$*.log 2>&1 || { tail -n 30 $(BUILD)/fuzz-$*.log; exit 1; }
	@sed -n 's/^Done/$*: done/p' $(BUILD)/fuzz-$*.log

.PHONY: unit-build fuzz-build
unit-build: $(UNIT_BIN)
fuzz-build: $(FUZZ_BIN)
check-all: unit-build

check-layers: all ## prove that rooms stand on each other and in no circle, and that the core is pure
	@CC='$(CC)' tests/layers.py $(BUILD)

$(BUILD)/obj/src/core/%.o: WARN += -Wconversion

# The same objects for the static and the shared library: only its API is visible.
$(BUILD)/obj/src/client/%.o: ALL_CFLAGS += -fPIC -fvisibility=hidden
$(BUILD)/obj/src/client/%.o: WARN += -Wconversion

$(BUILD)/obj/tests/%.o: CPPFLAGS += -iquote tests/unit

$(BUILD)/obj/src/web/assets.o: $(wildcard src/web/assets/*)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(CORE_LIB): $(call obj,$(CORE_SRC))
$(HOST_LIB): $(call obj,$(HOST_SRC))
$(CLIENT_LIB): $(call obj,$(CLIENT_SRC))
$(WEB_LIB): $(call obj,$(WEB_SRC))
$(SHARE_LIB): $(call obj,$(SHARE_SRC))
$(CORE_LIB) $(HOST_LIB) $(CLIENT_LIB) $(WEB_LIB) $(SHARE_LIB):
	@rm -f $@
	@$(AR) rcs $@ $^

$(DAEMON): $(call obj,$(MAIN_SRC)) $(HOST_LIB) $(CORE_LIB)
$(CLI): $(call obj,$(CLI_SRC)) $(CLIENT_LIB) $(HOST_LIB) $(CORE_LIB)
$(CLI): LIBS += $(shell pkg-config --libs ncurses)
$(CLIENT_SO): $(call obj,$(CLIENT_SRC))
	@echo '  LINK    $@'
	@$(CC) -shared $(filter-out -pie,$(LDFLAGS)) -Wl,-soname,$(CLIENT_SONAME) -o $@ $^ -lcjson
$(WEB): $(call obj,$(WEB_MAIN_SRC)) $(WEB_LIB) $(CLIENT_LIB) $(HOST_LIB) $(CORE_LIB)
$(WEB): LIBS = $(WEB_LIBS)
$(SHARE): $(call obj,$(SHARE_MAIN_SRC)) $(SHARE_LIB) $(CLIENT_LIB) $(HOST_LIB) $(CORE_LIB)
$(SHARE): LIBS = $(SHARE_LIBS)
$(DAEMON) $(CLI) $(WEB) $(SHARE):
	@echo '  LINK    $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) -lm

# What the code under test allocates can be made to fail: tests/unit/alloc.h.
WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc
$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/obj/tests/alloc.o $(HOST_LIB) $(CORE_LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) $(WRAP) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) $(CRITERION) -lm
$(BUILD)/unit/cli/test_line: $(call obj,src/cli/line.c src/cli/flow.c)
$(BUILD)/unit/cli/test_table: $(call obj,src/cli/table.c src/cli/scale.c src/cli/flow.c)
$(BUILD)/unit/cli/test_activation: $(call obj,src/cli/activation.c)
$(BUILD)/unit/cli/test_judged: $(call obj,src/cli/judged.c)
$(filter $(BUILD)/unit/client/%,$(UNIT_BIN)): $(CLIENT_LIB)
$(filter $(BUILD)/unit/web/%,$(UNIT_BIN)): $(WEB_LIB) $(CLIENT_LIB)
$(filter $(BUILD)/unit/web/%,$(UNIT_BIN)): LIBS = $(WEB_LIBS)
$(filter $(BUILD)/unit/share/%,$(UNIT_BIN)): $(SHARE_LIB) $(CLIENT_LIB)
$(filter $(BUILD)/unit/share/%,$(UNIT_BIN)): LIBS = $(SHARE_LIBS)

# A fuzz harness is a libFuzzer target; replay_main.c gives it a main that replays files.
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/replay_main.o $(HOST_LIB) $(CORE_LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -lm
$(BUILD)/fuzz/fuzz_web: $(WEB_LIB) $(CLIENT_LIB)
$(BUILD)/fuzz/fuzz_web: LIBS += $(WEB_LIBS)
$(BUILD)/fuzz/fuzz_share: $(SHARE_LIB) $(CLIENT_LIB)
$(BUILD)/fuzz/fuzz_share: LIBS += $(SHARE_LIBS)

DATA ?= ../shared/data

# Each part of tests/bench/bench.py runs alone too; ROUNDS=N repeats each measurement N times.
BENCH_PARTS := queue skip brokers latency confirm classify offline table query publish clocks
BENCH_C := accept_all syn_flood connect_times make_pcap stages table query_load set_rate clock_load
BENCH_DEPS := $(DEPS) python3 nftables iptables ipset iproute2 p0f valgrind util-linux time mosquitto iperf3
ROUNDS ?= 7

bench: bench-tools ## all figures of speed, into build/bench.json (root; DATA=, ROUNDS=7)
	@BUILD=$(BUILD) DATA=$(DATA) ROUNDS=$(ROUNDS) tests/bench/bench.py $(BENCH_PARTS)

.PHONY: bench-tools $(BENCH_PARTS:%=bench-%)
bench-queue: ## SYN/s through a queue, beside a loop that accepts everything (root)
bench-skip: ## known shapes that pass unasked, beside a loop that accepts everything (root)
bench-brokers: ## SYN/s while synprint-share's broker is up, hung or away (root)
bench-latency: ## connect() through the gateway, idle and under load (root)
bench-confirm: ## what confirming costs a connection, and what it costs all other packets (root)
bench-classify: ## each stage of a SYN, with counted instructions (DATA=)
bench-offline: ## capture files, beside p0f
bench-table: ## the client table
bench-query: ## verdict queries on both sockets (root)
bench-publish: ## elements into sets, beside nft -f and ipset restore (root)
bench-clocks: ## what it costs to measure connections, beside no rule (root)
$(BENCH_PARTS:%=bench-%): bench-%: bench-tools
	@BUILD=$(BUILD) DATA=$(DATA) ROUNDS=$(ROUNDS) tests/bench/bench.py $*

bench-tools:
	@tests/deps.sh --no-services $(BENCH_DEPS)
	@$(MAKE) --no-print-directory all $(BENCH_C:%=$(BUILD)/bench/%)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/obj/tests/bench/syns.o $(HOST_LIB) $(CORE_LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) -lm

.PHONY: bench-web
bench-web: all ## /auth beside an empty handler, and what others feel of idle, slow, huge and bad requests (root; ROUNDS=)
	@tests/deps.sh --no-services $(CHECK_DEPS) wrk
	@$(MAKE) --no-print-directory $(BUILD)/bench/empty_http
	@BUILD=$(BUILD) ROUNDS=$(ROUNDS) tests/bench/web.py

$(BUILD)/bench/empty_http: LIBS = $(WEB_LIBS)

bench-accuracy: ## how often the classification is right, beside p0f and others, a year left out each (TABLES=, SYNS=)
	@tests/deps.sh $(DEPS) p0f python3
	@$(MAKE) --no-print-directory $(CORE_LIB)
	@$(CC) $(CPPFLAGS) -std=gnu11 -O2 -o $(BUILD)/accuracy_match tests/bench/accuracy_match.c $(CORE_LIB) -lm
	@python3 -B tests/bench/accuracy.py $(BUILD)/accuracy_match conf/signatures.db $(TABLES) $(SYNS)

SYNS = $(DATA)/labelled_syns.jsonl
TABLES = 2021=$(DATA)/stack_counts_2021.csv 2023=$(DATA)/stack_facts.csv 2025=$(DATA)/stack_counts_2025.csv

fit: $(CORE_LIB) ## fit rates and doubts of conf/signatures.db to what was seen (TABLES="YEAR=FILE ...")
	@python3 -B tests/fit/fit.py --write conf/signatures.db $(TABLES)
	@$(CC) $(CPPFLAGS) -std=gnu11 -O2 -o $(BUILD)/accuracy_match tests/bench/accuracy_match.c $(CORE_LIB) -lm
	@python3 -B tests/fit/doubts.py --write $(BUILD)/accuracy_match conf/signatures.db $(TABLES)

bench-link: $(CORE_LIB) ## the share of SYNs that is called a likely tunnel, beside MTU tables (DATA=)
	@tests/deps.sh $(DEPS) p0f
	@$(CC) $(CPPFLAGS) -std=gnu11 -O2 -o $(BUILD)/link_share tests/bench/link_share.c $(CORE_LIB) \
		-lxxhash -lm
	@$(BUILD)/link_share conf/links.db conf/signatures.db /etc/p0f/p0f.fp $(DATA)/real_syns.hex \
		$(DATA)/labelled_syns.jsonl

SEED ?= 1
N ?= 120
mutate: ## SEED=1 N=120: change the code in N places, one at a time; the tests must notice 92 % of them
	@tests/deps.sh --no-services $(CHECK_DEPS)
	@$(MAKE) --no-print-directory all unit-build
	@BUILD=$(BUILD) tests/mutate.py --seed $(SEED) --sample $(N)

ALL_FORMATTED = $(shell git ls-files '*.c' '*.h')

fmt: ## format all C files
	@tests/deps.sh clang-format
	@clang-format -i $(ALL_FORMATTED)

fmt-check: ## fail where a C file is not formatted
	@tests/deps.sh clang-format
	@clang-format --dry-run -Werror $(ALL_FORMATTED)

lint: analyze cppcheck ## gcc -fanalyzer, clang-tidy and cppcheck
	@tests/deps.sh clang-tidy
	@clang-tidy --quiet --warnings-as-errors='*' $(ALL_SRC) -- \
		-std=gnu11 $(CPPFLAGS) 2>/dev/null

cppcheck: ## cppcheck alone
	@tests/deps.sh cppcheck
	@cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=ctuuninitvar -Iinclude -Isrc \
		--include=tests/cppcheck.h src

ALL_SRC = $(CORE_SRC) $(HOST_SRC) $(MAIN_SRC) $(CLI_SRC) $(CLIENT_SRC) $(WEB_SRC) $(WEB_MAIN_SRC) $(SHARE_SRC) $(SHARE_MAIN_SRC)

.PHONY: analyze
analyze: $(patsubst %.c,$(BUILD)/analyze/%.o,$(ALL_SRC)) ## gcc -fanalyzer
# Of leaks gcc 12 knows no owner behind a struct of which it got a member; LeakSanitizer (SAN=1) looks for these.
$(BUILD)/analyze/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) -std=gnu11 -O2 -fanalyzer -Wno-analyzer-malloc-leak -Werror -c -o $@ $<

cov: ## line coverage of src/core by unit tests, corpora and golden tests: at least 95 %
	@tests/deps.sh $(CHECK_DEPS) gcovr
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/cov CFLAGS='-O0 -g --coverage' cov-run

.PHONY: cov-run
cov-run: LDFLAGS += --coverage
cov-run: unit-build fuzz-build all
	@find $(BUILD) -name '*.gcda' -delete
	@for what in unit fuzz golden; do tests/check.sh $(BUILD) $$what || exit 1; done
	@gcovr --root . --filter src/core --object-directory $(BUILD) --fail-under-line 95 --print-summary

COMPLETIONS = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/synprint \
	$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/synprint.fish $(DESTDIR)$(ZSHDIR)/_synprint
MAN_PAGES = $(wildcard man/*.[1-8])
UNITS = $(wildcard systemd/*.service systemd/*.socket)

install: all ## copy programs, databases, manual and systemd units below DESTDIR and PREFIX
	install -D -m 755 $(DAEMON) $(DESTDIR)$(PREFIX)/sbin/synprintd
	install -D -m 755 $(CLI) $(DESTDIR)$(PREFIX)/bin/synprint
	install -D -m 755 $(WEB) $(DESTDIR)$(PREFIX)/sbin/synprint-web
	install -D -m 755 $(SHARE) $(DESTDIR)$(PREFIX)/sbin/synprint-share
	install -d -m 755 $(DESTDIR)$(PREFIX)/include/synprint
	install -m 644 $(wildcard include/synprint/*.h) $(DESTDIR)$(PREFIX)/include/synprint/
	install -D -m 644 $(CLIENT_LIB) $(DESTDIR)$(LIBDIR)/$(notdir $(CLIENT_LIB))
	install -D -m 644 $(CLIENT_SO) $(DESTDIR)$(LIBDIR)/$(notdir $(CLIENT_SO))
	ln -sf $(notdir $(CLIENT_SO)) $(DESTDIR)$(LIBDIR)/$(CLIENT_SONAME)
	ln -sf $(CLIENT_SONAME) $(DESTDIR)$(LIBDIR)/$(basename $(CLIENT_SONAME))
	install -d -m 755 $(DESTDIR)$(LIBDIR)/pkgconfig
	sed -e 's,@PREFIX@,$(PREFIX),; s,@LIBDIR@,$(LIBDIR),; s,@VERSION@,$(VERSION),' \
		src/client/synprint-client.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/synprint-client.pc
	install -d -m 755 $(dir $(COMPLETIONS))
	$(CLI) completion bash >$(word 1,$(COMPLETIONS))
	$(CLI) completion fish >$(word 2,$(COMPLETIONS))
	$(CLI) completion zsh >$(word 3,$(COMPLETIONS))
	install -d -m 755 $(DESTDIR)$(SYSCONFDIR)/synprint
	install -m 644 conf/signatures.db conf/links.db conf/servers.db $(DESTDIR)$(SYSCONFDIR)/synprint/
	for file in synprint.conf web.conf share.conf; do test -e $(DESTDIR)$(SYSCONFDIR)/synprint/$$file || \
		install -m 644 conf/$$file $(DESTDIR)$(SYSCONFDIR)/synprint/ || exit 1; done
	for page in $(MAN_PAGES); do install -D -m 644 $$page \
		$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done
	install -D -m 644 systemd/synprint.sysusers $(DESTDIR)$(SYSUSERSDIR)/synprint.conf
	install -D -m 644 systemd/synprint-web.sysusers $(DESTDIR)$(SYSUSERSDIR)/synprint-web.conf
	install -D -m 644 systemd/synprint-share.sysusers $(DESTDIR)$(SYSUSERSDIR)/synprint-share.conf
	install -d -m 755 $(DESTDIR)$(UNITDIR)
	for unit in $(UNITS); do sed -E 's,/usr/(s?bin)/,$(PREFIX)/\1/,' $$unit \
		>$(DESTDIR)$(UNITDIR)/$${unit##*/} || exit 1; done
	test -n "$(DESTDIR)" || ldconfig || true # so that programs find the library

uninstall: ## remove what install copied, but not a changed configuration
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/sbin/,synprintd synprint-web synprint-share) $(DESTDIR)$(PREFIX)/bin/synprint
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/include/synprint/,client.h async.h) $(DESTDIR)$(LIBDIR)/libsynprint-client.* \
		$(DESTDIR)$(LIBDIR)/pkgconfig/synprint-client.pc $(COMPLETIONS)
	-rmdir $(DESTDIR)$(PREFIX)/include/synprint 2>/dev/null
	rm -f $(addprefix $(DESTDIR)$(SYSUSERSDIR)/,synprint.conf synprint-web.conf synprint-share.conf) $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITS)))
	for db in signatures links servers; do rm -f $(DESTDIR)$(SYSCONFDIR)/synprint/$$db.db; done
	for file in synprint.conf web.conf share.conf; do cmp -s conf/$$file $(DESTDIR)$(SYSCONFDIR)/synprint/$$file && \
		rm -f $(DESTDIR)$(SYSCONFDIR)/synprint/$$file || true; done
	-rmdir $(DESTDIR)$(SYSCONFDIR)/synprint 2>/dev/null
	for page in $(MAN_PAGES); do \
		rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done

# Out of a copy, and without what this make was called with.
deb: ## build the Debian packages into build/deb
	@tests/deps.sh $(DEPS) debhelper dpkg-dev fakeroot
	@rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb/src
	@tar -cf - --exclude=./build --exclude=./.git . | tar -xf - -C $(BUILD)/deb/src
	@cd $(BUILD)/deb/src && env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES dpkg-buildpackage -us -uc -b >../log 2>&1 || \
		{ tail -n 30 ../log; exit 1; }
	@ls $(BUILD)/deb/*.deb

clean: ## remove the build folder
	rm -rf build

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
