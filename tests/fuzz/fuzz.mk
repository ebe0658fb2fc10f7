# SPDX-License-Identifier: BSD-3-Clause
# Coverage-guided fuzzing: libFuzzer under ASan and UBSan (clang). Included by the Makefile.

FUZZ_SECONDS ?= 60
FUZZ_TARGETS := pipeline image control request yaml
F := build/fuzz
FUZZ_SANITIZERS := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined
FUZZ_BASE := $(filter-out -D_FORTIFY_SOURCE=2 -O2,$(BASE)) -O1 $(FUZZ_SANITIZERS)
fuzz_flags = $(FUZZ_BASE) -Idataplane -Icontrol $(if $(filter dataplane/% %/world.c %/worldopen.c %/worldcheck.c %/guarded.c \
	%/fuzz_pipeline.c %/fuzz_control.c,$(1)),$(if $(filter $(1),$(SHARED_SOURCES)),$(DPI_CFLAGS),$(DPDK_CFLAGS))) \
	$(CONTROL_CFLAGS)
FUZZ_PROGRAMS := $(FUZZ_TARGETS:%=$(F)/fuzz_%) $(F)/seeds

$(F)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(SHOW)clang $(call fuzz_flags,$<) -c -o $@ $<

fuzz_objects = $(patsubst %.c,$(F)/obj/%.o,$(1))
# both sides have their log_line(): each target's own comes first
$(F)/libcontrol.a: $(call fuzz_objects,$(CONTROL_SOURCES) $(SHARED_SOURCES) tests/fuzz/compile.c)
	@rm -f $@
	$(SHOW)ar rcs $@ $^
$(F)/libdataplane.a: $(call fuzz_objects,$(filter-out dataplane/main.c dataplane/replay.c,$(DATAPLANE_SOURCES)) $(SHARED_SOURCES))
	@rm -f $@
	$(SHOW)ar rcs $@ $^

FUZZ_WORLD := $(addprefix tests/fuzz/,world.c worldopen.c worldcheck.c guarded.c sequence.c forge.c repair.c) \
	tests/unit/dataplane/payloads.c
$(F)/fuzz_pipeline: $(call fuzz_objects,tests/fuzz/fuzz_pipeline.c tests/fuzz/mutate.c $(FUZZ_WORLD)) $(F)/libdataplane.a $(F)/libcontrol.a
$(F)/fuzz_control: $(call fuzz_objects,tests/fuzz/fuzz_control.c $(FUZZ_WORLD)) $(F)/libdataplane.a $(F)/libcontrol.a
$(F)/fuzz_image: $(call fuzz_objects,tests/fuzz/fuzz_image.c dataplane/image.c dataplane/evaluate.c dataplane/schedule.c)
$(F)/fuzz_request: $(call fuzz_objects,tests/fuzz/fuzz_request.c dataplane/counterfile.c) $(F)/libcontrol.a
$(F)/fuzz_yaml: $(call fuzz_objects,tests/fuzz/fuzz_yaml.c) $(F)/libcontrol.a
$(FUZZ_TARGETS:%=$(F)/fuzz_%):
	$(SHOW)clang -fsanitize=address,undefined,fuzzer -o $@ $^ $(if $(findstring libdataplane,$^),$(DPDK_LIBS)) \
		$(CONTROL_LIBS) $(DPI_LIBS) -lpcap -lpthread -lm

# captures to sequences, policies to images: make-seeds calls it
$(F)/seeds: $(call fuzz_objects,tests/fuzz/seeds.c) $(F)/libcontrol.a
	$(SHOW)clang -fsanitize=address,undefined -o $@ $^ $(CONTROL_LIBS) $(DPI_LIBS) -lpcap -lm

.PHONY: fuzz fuzz-smoke fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)

fuzz: fuzz-programs ## FUZZ_SECONDS (60) of fuzzing for each target, from the kept corpus and seeds
	@tests/fuzz/run --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fuzz-smoke: fuzz-programs ## the kept corpus and the inputs of past findings through each target
	@tests/fuzz/run --smoke $(FUZZ_TARGETS)
