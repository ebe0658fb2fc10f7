/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of the policy in force, on the main thread: an image is checked, everything it needs is built beside the
 * old one, the pointer is swapped, and the old one freed after a grace period. What is refused leaves all as it was. The
 * boundary of a schedule publishes a new policy over the same image.
 */
#ifndef DATAPLANE_ACTIVATE_H
#define DATAPLANE_ACTIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bulkhead/counters.h"
#include "log.h"
#include "options.h"
#include "policy.h"

struct activate;
struct classifier;

struct activate_need {
	const char *const *ports; /* names by index; kept */
	uint16_t port_count;
	uint16_t workers;
	const struct options *sizes;
	bool replay;
	struct bh_counters *counters; /* directories of ids and `generation` are kept there */
	/* swap the workers' pointer; returns when none of them uses the old policy */
	void (*publish)(void *opaque, const struct policy *policy);
	notice_function notice;
	void *opaque; /* of both */
};

/* dpi_catalogue_init() was called. NULL: no memory */
struct activate *activate_new(const struct activate_need *need);
/* The workers have stopped; their classifiers are still there. */
void activate_free(struct activate *a);
/* Tell where the sessions under detection are (by worker; replay: the same for all), once there are workers. */
void activate_watch(struct activate *a, struct classifier *const *list);

/* Put an image in force (a sealed memfd, which stays the caller's). now_us: Unix time, for schedules. 0 or -errno; `text`
 * has one line for people in both cases. */
int activate_image(struct activate *a, int fd, uint64_t now_us, char *text, size_t text_size);

/* Schedules, and what is left of old policies. At least once a second; cheap. */
void activate_tick(struct activate *a, uint64_t now_us);

/* NULL: none is in force. */
const struct policy *activate_policy(const struct activate *a);
/* Sealed descriptor of the image in force, not the caller's; -ENOENT: none. */
int activate_descriptor(const struct activate *a);

#endif
