# SPDX-License-Identifier: BSD-3-Clause
# Filter sets of packet-classification literature (tests/bench/classbench.py). Included by the Makefile.

$(B)/bench/classbench: $(B)/tests/bench/classbench.o $(B)/control/libcontrol.a
	@mkdir -p $(@D)
	$(SHOW)$(CC) $(LDFLAGS) -o $@ $^ $(CONTROL_LIBS) $(DPI_LIBS) -lm

$(B)/tests/bench/classbench.o: tests/bench/classbench.c
	@mkdir -p $(@D)
	$(SHOW)$(CC) $(BASE) $(CFLAGS) -Icontrol -Idataplane $(CONTROL_CFLAGS) -c -o $@ $<

.PHONY: classbench bench-classbench
classbench: all $(B)/bench/classbench ## every header of filter sets in ClassBench's format gets the rule of the linear scan
	@tests/bench/run-classbench --headers 20000

bench-classbench: all $(B)/bench/classbench ## .. and compile time, image size and look-ups a second, at length
	@tests/bench/run-classbench --headers 200000
