# SPDX-License-Identifier: BSD-3-Clause
# Programs that run the dataplane in one process (tests/fuzz/world.h), without libFuzzer. Included by the Makefile.

R := $(B)/tests
replay_flags = $(BASE) $(CFLAGS) -Idataplane -Icontrol $(DPDK_CFLAGS) $(DPI_CFLAGS) $(CONTROL_CFLAGS)

$(R)/obj/%.o: tests/%.c
	@mkdir -p $(@D)
	$(SHOW)$(CC) $(replay_flags) -c -o $@ $<

# both sides have their log_line(): the dataplane's comes first
$(R)/libdataplane.a: $(call objects,$(filter-out dataplane/main.c dataplane/replay.c,$(DATAPLANE_SOURCES)) $(SHARED_SOURCES))
	@mkdir -p $(@D)
	@rm -f $@
	$(SHOW)ar rcs $@ $^

REPLAY_WORLD := $(addprefix $(R)/obj/fuzz/,world.o worldopen.o worldcheck.o guarded.o sequence.o repair.o compile.o)
$(R)/damage: $(patsubst tests/%.c,$(R)/obj/%.o,$(wildcard tests/replay/damage/*.c)) $(REPLAY_WORLD) \
		$(R)/libdataplane.a $(B)/control/libcontrol.a
	$(SHOW)$(CC) $(LDFLAGS) -o $@ $^ $(DPDK_LIBS) $(CONTROL_LIBS) $(DPI_LIBS) -lpcap -lpthread -lm
$(R)/short-flows: $(patsubst tests/%.c,$(R)/obj/%.o,$(wildcard tests/replay/shortflows/*.c)) $(R)/obj/unit/dataplane/payloads.o \
		$(REPLAY_WORLD) $(R)/libdataplane.a $(B)/control/libcontrol.a
	$(SHOW)$(CC) $(LDFLAGS) -o $@ $^ $(DPDK_LIBS) $(CONTROL_LIBS) $(DPI_LIBS) -lpcap -lpthread -lm

.PHONY: short-flows damage damage-sample
short-flows: $(R)/short-flows ## a million short sessions through 4,096 detection contexts; fewer under ASan and valgrind
	@$(MAKE) --no-print-directory SANITIZE=1 build/sanitize/tests/short-flows
	@tests/replay/short-flows

DAMAGE_EVERY ?= 1
damage: ## damaged third-party captures under ASan and UBSan: every variant (hours), or one of DAMAGE_EVERY
	@$(MAKE) --no-print-directory SANITIZE=1 build/sanitize/tests/damage
	@tests/replay/damaged $(DAMAGE_EVERY)

damage-sample: ## the same, a minute of it
	@$(MAKE) --no-print-directory damage DAMAGE_EVERY=211
