/* SPDX-License-Identifier: BSD-3-Clause */
/* The last events, who follows them, and the notices among them in the log. */
#include "daemon.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "query.h"
#include "record.h"

#define FOLLOWER_BACKLOG (1u << 20) /* bytes owed to a follower; what is more is counted and not kept */
#define NOTICE_LINES 200u           /* of the log in NOTICE_WINDOW_S */
#define NOTICE_WINDOW_S 10

struct follower {
	struct daemon *daemon;
	struct bufferevent *stream;
	char *type; /* NULL: all */
	uint64_t lost;
	bool follow;
};

struct history {
	struct follower *followers[DAEMON_FOLLOWERS];
	time_t window;
	uint32_t lines, suppressed;
	uint64_t count; /* of all events; the ring keeps the last DAEMON_HISTORY */
	struct bh_event ring[DAEMON_HISTORY];
};

int history_start(struct daemon *daemon)
{
	daemon->history = calloc(1, sizeof(*daemon->history));
	return daemon->history ? 0 : -ENOMEM;
}

/* ---- notices in the log ---- */

static int notice_priority(uint32_t kind)
{
	switch (kind) {
	case BH_NOTICE_EXHAUSTED:
	case BH_NOTICE_LOOP:
	case BH_NOTICE_APPLICATIONS:
		return LOG_ERR;
	case BH_NOTICE_IMAGE_REFUSED:
	case BH_NOTICE_MAC_FLAPPING:
	case BH_NOTICE_MAC_LIMIT:
	case BH_NOTICE_SPOOF:
	case BH_NOTICE_DHCP_GUARD:
	case BH_NOTICE_RA_GUARD:
	case BH_NOTICE_LINK_DOWN:
		return LOG_WARNING;
	case BH_NOTICE_MAC_LEARNED:
		return LOG_DEBUG;
	default:
		return LOG_NOTICE;
	}
}

/* A machine can cause notices: it must not fill the disk with them. */
static bool notice_within_rate(struct history *history)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - history->window >= NOTICE_WINDOW_S) {
		if (history->suppressed)
			log_line(LOG_WARNING,
				 "%u further notices were not logged; bulkheadctl events shows them",
				 history->suppressed);
		history->window = now.tv_sec;
		history->lines = history->suppressed = 0;
	}
	if (history->lines++ < NOTICE_LINES)
		return true;
	history->suppressed++;
	return false;
}

static void notice_log(struct history *history, const struct bh_event *event)
{
	const struct bh_notice *notice = &event->notice;

	if (!notice_within_rate(history))
		return;
	json_t *record = record_notice(notice, event->time_us);
	json_t *part = json_object_get(record, "notice");
	const char *segment = query_text(part, "segment"), *target = query_text(part, "new_segment");
	const char *mac = query_text(part, "mac"), *address = query_text(part, "address");
	const char *kind = query_text(part, "kind"), *text = query_text(part, "text");
	log_line(notice_priority(notice->kind), "%s%s%s%s%s%s%s%s%s%s%s", kind ? kind : "notice",
		 segment ? " " : "", segment ? segment : "", target ? " > " : "", target ? target : "",
		 mac ? " " : "", mac ? mac : "", address ? " " : "", address ? address : "",
		 text && *text ? ": " : "", text ? text : "");
	json_decref(record);
}

/* ---- followers ---- */

static void follower_free(struct follower *follower)
{
	struct history *history = follower->daemon->history;

	for (size_t i = 0; i < DAEMON_FOLLOWERS; i++) {
		if (history->followers[i] == follower)
			history->followers[i] = NULL;
	}
	bufferevent_free(follower->stream);
	free(follower->type);
	free(follower);
}

static void follower_line(struct follower *follower, const char *key, json_t *value)
{
	struct evbuffer *out = bufferevent_get_output(follower->stream);
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

	if (text)
		evbuffer_add_printf(out, "{\"%s\":%s}\n", key, text);
	else
		follower->lost++;
	free(text);
	json_decref(value);
}

static void follower_give(struct follower *follower, const struct bh_event *event)
{
	if (!query_event_matches(event, follower->type))
		return;
	if (evbuffer_get_length(bufferevent_get_output(follower->stream)) > FOLLOWER_BACKLOG) {
		follower->lost++;
		return;
	}
	if (follower->lost) {
		follower_line(
			follower, "item",
			json_pack("{s:s, s:I}", "event_type", "lost", "lost", (json_int_t)follower->lost));
		follower->lost = 0;
	}
	follower_line(follower, "item", record_event(event));
}

