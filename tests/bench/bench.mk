# SPDX-License-Identifier: BSD-3-Clause
# The bench: Bulkhead and its peers on the same input (tests/bench/README.md).

PACKAGES_BENCH := dpdk-dev openvswitch-switch-dpdk gnuplot-nox
BENCH := build/bench

$(BENCH)/capture: tests/bench/capture.c tests/bench/traffic.c tests/bench/traffic.h
	@mkdir -p $(@D)
	$(SHOW)$(CC) $(BASE) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c,$^)

.PHONY: bench
bench: all $(BENCH)/capture ## Bulkhead and its peers on the same input, in at most ten minutes (CASES="..." for some)
	@tests/bench/run $(CASES)
