# SPDX-License-Identifier: BSD-3-Clause
# Bulkhead. `make help` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := all

CC ?= gcc
MARCH ?= x86-64-v2
SANITIZE ?= 0
B := build$(if $(filter 1,$(SANITIZE)),/sanitize)

PACKAGES_BUILD := build-essential pkg-config libdpdk-dev libndpi-dev libyaml-dev libjansson-dev \
	libevent-dev libpcap-dev libcmocka-dev
PACKAGES_LINT := clang clang-format clang-tidy cppcheck shellcheck codespell libclang-rt-14-dev
PACKAGES_LAB := openvswitch-switch iproute2 iputils-ping procps ethtool tcpdump curl nginx-light \
	openssh-server openssh-client dnsmasq-base bind9-dnsutils iperf3 nmap postgresql \
	postgresql-client python3 python3-scapy jq netcat-openbsd valgrind
# clients and servers that only tests/lab/applications needs
PACKAGES_APPLICATIONS := redis-server redis-tools memcached libmemcached-tools mariadb-server mariadb-client snmpd snmp \
	mosquitto mosquitto-clients chrony slapd ldap-utils tftpd-hpa tftp-hpa rsyslog bsdutils inetutils-telnetd inetutils-telnet \
	ucspi-tcp dovecot-imapd dovecot-pop3d sip-tester coturn libcoap3-bin ngircd rsync freeradius freeradius-utils krb5-kdc \
	krb5-admin-server krb5-user bird2 mbpoll microsocks prosody tinyproxy openvpn openssl vsftpd git

# ---- flags ----

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith \
	-Wwrite-strings -Wundef -Wvla -Wformat=2
BASE := -std=gnu2x -D_GNU_SOURCE -Iinclude -I. -g -O2 -march=$(MARCH) -fno-omit-frame-pointer \
	-fstack-protector-strong -MMD -MP $(WARNINGS)
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined
ifeq ($(SANITIZE),1)
BASE += $(SANITIZERS)
LDFLAGS += $(SANITIZERS)
else
BASE += -D_FORTIFY_SOURCE=2
endif
LDFLAGS += -Wl,-z,relro,-z,now
# fields that are written one by one and read soon after as a vector wait for the store buffer (dataplane/SPEED.md)
DATAPLANE_CODE := -fno-tree-slp-vectorize

# system headers: their warnings are not ours
system_include = $(patsubst -I%,-isystem %,$(1))
# DPDK's own -march would be the last word; what it needs (SSE4.2) is in x86-64-v2
DPDK_CFLAGS := $(filter-out -march=%,$(call system_include,$(shell pkg-config --cflags libdpdk 2>/dev/null))) \
	-DALLOW_EXPERIMENTAL_API
# only the libraries that are used; drivers are plug-ins, opened by name at start (ports.c)
DPDK_LIBS := -Wl,--as-needed $(shell pkg-config --libs-only-L libdpdk 2>/dev/null) -lrte_eal -lrte_mempool \
	-lrte_ring -lrte_mbuf -lrte_net -lrte_ethdev -lrte_kvargs -lrte_rcu -lrte_hash -lrte_bus_vdev -lrte_telemetry
DPI_CFLAGS := $(call system_include,$(shell pkg-config --cflags libndpi 2>/dev/null))
DPI_LIBS := -lndpi
CONTROL_CFLAGS := $(call system_include,$(shell pkg-config --cflags yaml-0.1 jansson libevent 2>/dev/null))
CONTROL_LIBS := -lyaml -ljansson -levent_core

# `make V=1` shows the commands
SHOW = $(if $(V),,@echo '  $(if $(filter %.o,$@),CC,LINK)  $@'; )

# ---- what is made of what ----

