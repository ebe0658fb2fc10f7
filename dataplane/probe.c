/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe.h"

#include <endian.h>
#include <string.h>

#define FIELDS (sizeof(struct probe) / sizeof(uint64_t))

/* "BHLP", version, three bytes of nothing */
static const uint8_t head[8] = { 'B', 'H', 'L', 'P', PROBE_VERSION };
/* Locally administered, group. Not of 01:80:c2:00:00:0x: a probe is to cross whatever joins two segments. */
static const uint8_t everybody[6] = { 0x03, 'B', 'H', 'L', 'P', 0x01 };

uint64_t probe_name(const char *network, const char *segment)
{
	static const uint8_t no_key[SIPHASH_KEY];
	uint8_t hash[2][SIPHASH_SIZE];
	uint64_t name;

	siphash(no_key, network, strlen(network), hash[0]);
	siphash(hash[0], segment, strlen(segment), hash[1]);
	memcpy(&name, hash[1], sizeof(name));
	return name;
}

void probe_write(const struct probe *probe, const uint8_t key[SIPHASH_KEY], const uint8_t source[6],
		 uint8_t *frame)
{
	uint8_t *payload = frame + 14;
	uint64_t fields[FIELDS];

	memcpy(frame, everybody, 6);
	memcpy(frame + 6, source, 6);
	frame[12] = PROBE_ETHERTYPE >> 8;
	frame[13] = PROBE_ETHERTYPE & 0xff;
	memcpy(payload, head, sizeof(head));
	memcpy(fields, probe, sizeof(fields));
	for (unsigned int i = 0; i < FIELDS; i++)
		fields[i] = htobe64(fields[i]);
	memcpy(payload + sizeof(head), fields, sizeof(fields));
	siphash(key, payload, sizeof(head) + sizeof(fields), payload + sizeof(head) + sizeof(fields));
}

/* In the same time wherever they differ. */
static bool same(const uint8_t a[SIPHASH_SIZE], const uint8_t b[SIPHASH_SIZE])
{
	uint8_t differ = 0;

	for (unsigned int i = 0; i < SIPHASH_SIZE; i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

enum probe_verdict probe_read(const uint8_t *payload, uint32_t length, uint64_t group,
			      const uint8_t key[SIPHASH_KEY], struct probe *probe)
{
	uint8_t signature[SIPHASH_SIZE];
	uint64_t fields[FIELDS];

	if (length < sizeof(head) || memcmp(payload, head, 4) != 0)
		return PROBE_NONE;
	if (length < PROBE_SIZE || memcmp(payload, head, sizeof(head)) != 0)
		return PROBE_FORGED;
	memcpy(fields, payload + sizeof(head), sizeof(fields));
	for (unsigned int i = 0; i < FIELDS; i++)
		fields[i] = be64toh(fields[i]);
	if (fields[0] != group)
		return PROBE_FOREIGN_GROUP;
	siphash(key, payload, sizeof(head) + sizeof(fields), signature);
	if (!same(signature, payload + sizeof(head) + sizeof(fields)))
		return PROBE_FORGED;
	memcpy(probe, fields, sizeof(fields));
	return PROBE_OURS;
}
