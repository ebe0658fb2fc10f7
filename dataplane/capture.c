/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAME_MAX 65535

/* ---- reading ---- */

static int scan(pcap_t *pcap, struct capture_facts *facts, char *why, size_t why_size)
{
	const uint8_t *bytes;
	struct pcap_pkthdr *header;
	int result;

	while ((result = pcap_next_ex(pcap, &header, &bytes)) == 1) {
		if (header->caplen > FRAME_MAX) {
			snprintf(why, why_size, "frame %llu has %u bytes; more than %d are not supported",
				 (unsigned long long)facts->frames + 1, header->caplen, FRAME_MAX);
			return -E2BIG;
		}
		if (!facts->frames++)
			facts->first_us =
				(uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec;
	}
	facts->cut = result == PCAP_ERROR;
	return 0;
}

int capture_scan(const char *path, struct capture_facts *facts, char *why, size_t why_size)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, error);
	int result = -EINVAL;

	*facts = (struct capture_facts){ 0 };
	if (!pcap) {
		snprintf(why, why_size, "%s", error);
		return -EINVAL;
	}
	if (pcap_datalink(pcap) == DLT_EN10MB) {
		result = scan(pcap, facts, why, why_size);
	} else {
		const char *name = pcap_datalink_val_to_name(pcap_datalink(pcap));

		snprintf(why, why_size, "its link type is %s, only Ethernet (EN10MB) can be replayed",
			 name ? name : "unknown");
	}
	pcap_close(pcap);
	return result;
}

/* ---- writing ---- */

struct capture_writer {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	uint8_t frame[FRAME_MAX];
};

struct capture_writer *capture_create(const char *path, char *why, size_t why_size)
{
	struct capture_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		goto err_why;
	writer->pcap = pcap_open_dead(DLT_EN10MB, FRAME_MAX);
	if (!writer->pcap)
		goto err_free;
	writer->dumper = pcap_dump_open(writer->pcap, path);
	if (!writer->dumper) {
		snprintf(why, why_size, "%s", pcap_geterr(writer->pcap));
		pcap_close(writer->pcap);
		free(writer);
		return NULL;
	}
	return writer;

err_free:
	free(writer);
err_why:
	snprintf(why, why_size, "no memory");
	return NULL;
}

void capture_write(struct capture_writer *writer, const struct rte_mbuf *m, uint64_t time_us)
{
	uint32_t length = RTE_MIN(m->pkt_len, (uint32_t)FRAME_MAX);
	const void *bytes = rte_pktmbuf_read(m, 0, length, writer->frame);
	struct pcap_pkthdr header = {
		.ts = { .tv_sec = (time_t)(time_us / 1000000), .tv_usec = (suseconds_t)(time_us % 1000000) },
		.caplen = length,
		.len = m->pkt_len,
	};

	if (bytes)
		pcap_dump((u_char *)writer->dumper, &header, bytes);
}

int capture_finish(struct capture_writer *writer)
{
	int error = pcap_dump_flush(writer->dumper) || ferror(pcap_dump_file(writer->dumper)) ? -EIO : 0;

	pcap_dump_close(writer->dumper);
	pcap_close(writer->pcap);
	free(writer);
	return error;
}