# both programs link the same objects of these; no DPDK inside
SHARED_SOURCES := dataplane/evaluate.c dataplane/schedule.c dataplane/image.c dataplane/names.c dataplane/dpi.c
DATAPLANE_SOURCES := $(filter-out $(SHARED_SOURCES),$(wildcard dataplane/*.c))
CONTROL_MAINS := control/bulkheadd.c control/bulkheadctl.c
CONTROL_SOURCES := $(filter-out $(CONTROL_MAINS),$(wildcard control/*.c))

objects = $(patsubst %.c,$(B)/%.o,$(1))
PROGRAMS := $(B)/bulkhead-dataplane $(B)/bulkheadd $(B)/bulkheadctl

.PHONY: all
all: $(PROGRAMS) ## build the three programs into build/

$(B)/bulkhead-dataplane: $(call objects,$(DATAPLANE_SOURCES) $(SHARED_SOURCES))
	$(SHOW)$(CC) $(LDFLAGS) -o $@ $^ $(DPDK_LIBS) $(DPI_LIBS) -lpcap -lpthread -lm

$(B)/control/libcontrol.a: $(call objects,$(CONTROL_SOURCES) $(SHARED_SOURCES))
	@rm -f $@
	$(SHOW)ar rcs $@ $^

$(B)/bulkheadd $(B)/bulkheadctl: $(B)/%: $(B)/control/%.o $(B)/control/libcontrol.a
	$(SHOW)$(CC) $(LDFLAGS) -o $@ $^ $(CONTROL_LIBS) $(DPI_LIBS) -lm

$(B)/dataplane/%.o: dataplane/%.c
	@mkdir -p $(@D)
	$(SHOW)$(CC) $(BASE) $(DATAPLANE_CODE) $(CFLAGS) -Idataplane $(if $(filter $<,$(SHARED_SOURCES)),$(DPI_CFLAGS),$(DPDK_CFLAGS)) -c -o $@ $<

$(B)/control/%.o: control/%.c
	@mkdir -p $(@D)
	$(SHOW)$(CC) $(BASE) $(CFLAGS) -Icontrol -Idataplane $(CONTROL_CFLAGS) -c -o $@ $<

# ---- unit tests: always under ASan and UBSan; a test names what it needs in a line "needs: a.c b.c" ----

U ?= build/unit
UNIT_TESTS := $(wildcard tests/unit/*/test_*.c)
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(U)/%,$(UNIT_TESTS))
UNIT_BASE := $(filter-out -D_FORTIFY_SOURCE=2 -O2,$(BASE)) -O1 $(SANITIZERS)
unit_flags = $(UNIT_BASE) $(CFLAGS) -Idataplane -Icontrol $(if $(findstring dataplane/,$(1)),$(if \
	$(filter $(1),$(SHARED_SOURCES)),$(DPI_CFLAGS),$(DPDK_CFLAGS))) $(CONTROL_CFLAGS)
unit_needs = $(shell sed -n 's|.*needs: *\([^*]*\).*|\1|p' $(1))

$(U)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(SHOW)$(CC) $(call unit_flags,$<) -c -o $@ $<

define unit_program
$(patsubst tests/unit/%.c,$(U)/%,$(1)): $(patsubst %.c,$(U)/obj/%.o,$(1) $(call unit_needs,$(1)))
	@mkdir -p $$(@D)
	$$(SHOW)$$(CC) $$(LDFLAGS) $$(SANITIZERS) -o $$@ $$(filter %.o,$$^) $$(if $$(findstring /dataplane/,$$@),$$(DPDK_LIBS)) \
		$$(CONTROL_LIBS) $$(DPI_LIBS) -lpcap -lcmocka -lpthread -lm
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call unit_program,$(test))))

.PHONY: unit
unit: $(UNIT_PROGRAMS) ## unit tests under ASan and UBSan
	@tests/run-unit $(UNIT_PROGRAMS)

# ---- tests ----

.PHONY: test check golden replay-tests agreement edge-cases lab-tests evaluator-million
test: deps ## everything: units, golden policies, replay and the lab (installs what it needs first)
	@$(MAKE) --no-print-directory check

check: all sanitized ## the same, with the packages already there
	@tests/run-all

.PHONY: sanitized
sanitized:
	@$(MAKE) --no-print-directory SANITIZE=1 all

golden: all ## policies that must be accepted, and those that must be refused with their exact messages
	@tests/run-golden $(B)/bulkheadctl

replay-tests: all sanitized ## captures made by the project, through the real dataplane
	@tests/replay/run
	@tests/replay/exhaustion

agreement: all ## third-party captures: the records' applications against those of nDPI's own reader
	@tests/replay/agreement

edge-cases: all sanitized ## hostile and odd frames, one a file, and what each must meet
	@tests/packets/run

lab-tests: all ## machines in network namespaces round a real virtual switch (root)
	@tests/run-lab

