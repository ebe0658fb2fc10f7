/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes inputs:
 *   seeds frames FOLDER CAPTURE..   sequences of the captures' first frames; untagged ones get a tag by their addresses
 *   seeds image FOLDER POLICY..     images of the policies, for fuzz_image
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bulkhead/image.h"
#include "tests/fuzz/compile.h"
#include "tests/fuzz/sequence.h"

#define FRAMES_AN_INPUT 32u
#define BYTES_AN_INPUT 12000u
#define FRAMES_A_CAPTURE 640u
#define QUESTION 24u /* of fuzz_image.c */

static int write_input(const char *folder, const char *name, unsigned int number, const void *bytes,
		       size_t size)
{
	const char *base = strrchr(name, '/');
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s-%u", folder, base ? base + 1 : name, number);
	FILE *file = fopen(path, "wb");
	if (!file)
		return 1;
	size_t written = fwrite(bytes, 1, size, file);
	return fclose(file) || written != size;
}

/* ---- captures ---- */

/* The two machines of a session are in two segments, whichever way a frame goes. */
static uint8_t vlan_of(const uint8_t *frame, uint32_t length)
{
	bool ip6 = frame[12] == 0x86 && frame[13] == 0xdd, ip4 = frame[12] == 8 && frame[13] == 0;
	uint32_t at = ip6 ? 22 : 26, size = ip6 ? 16 : 4;

	if ((!ip4 && !ip6) || length < at + 2 * size)
		return memcmp(frame, frame + 6, 6) < 0 ? 101 : 102;
	return memcmp(frame + at, frame + at + size, size) < 0 ? 101 : 102;
}

static uint8_t time_of(uint64_t us)
{
	uint8_t time = 0;

	while (time < 31 && (1ull << time) < us)
		time++;
	return time;
}

/* One frame to the end of a sequence's bytes; returns what it took, 0: it does not fit. */
static uint32_t put_frame(uint8_t *out, uint32_t room, const uint8_t *frame, uint32_t length, uint64_t us)
{
	bool tagged = frame[12] == 0x81 && frame[13] == 0;
	uint32_t size = length + (tagged ? 0 : 4);
	struct sequence_item item = { .time = time_of(us),
				      .length = { (uint8_t)size, (uint8_t)(size >> 8) } };
	const uint8_t tag[4] = { 0x81, 0, 0, vlan_of(frame, length) };

	if (sizeof(item) + size > room)
		return 0;
	memcpy(out, &item, sizeof(item));
	out += sizeof(item);
	memcpy(out, frame, 12);
	if (!tagged)
		memcpy(out + 12, tag, 4);
	memcpy(out + size - (length - 12), frame + 12, length - 12);
	return (uint32_t)sizeof(item) + size;
}

static int convert(const char *folder, const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, why);
	struct pcap_pkthdr *header;
	const u_char *frame;
	uint8_t input[BYTES_AN_INPUT] = { 0 };
	uint32_t used = 2, count = 0, number = 0, all = 0;
	uint64_t before = 0;
	int failed = 0;

	if (!pcap || pcap_datalink(pcap) != DLT_EN10MB) {
		fprintf(stderr, "seeds: %s: %s\n", path, pcap ? "not Ethernet" : why);
		if (pcap)
			pcap_close(pcap);
		return 0; /* there is nothing to make of it */
	}
	while (!failed && all++ < FRAMES_A_CAPTURE && pcap_next_ex(pcap, &header, &frame) == 1) {
		uint64_t now = (uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec;
		uint64_t gap = before && now > before ? now - before : 0;
		uint32_t took = 0;

		before = now;
		if (header->caplen < 18 || header->caplen > SEQUENCE_FRAME_MAX)
			continue;
		if (count < FRAMES_AN_INPUT)
			took = put_frame(input + used, sizeof(input) - used, frame, header->caplen, gap);
		if (!took && count) {
			input[0] = (uint8_t)number; /* the policy */
			failed = write_input(folder, path, number++, input, used);
			used = 2;
			count = 0;
			took = put_frame(input + used, sizeof(input) - used, frame, header->caplen, gap);
		}
		used += took;
		count += took > 0;
	}
	if (!failed && count)
		failed = write_input(folder, path, number, input, used);
	pcap_close(pcap);
	return failed;
}

/* ---- images ---- */

static int compile(const char *folder, const char *path)
{
	size_t size;
	uint8_t *image = compile_policy(path, &size);
	uint8_t *input = image ? malloc(QUESTION + size) : NULL;
	int failed = 1;

	if (input) {
		memset(input, 1, QUESTION);
		memcpy(input + QUESTION, image, size);
		failed = write_input(folder, path, 0, input, QUESTION + size);
	}
	free(image);
	free(input);
	return failed;
}

int main(int argc, char **argv)
{
	bool frames = argc > 3 && strcmp(argv[1], "frames") == 0;

	if (argc < 4 || (!frames && strcmp(argv[1], "image"))) {
		fprintf(stderr, "usage: seeds frames|image FOLDER FILE..\n");
		return 2;
	}
	for (int i = 3; i < argc; i++)
		if (frames ? convert(argv[2], argv[i]) : compile(argv[2], argv[i])) {
			fprintf(stderr, "seeds: %s: failed\n", argv[i]);
			return 1;
		}
	return 0;
}
