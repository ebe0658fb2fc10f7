# SPDX-License-Identifier: BSD-3-Clause
# The bench: Bulkhead and its peers on the same input (tests/bench/README.md).

PACKAGES_BENCH := dpdk-dev openvswitch-switch-dpdk gnuplot-nox
BENCH := build/bench
BENCH_RUN = tests/bench/run $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(NICE),--nice $(NICE))

$(BENCH)/capture: tests/bench/capture.c tests/bench/traffic.c tests/bench/traffic.h
	@mkdir -p $(@D)
	$(SHOW)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c,$^)

$(BENCH)/generator: tests/bench/generator.c tests/bench/traffic.c tests/bench/traffic.h tests/bench/histogram.h
	@mkdir -p $(@D)
	$(SHOW)$(CC) $(BASE) $(CFLAGS) $(DPDK_CFLAGS) $(LDFLAGS) -o $@ $(filter %.c,$^) $(DPDK_LIBS)

.PHONY: bench bench-full bench-plots bench-programs bench-policies
bench-programs: all $(BENCH)/capture $(BENCH)/generator

bench: bench-programs ## Bulkhead and its peers on the same input, ten minutes at most; CASES="a b" for some (root)
	@$(BENCH_RUN) $(CASES)

bench-full: bench-programs ## all cases of the bench, as long as it takes (root)
	@$(BENCH_RUN) --full

bench-plots: ## pictures of build/bench.json, in build/bench
	@tests/bench/plot build/bench.json $(BENCH)

bench-policies: all ## checking and applying of 100 to 10,000 rules, 100,000 addresses, 4,000 segments; a table (root)
	@mkdir -p $(BENCH)
	@tests/bench/run-policies --json build/bench-policies.json
