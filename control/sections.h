/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A policy image in the making: sections that grow, strings that are kept once, and the assembling. Errors stick:
 * after one, calls do nothing, and sections_finish() reports it.
 */
#ifndef CONTROL_SECTIONS_H
#define CONTROL_SECTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "bulkhead/image.h"
#include "intern.h"

struct sections {
	struct {
		void *data;
		uint64_t count, room; /* elements */
	} list[BH_SECTION_COUNT];
	struct intern strings;
	uint64_t bytes; /* of all sections together */
	int error;      /* 0, -ENOMEM, or -E2BIG: more than BH_IMAGE_MAX_SIZE */
};

void sections_init(struct sections *sections);
void sections_free(struct sections *sections);

/* `count` new elements, zeroed, at the end of a section. Valid until the next call for that section; NULL: see `error`. */
void *sections_add(struct sections *sections, enum bh_section section, uint64_t count);

/* Offset of a string; NULL is the empty one. */
uint32_t sections_string(struct sections *sections, const char *text);

/* Assemble: fills size, sections, source_digest and checksum of the header, whose `created` is the caller's. 0 and an
 * image to free(), or the error. */
int sections_finish(const struct sections *sections, const struct bh_image_header *header, void **image,
		    size_t *size);

#endif