# the evaluator against the naive reference on a million random (policy, session) pairs, optimised
evaluator-million: ## a million random questions to evaluator and naive reference
	@$(MAKE) --no-print-directory U=build/optimized 'SANITIZERS=-O2' build/optimized/control/test_reference
	BH_PAIRS=1000000 build/optimized/control/test_reference

include tests/fuzz/fuzz.mk
include tests/bench/classbench.mk
include tests/bench/bench.mk
include tests/replay/replay.mk
include tests/bench/inspection.mk

# ---- quality ----

SCRIPTS = $(shell git ls-files -co --exclude-standard | grep -v '^Makefile$$' | xargs grep -lE '^\#!.*(bash|/sh)|shellcheck shell' 2>/dev/null)
C_FILES = $(wildcard $(shell git ls-files -co --exclude-standard '*.c' '*.h'))

.PHONY: lint format
lint: ## warnings as errors with gcc and clang, clang-format, cppcheck, shellcheck, codespell
	@clang-format --dry-run --Werror $(C_FILES)
	@$(MAKE) --no-print-directory -s CC=gcc B=build/lint-gcc all
	@$(MAKE) --no-print-directory -s CC=clang B=build/lint-clang all
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
		--suppressions-list=.cppcheck -Iinclude -Idataplane -Icontrol -j2 dataplane control
	shellcheck -x -P SCRIPTDIR $(SCRIPTS)
	codespell --skip=build,.git --ignore-words=.codespell $(shell git ls-files -co --exclude-standard | grep -v '^tests/packets\|^tests/golden\|^tests/fuzz/corpus\|^tests/fuzz/regressions')
	@echo 'lint: clean'

format: ## clang-format on every C file
	clang-format -i $(C_FILES)

# ---- packages, demo, installation ----

PACKAGES = $(PACKAGES_BUILD) $(PACKAGES_LINT) $(PACKAGES_LAB) $(PACKAGES_APPLICATIONS) $(PACKAGES_BENCH) scdoc
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: deps demo run install clean help
deps: ## install the packages that building, testing and the lab need (apt)
	@missing=$$(for p in $(PACKAGES); do dpkg-query -Wf '$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		echo "deps: installing" $$missing; \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >build-deps.log 2>&1 || \
			{ tail -n 20 build-deps.log; exit 1; }; rm -f build-deps.log; \
	fi

demo: deps ## install, build, and show the main job on the embedded lab; ends by itself
	@$(MAKE) --no-print-directory all
	@$(SUDO) tests/lab/demo

run: deps ## the same lab, left up with a shell to play in
	@$(MAKE) --no-print-directory all
	@$(SUDO) tests/lab/demo --stay

DESTDIR ?=
PREFIX ?= /usr
install: all man ## into $(DESTDIR)$(PREFIX); a bulkhead.yaml that is there already is kept
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin $(B)/bulkhead-dataplane $(B)/bulkheadd
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(B)/bulkheadctl
	install -D -m 644 -t $(DESTDIR)/lib/systemd/system deploy/systemd/*.service deploy/systemd/*.socket
	sed -i 's|^ExecStart=/usr/|ExecStart=$(PREFIX)/|' $(DESTDIR)/lib/systemd/system/bulkhead*.service
	install -D -m 644 deploy/systemd/sysusers.conf $(DESTDIR)/usr/lib/sysusers.d/bulkhead.conf
	install -D -m 644 deploy/completion/bulkheadctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/bulkheadctl
	test -e $(DESTDIR)/etc/bulkhead/bulkhead.yaml || install -D -m 644 deploy/bulkhead.yaml $(DESTDIR)/etc/bulkhead/bulkhead.yaml
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/bulkhead README.md LICENSE
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/bulkhead/policies policies/*.yaml
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/bulkhead/policies/feeds policies/feeds/*
	for page in $(MAN_PAGES); do install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page; done

MAN_PAGES = $(patsubst deploy/man/%.scd,build/man/%,$(wildcard deploy/man/*.scd))
.PHONY: man
man: $(MAN_PAGES) ## the manual pages, into build/man
build/man/%: deploy/man/%.scd
	@mkdir -p $(@D)
	scdoc < $< > $@

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

-include $(shell find build -name '*.d' 2>/dev/null)
