/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Look-ups of the evaluator on a filter set of ClassBench's format, against the linear scan that defines what is right.
 *
 *   classbench POLICY FILTERS TRACE [RULES]
 *
 * POLICY is what classbench.py made of FILTERS. Every header of TRACE must get the rule that the first matching line of FILTERS
 * gives; RULES gets its number for each, from 0, -1: none. One row is printed: rules, time of reading to image, size of the image, headers, differences, look-ups a second of
 * both (median of the rounds, one thread). Exit status: 0 all agree, 1 any differs, 2 unusable input.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bulkhead/evaluate.h"
#include "load.h"

#define ROUNDS 5
#define NO_RULE UINT32_MAX

struct filter {
	uint32_t from, from_mask, to, to_mask;
	uint16_t source[2], destination[2]; /* first, last */
	bool any_protocol, any_ports;
	uint8_t protocol;
};

struct header {
	uint32_t from, to;
	uint16_t source, destination;
	uint8_t protocol;
};

struct set {
	struct filter *filters;
	struct header *headers;
	uint32_t filter_count, header_count;
};

static void *grown(void *list, uint32_t count, size_t size)
{
	if (count & (count - 1)) /* room for the next power of two */
		return list;
	list = realloc(list, (count ? (size_t)count * 2 : 1) * size);
	if (!list) {
		fputs("classbench: no memory\n", stderr);
		exit(2);
	}
	return list;
}

static uint32_t mask(unsigned int length)
{
	return length ? ~0u << (32 - length) : 0;
}

static bool filter_read(const char *line, struct filter *f)
{
	unsigned int a[4], b[4], lengths[2], ports[4], protocol, protocol_mask;

	if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", &a[0], &a[1], &a[2], &a[3],
		   &lengths[0], &b[0], &b[1], &b[2], &b[3], &lengths[1], &ports[0], &ports[1], &ports[2],
		   &ports[3], &protocol, &protocol_mask) != 16 ||
	    lengths[0] > 32 || lengths[1] > 32)
		return false;
	f->from_mask = mask(lengths[0]);
	f->to_mask = mask(lengths[1]);
	f->from = (a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3]) & f->from_mask;
	f->to = (b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]) & f->to_mask;
	for (int i = 0; i < 2; i++) {
		f->source[i] = (uint16_t)ports[i];
		f->destination[i] = (uint16_t)ports[2 + i];
	}
	f->any_ports = !ports[0] && ports[1] == 65535 && !ports[2] && ports[3] == 65535;
	f->any_protocol = !protocol_mask;
	f->protocol = (uint8_t)protocol;
	return true;
}

static bool header_read(const char *line, struct header *h)
{
	return sscanf(line, "%" SCNu32 " %" SCNu32 " %" SCNu16 " %" SCNu16 " %" SCNu8, &h->from, &h->to,
		      &h->source, &h->destination, &h->protocol) == 5;
}

static bool set_read(struct set *set, const char *path, bool filters)
{
	char line[512];
	uint32_t number = 0;
	FILE *in = fopen(path, "r");

	if (!in) {
		perror(path);
		return false;
	}
	while (fgets(line, sizeof(line), in)) {
		bool good;

		number++;
		if (strspn(line, " \t\r\n") == strlen(line) || line[0] == '#')
			continue;
		if (filters) {
			set->filters = grown(set->filters, set->filter_count, sizeof(*set->filters));
			good = filter_read(line, &set->filters[set->filter_count++]);
		} else {
			set->headers = grown(set->headers, set->header_count, sizeof(*set->headers));
			good = header_read(line, &set->headers[set->header_count++]);
		}
		if (!good) {
			fprintf(stderr, "%s:%u: not of ClassBench's format\n", path, number);
			fclose(in);
			return false;
		}
	}
	fclose(in);
	return true;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 132;
}

/* The first that matches. A header of a protocol that has no ports matches only filters that ask for none: on the wire
 * there would be none to look at. */
static uint32_t scan(const struct set *set, const struct header *h)
{
	for (uint32_t i = 0; i < set->filter_count; i++) {
		const struct filter *f = &set->filters[i];

		if ((h->from & f->from_mask) != f->from || (h->to & f->to_mask) != f->to ||
		    (!f->any_protocol && h->protocol != f->protocol))
			continue;
		if (f->any_ports ||
		    (has_ports(h->protocol) && h->source >= f->source[0] && h->source <= f->source[1] &&
		     h->destination >= f->destination[0] && h->destination <= f->destination[1]))
			return i;
	}
	return NO_RULE;
}

