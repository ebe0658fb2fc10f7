/* SPDX-License-Identifier: BSD-3-Clause */
/* capture KIND [--flows N] [--size N] [--ipv6] [--share I/N] OUT.pcap: one loop of a traffic as a capture; capture --tsc: the rate of
 * the time-stamp counter. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "traffic.h"

struct pcap_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, precision, most, link;
};

struct pcap_record {
	uint32_t seconds, microseconds, kept, length;
};

static int write_capture(const struct traffic *t, FILE *file)
{
	const struct pcap_header header = { .magic = 0xa1b2c3d4u,
					    .major = 2,
					    .minor = 4,
					    .most = 65535,
					    .link = 1 /* Ethernet */ };
	uint8_t frame[TRAFFIC_FRAME_MAX];
	uint64_t count = traffic_loop(t);

	if (fwrite(&header, sizeof(header), 1, file) != 1)
		return -1;
	for (uint64_t i = 0; i < count; i++) {
		struct pcap_record record = { .seconds = 1767225600u + (uint32_t)(i / 1000000),
					      .microseconds = (uint32_t)(i % 1000000) };

		if (!traffic_shared(t, i))
			continue;
		record.kept = record.length = traffic_frame(t, i, frame);

		if (fwrite(&record, sizeof(record), 1, file) != 1 ||
		    fwrite(frame, record.length, 1, file) != 1)
			return -1;
	}
	return fflush(file);
}

/* Ticks a second, over a tenth of one. */
static void print_tsc(void)
{
	struct timespec from, to;
	uint64_t ticks, ns;

	clock_gettime(CLOCK_MONOTONIC_RAW, &from);
	ticks = __rdtsc();
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	clock_gettime(CLOCK_MONOTONIC_RAW, &to);
	ticks = __rdtsc() - ticks;
	ns = (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000u + (uint64_t)to.tv_nsec -
	     (uint64_t)from.tv_nsec;
	printf("%" PRIu64 "\n", (uint64_t)((double)ticks * 1e9 / (double)ns));
}

int main(int argc, char **argv)
{
	struct traffic traffic;
	const char *wrong;
	FILE *file;

	if (argc == 2 && strcmp(argv[1], "--tsc") == 0) {
		print_tsc();
		return EXIT_SUCCESS;
	}
	wrong = traffic_read(&traffic, &argc, (const char **)argv);
	if (!wrong && !traffic_loop(&traffic))
		wrong = "this kind never repeats: it can not be a capture";
	if (wrong || argc != 2) {
		fprintf(stderr, "capture: %s\n", wrong ? wrong : "one file to write is needed");
		return 2;
	}
	file = fopen(argv[1], "wbe");
	if (!file || write_capture(&traffic, file) || fclose(file)) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
