# SPDX-License-Identifier: BSD-3-Clause
# What inspection costs beyond libndpi itself. Included by the Makefile.

BENCH ?= build/bench
INSPECTION_SOURCES := $(addprefix tests/bench/inspection,.c _world.c _table.c _bare.c)
INSPECTION_OBJECTS := $(patsubst %.c,$(BENCH)/obj/%.o,$(INSPECTION_SOURCES))
# calls that are looked at on their way to the library, or timed on their way to classify.c
INSPECTION_WRAPS := ndpi_detection_process_packet ndpi_extra_dissection_possible ndpi_detection_giveup \
	ndpi_free_flow_data classifier_release classifier_give_up

$(INSPECTION_OBJECTS): $(BENCH)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(SHOW)$(CC) $(BASE) $(CFLAGS) -Idataplane $(if $(findstring _bare,$<),$(DPI_CFLAGS),$(DPDK_CFLAGS)) -c -o $@ $<

$(BENCH)/inspection: $(INSPECTION_OBJECTS) $(call objects,$(filter-out dataplane/main.c,$(DATAPLANE_SOURCES)) $(SHARED_SOURCES))
	$(SHOW)$(CC) $(LDFLAGS) $(INSPECTION_WRAPS:%=-Wl,--wrap=%) -o $@ $^ $(DPDK_LIBS) $(DPI_LIBS) -lpcap -lpthread -lm

$(BENCH)/inspection.image: tests/bench/inspection.yaml $(B)/bulkheadctl
	@mkdir -p $(@D)
	@$(B)/bulkheadctl compile $< --output $@ >$@.log 2>&1 || { cat $@.log; exit 1; }

.PHONY: bench-inspection
bench-inspection: $(BENCH)/inspection $(BENCH)/inspection.image ## what inspecting costs beside bare libndpi, on ../shared/pcaps (or BENCH_CAPTURES=FOLDER)
	@$(BENCH)/inspection --image $(BENCH)/inspection.image --json $(BENCH)/inspection.json $(BENCH_CAPTURES)
