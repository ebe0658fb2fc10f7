/* SPDX-License-Identifier: BSD-3-Clause */
#include "sections.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bulkhead/evaluate.h"

static const uint32_t element_sizes[BH_SECTION_COUNT] = {
#define ELEMENT_SIZE(symbol, type) [BH_SECTION_##symbol] = sizeof(type),
	BH_SECTIONS(ELEMENT_SIZE)
#undef ELEMENT_SIZE
};

void sections_init(struct sections *sections)
{
	*sections = (struct sections){ 0 };
	sections_add(sections, BH_SECTION_STRINGS, 1); /* offset 0 is the empty string */
}

void sections_free(struct sections *sections)
{
	for (int i = 0; i < BH_SECTION_COUNT; i++)
		free(sections->list[i].data);
	intern_free(&sections->strings);
	*sections = (struct sections){ 0 };
}

void *sections_add(struct sections *sections, enum bh_section section, uint64_t count)
{
	typeof(sections->list[0]) *s = &sections->list[section];
	const uint64_t size = element_sizes[section];
	uint8_t *added;

	if (sections->error != 0)
		return NULL;
	if (count > BH_IMAGE_MAX_SIZE / size || sections->bytes + count * size > BH_IMAGE_MAX_SIZE) {
		sections->error = -E2BIG;
		return NULL;
	}
	if (s->data == NULL || s->room - s->count < count) {
		uint64_t room = s->room + s->room / 2 + count + 16;
		void *data = realloc(s->data, room * size);

		if (data == NULL) {
			sections->error = -ENOMEM;
			return NULL;
		}
		s->data = data;
		s->room = room;
	}
	added = (uint8_t *)s->data + s->count * size;
	memset(added, 0, count * size);
	s->count += count;
	sections->bytes += count * size;
	return added;
}

uint32_t sections_string(struct sections *sections, const char *text)
{
	const size_t length = text == NULL ? 0 : strlen(text);
	uint32_t at = 0, offset;
	uint64_t hash;
	char *added;

	if (length == 0 || sections->error != 0)
		return 0;
	hash = intern_hash(text, length, INTERN_SEED);
	while (intern_next(&sections->strings, hash, &at, &offset))
		if (strcmp((char *)sections->list[BH_SECTION_STRINGS].data + offset, text) == 0)
			return offset;
	offset = (uint32_t)sections->list[BH_SECTION_STRINGS].count;
	added = sections_add(sections, BH_SECTION_STRINGS, length + 1);
	if (added == NULL)
		return 0;
	memcpy(added, text, length);
	sections->error = intern_add(&sections->strings, hash, offset);
	return offset;
}

static uint64_t align64(uint64_t offset)
{
	return (offset + 63) & ~UINT64_C(63);
}

int sections_finish(const struct sections *sections, const struct bh_image_header *header, void **image,
		    size_t *size)
{
	uint64_t total = align64(sizeof(*header));
	struct bh_image_header *h;

	if (sections->error != 0)
		return sections->error;
	for (int i = 0; i < BH_SECTION_COUNT; i++)
		total = align64(total + sections->list[i].count * element_sizes[i]);
	if (total > BH_IMAGE_MAX_SIZE)
		return -E2BIG;
	h = calloc(1, total);
	if (h == NULL)
		return -ENOMEM;
	*h = *header;
	h->magic = BH_IMAGE_MAGIC;
	h->version = BH_IMAGE_VERSION;
	h->section_count = BH_SECTION_COUNT;
	h->size = total;
	total = align64(sizeof(*header));
	for (int i = 0; i < BH_SECTION_COUNT; i++) {
		const uint64_t bytes = sections->list[i].count * element_sizes[i];

		h->sections[i] = (struct bh_section_entry){ total, sections->list[i].count };
		if (bytes != 0)
			memcpy((uint8_t *)h + total, sections->list[i].data, bytes);
		total = align64(total + bytes);
	}
	/* the digest tells equal policies, whenever they were compiled */
	h->created = 0;
	h->source_digest = 0;
	h->source_digest = bh_image_checksum(h, total);
	h->created = header->created;
	h->checksum = bh_image_checksum(h, total);
	*image = h;
	*size = total;
	return 0;
}