static void follower_written(struct bufferevent *stream, void *opaque)
{
	struct follower *follower = opaque;

	(void)stream;
	if (!follower->follow)
		follower_free(follower);
}

/* A follower has nothing more to say. */
static void follower_heard(struct bufferevent *stream, void *opaque)
{
	struct evbuffer *in = bufferevent_get_input(stream);

	(void)opaque;
	evbuffer_drain(in, evbuffer_get_length(in));
}

static void follower_ended(struct bufferevent *stream, short what, void *opaque)
{
	(void)stream;
	(void)what;
	follower_free(opaque);
}

void history_add(struct daemon *daemon, const struct bh_event *event)
{
	struct history *history = daemon->history;

	history->ring[history->count++ % DAEMON_HISTORY] = *event;
	if (event->type == BH_EVENT_NOTICE) {
		notice_log(history, event);
		if (event->notice.kind == BH_NOTICE_IMAGE_ACCEPTED)
			job_adopt(daemon);
	}
	for (size_t i = 0; i < DAEMON_FOLLOWERS; i++) {
		if (history->followers[i] && history->followers[i]->follow)
			follower_give(history->followers[i], event);
	}
}

/* The last `limit` (0: all that are kept) events of a type. */
static json_int_t history_give(struct follower *follower, json_int_t limit)
{
	const struct history *history = follower->daemon->history;
	uint64_t oldest = history->count > DAEMON_HISTORY ? history->count - DAEMON_HISTORY : 0;
	uint64_t first = history->count;
	json_int_t count = 0;

	while (first > oldest && (!limit || count < limit)) {
		first--;
		count += query_event_matches(&history->ring[first % DAEMON_HISTORY], follower->type);
	}
	for (; first < history->count; first++) {
		const struct bh_event *event = &history->ring[first % DAEMON_HISTORY];
		/* DAEMON_HISTORY bounds this, not the backlog */
		if (query_event_matches(event, follower->type))
			follower_line(follower, "item", record_event(event));
	}
	return count;
}

static struct follower *follower_new(struct daemon *daemon, int fd, const json_t *question)
{
	struct history *history = daemon->history;
	const char *type = query_text(question, "type");
	size_t free_place = 0;

	while (free_place < DAEMON_FOLLOWERS && history->followers[free_place])
		free_place++;
	if (free_place == DAEMON_FOLLOWERS)
		return NULL;
	struct follower *follower = calloc(1, sizeof(*follower));
	if (!follower)
		return NULL;
	follower->daemon = daemon;
	follower->follow = json_is_true(json_object_get(question, "follow"));
	follower->type = type ? strdup(type) : NULL;
	follower->stream = bufferevent_socket_new(daemon->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!follower->stream || (type && !follower->type)) {
		if (follower->stream) {
			bufferevent_setfd(follower->stream, -1); /* fd is closed by who gave it */
			bufferevent_free(follower->stream);
		}
		free(follower->type);
		free(follower);
		return NULL;
	}
	history->followers[free_place] = follower;
	return follower;
}

void history_answer(struct daemon *daemon, int fd, const json_t *question)
{
	static const char busy[] = "{\"error\":\"too many are reading events already\"}\n";
	struct timeval patience = { .tv_sec = 30 };
	struct follower *follower = follower_new(daemon, fd, question);

	if (!follower) {
		if (write(fd, busy, sizeof(busy) - 1) < 0)
			log_line(LOG_DEBUG, "a client was not told that it is one too many: %m");
		close(fd);
		return;
	}
	bufferevent_setcb(follower->stream, follower_heard, follower_written, follower_ended, follower);
	if (!follower->follow) /* who does not read is not waited for */
		bufferevent_set_timeouts(follower->stream, NULL, &patience);
	json_int_t count = history_give(follower, query_number(question, "limit", 0));
	if (!follower->follow)
		follower_line(follower, "result", json_pack("{s:I}", "count", count));
	bufferevent_enable(follower->stream, EV_READ | EV_WRITE);
}

void history_stop(struct daemon *daemon)
{
	if (!daemon->history)
		return;
	for (size_t i = 0; i < DAEMON_FOLLOWERS; i++) {
		if (daemon->history->followers[i])
			follower_free(daemon->history->followers[i]);
	}
	free(daemon->history);
	daemon->history = NULL;
}
