/* SPDX-License-Identifier: BSD-3-Clause */
/* A loose look at a frame's headers, for the mutator: nothing here is trusted by anyone, and nothing of the dataplane is used. */
#ifndef TESTS_REPAIR_H
#define TESTS_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

struct view {
	uint32_t length;
	uint32_t tag;    /* offset of the VLAN id, 0: untagged */
	uint32_t l3, l4; /* 0: there is none */
	uint8_t version; /* 4, 6; 0: not IP */
	uint8_t protocol;
	bool fragment; /* IP fragment that is not the whole */
};

/* What can be told of these bytes. */
struct view view_of(const uint8_t *frame, uint32_t length);

/* Make lengths and checksums agree with the bytes. */
void repair(uint8_t *frame, uint32_t length);

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline void set16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void set32(uint8_t *p, uint32_t value)
{
	set16(p, value >> 16);
	set16(p + 2, value);
}

#endif