static void session_of(const struct header *h, struct bh_session *session)
{
	*session = (struct bh_session){ .from_segment = 0, .to_segment = 1, .protocol = h->protocol };
	session->from[10] = session->from[11] = session->to[10] = session->to[11] = 0xff;
	for (int i = 0; i < 4; i++) {
		session->from[12 + i] = (uint8_t)(h->from >> (24 - 8 * i));
		session->to[12 + i] = (uint8_t)(h->to >> (24 - 8 * i));
	}
	if (has_ports(h->protocol)) {
		session->source_port = h->source;
		session->service = h->destination;
	}
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

static uint32_t evaluate_all(const struct bh_policy *policy, const struct bh_session *sessions,
			     uint32_t count, uint32_t *rules)
{
	struct bh_context context = {};
	struct bh_answer answer;

	for (uint32_t i = 0; i < count; i++) {
		bh_evaluate(policy, &context, &sessions[i], &answer);
		rules[i] = answer.rule;
	}
	return count;
}

static uint32_t scan_all(const struct set *set, uint32_t *rules)
{
	for (uint32_t i = 0; i < set->header_count; i++)
		rules[i] = scan(set, &set->headers[i]);
	return set->header_count;
}

static uint32_t differences(const struct set *set, const uint32_t *wanted, const uint32_t *found)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < set->header_count; i++) {
		if (wanted[i] == found[i] || (wanted[i] == NO_RULE && found[i] == BH_NONE))
			continue;
		if (count++ < 10)
			fprintf(stderr, "header %u: the linear scan says filter %d, the policy rule %d\n",
				i + 1, (int)wanted[i], (int)found[i]);
	}
	return count;
}

static bool rules_write(const char *path, const uint32_t *rules, uint32_t count)
{
	FILE *out = fopen(path, "w");

	for (uint32_t i = 0; out && i < count; i++)
		fprintf(out, "%d\n", (int)rules[i]);
	if (out && !fclose(out))
		return true;
	perror(path);
	return false;
}

int main(int argc, char **argv)
{
	struct set set = {};
	struct policy_load load;
	struct bh_policy policy;
	double times[2][ROUNDS];
	char why[200];

	if (argc != 4 && argc != 5) {
		fputs("usage: classbench POLICY FILTERS TRACE [RULES]\n", stderr);
		return 2;
	}
	if (!set_read(&set, argv[2], true) || !set_read(&set, argv[3], false))
		return 2;
	double start = seconds();
	int error = policy_load(&load, argv[1], 0);
	double loaded = seconds() - start;
	if (error || !load.image || bh_image_open(&policy, load.image, load.size, why, sizeof(why))) {
		fprintf(stderr, "classbench: %s is no good policy\n", argv[1]);
		return 2;
	}
	struct bh_session *sessions = calloc(set.header_count, sizeof(*sessions));
	uint32_t *wanted = calloc(set.header_count, sizeof(*wanted));
	uint32_t *found = calloc(set.header_count, sizeof(*found));
	if (!sessions || !wanted || !found || !set.header_count)
		return 2;
	for (uint32_t i = 0; i < set.header_count; i++)
		session_of(&set.headers[i], &sessions[i]);
	for (int round = 0; round < ROUNDS; round++) {
		start = seconds();
		evaluate_all(&policy, sessions, set.header_count, found);
		times[0][round] = seconds() - start;
		if (round > 0 && times[1][0] > 1) { /* one round of a scan that slow says enough */
			times[1][round] = times[1][0];
			continue;
		}
		start = seconds();
		scan_all(&set, wanted);
		times[1][round] = seconds() - start;
	}
	qsort(times[0], ROUNDS, sizeof(double), compare);
	qsort(times[1], ROUNDS, sizeof(double), compare);
	uint32_t wrong = differences(&set, wanted, found);
	printf("%8u %9.0f %9.0f %9u %9u %12.0f %12.0f\n", set.filter_count, loaded * 1e3,
	       (double)load.size / 1024, set.header_count, wrong, set.header_count / times[0][ROUNDS / 2],
	       set.header_count / times[1][ROUNDS / 2]);
	if (argc == 5 && !rules_write(argv[4], wanted, set.header_count))
		return 2;
	policy_load_free(&load);
	free(sessions);
	free(wanted);
	free(found);
	free(set.filters);
	free(set.headers);
	return wrong ? 1 : 0;
}
