/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the bench sends. Frame i of a traffic is always the same bytes, so every program and every run gets the same
 * input. 250 clients are on VLAN 101 (segment web), 250 servers on VLAN 102 (segment app); flow f is UDP from client
 * f mod 250 to server f / 250 mod 250, and the source port counts the rest.
 */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRAFFIC_FRAME_MAX 9022u
/* Of these 16 bits over and over the key is made (Woo and Park, 2012); programs.py tells it the dataplane. */
#define TRAFFIC_RSS_KEY 0x6d5au

enum traffic_kind {
	TRAFFIC_ESTABLISHED, /* a frame of every flow, then a reply of every flow, each in a scattered order */
	TRAFFIC_NEW, /* first every server once, for those who learn; then the first frame of a new flow each */
	TRAFFIC_MIXED, /* IMIX of established flows; every hundredth frame begins a new one */
	TRAFFIC_DENIED, /* every server once; then a frame of every flow, to a port that the bench's policies deny */
	TRAFFIC_FRAGMENTS, /* like `established', each datagram in two fragments */
	TRAFFIC_UNKNOWN,   /* to machines that nobody has seen */
	TRAFFIC_PENDING,   /* the same, but flows of eight frames whose payload no application has */
	TRAFFIC_KINDS
};

struct traffic {
	enum traffic_kind kind;
	uint32_t flows; /* of those that are established */
	uint16_t size;  /* bytes of a frame with its tag and without its checksum; `mixed' has its own */
	bool ipv6, tcp; /* tcp: bare acknowledgements, of `established' only */
	uint16_t share,
		shares; /* only the flows of one of so many queues, as RSS with the key below spreads them by their addresses */
};

extern const char *const traffic_names[TRAFFIC_KINDS];

/* Reads KIND, --flows N, --size N, --ipv6, --tcp, --share I/N from argv, and moves what is left to its front. NULL, or what is wrong. */
const char *traffic_read(struct traffic *traffic, int *argc, const char **argv);

/* Frames until the traffic repeats itself; of one that never does, the frames that establish its flows. */
uint64_t traffic_loop(const struct traffic *traffic);

/* Whether frame i is of the traffic's share. */
bool traffic_shared(const struct traffic *traffic, uint64_t i);

/* Writes frame i and returns its length, at most TRAFFIC_FRAME_MAX. */
uint16_t traffic_frame(const struct traffic *traffic, uint64_t i, uint8_t *frame);

/* Where a frame has room for a stamp of eight bytes: its last ones. A stamp breaks the UDP checksum: traffic_stamp()
 * writes its two halves so that they sum to zero. */
void traffic_stamp(uint8_t *frame, uint16_t length, uint32_t stamp);
/* False: the frame carries none. */
bool traffic_stamped(const uint8_t *frame, uint16_t length, uint32_t *stamp);

#endif
