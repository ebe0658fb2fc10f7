/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection to the dataplane: held for ever, by the events that come over it, and the heartbeat beside it. */
#include "daemon.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"

#define LINK_BACKOFF_MIN_MS 50u
#define LINK_BACKOFF_MAX_MS 5000u
#define LINK_CRASH_WINDOW_MS 60000u
#define LINK_MESSAGES 64 /* taken at a time, so that a flood of events does not starve requests */
#define HEARTBEAT_LATE_US 3000000u

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void link_retry(struct daemon *daemon)
{
	struct timeval delay = { .tv_sec = daemon->backoff_ms / 1000,
				 .tv_usec = daemon->backoff_ms % 1000 * 1000 };

	evtimer_add(daemon->link_timer, &delay);
	daemon->backoff_ms *= 2;
	if (daemon->backoff_ms > LINK_BACKOFF_MAX_MS)
		daemon->backoff_ms = LINK_BACKOFF_MAX_MS;
}

static void link_lost(struct daemon *daemon, int error)
{
	log_line(LOG_WARNING, "connection to the dataplane ended (%s); trying again", strerror(-error));
	event_free(daemon->link_event);
	daemon->link_event = NULL;
	client_close(&daemon->link);
	memmove(daemon->lost_ms + 1, daemon->lost_ms, sizeof(daemon->lost_ms) - sizeof(daemon->lost_ms[0]));
	daemon->lost_ms[0] = now_ms();
	daemon->backoff_ms = LINK_BACKOFF_MIN_MS;
	link_retry(daemon);
}

/* A dataplane that fell three times in a minute may fall by its image: nobody puts it back but a person. */
static bool link_falls_often(const struct daemon *daemon)
{
	uint64_t oldest = daemon->lost_ms[2];

	return oldest && now_ms() - oldest < LINK_CRASH_WINDOW_MS;
}

static void link_read(evutil_socket_t fd, short what, void *opaque)
{
	struct daemon *daemon = opaque;
	struct client_message message;

	(void)fd;
	(void)what;
	for (int i = 0; i < LINK_MESSAGES; i++) {
		int error = client_receive(&daemon->link, &message, 0);
		if (error == -EAGAIN)
			return;
		if (error) {
			link_lost(daemon, error);
			return;
		}
		if (message.fd >= 0)
			close(message.fd);
		const struct bh_event *events = message.body;
		size_t count = message.type == BH_ITEM_EVENTS ? message.length / sizeof(*events) : 0;
		for (size_t j = 0; j < count; j++)
			history_add(daemon, &events[j]);
	}
}

static void link_up(struct daemon *daemon)
{
	log_line(LOG_NOTICE, "connected to the dataplane at %s/control", daemon->run);
	daemon->link_told = false;
	daemon->backoff_ms = LINK_BACKOFF_MIN_MS;
	if (link_falls_often(daemon)) {
		log_line(LOG_ALERT, "the dataplane ended three times in a minute: no policy is put into it "
				    "automatically; bulkheadctl apply does");
		return;
	}
	if (job_running(daemon, JOB_RESUME))
		daemon->resume_again = true;
	else if (job_start(daemon, JOB_RESUME, -1, -1, NULL))
		log_line(LOG_ERR, "what is in force could not be looked at: %m");
}

static void link_connect(evutil_socket_t unused, short what, void *opaque)
{
	struct daemon *daemon = opaque;

	(void)unused;
	(void)what;
	int error = client_open(&daemon->link, daemon->run);
	if (!error)
		error = client_send(&daemon->link, BH_REQUEST_EVENTS, NULL, 0, -1);
	if (!error) {
		daemon->link_event =
			event_new(daemon->base, daemon->link.fd, EV_READ | EV_PERSIST, link_read, daemon);
		if (!daemon->link_event || event_add(daemon->link_event, NULL))
			error = -ENOMEM;
	}
	if (!error) {
		link_up(daemon);
		return;
	}
	if (daemon->link_event)
		event_free(daemon->link_event);
	daemon->link_event = NULL;
	client_close(&daemon->link);
	if (!daemon->link_told) /* once, not at every try */
		log_line(LOG_WARNING, "%s/control: %s; trying until the dataplane is there", daemon->run,
			 strerror(-error));
	daemon->link_told = true;
	link_retry(daemon);
}

/* The main thread of the dataplane tells every 100 ms that it lives. */
static void link_watch(evutil_socket_t unused, short what, void *opaque)
{
	struct daemon *daemon = opaque;
	char path[PATH_MAX], why[128];
	struct counters counters;
	struct timespec now;

	(void)unused;
	(void)what;
	snprintf(path, sizeof(path), "%s/counters", daemon->run);
	if (daemon->link.fd < 0 || counters_open(&counters, path, why, sizeof(why)))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	uint64_t beat_us = counters.map->heartbeat_us;
	bool late = now_us > beat_us && now_us - beat_us > HEARTBEAT_LATE_US;
	if (late && !daemon->late_told)
		log_line(LOG_ALERT, "the dataplane's heartbeat stopped %.1f s ago",
			 (double)(now_us - beat_us) / 1e6);
	else if (!late && daemon->late_told)
		log_line(LOG_NOTICE, "the dataplane's heartbeat is back");
	daemon->late_told = late;
	counters_close(&counters);
}

int link_start(struct daemon *daemon)
{
	struct timeval second = { .tv_sec = 1 };

	daemon->link.fd = -1;
	daemon->backoff_ms = LINK_BACKOFF_MIN_MS;
	daemon->link_timer = evtimer_new(daemon->base, link_connect, daemon);
	daemon->watch_timer = event_new(daemon->base, -1, EV_PERSIST, link_watch, daemon);
	if (!daemon->link_timer || !daemon->watch_timer || event_add(daemon->watch_timer, &second))
		return -ENOMEM;
	link_connect(-1, 0, daemon);
	return 0;
}

void link_stop(struct daemon *daemon)
{
	if (daemon->link_event)
		event_free(daemon->link_event);
	if (daemon->link_timer)
		event_free(daemon->link_timer);
	if (daemon->watch_timer)
		event_free(daemon->watch_timer);
	client_close(&daemon->link);
}
