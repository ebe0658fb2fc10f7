/* SPDX-License-Identifier: BSD-3-Clause */
/* The main thread while workers forward: it serves the control socket and hands on what they tell. */
#include <stdio.h>

#include "event.h"
#include "mactable.h"
#include "process.h"

#define HEARTBEAT_US 100000u
#define WATCH_US 1000000u
/* Events of a worker at a time */
#define DRAIN_MOST 8192u

/* ---- notices ---- */

static int notice_priority(enum bh_notice_kind kind)
{
	switch (kind) {
	case BH_NOTICE_CRASHES:
		return LOG_ALERT;
	case BH_NOTICE_APPLICATIONS:
	case BH_NOTICE_EXHAUSTED:
	case BH_NOTICE_IMAGE_REFUSED:
	case BH_NOTICE_LINK_DOWN:
	case BH_NOTICE_LOOP:
		return LOG_WARNING;
	default:
		return LOG_NOTICE;
	}
}

void process_notice(void *opaque, enum bh_notice_kind kind, const char *text)
{
	struct process *p = opaque;
	struct bh_event event = { .type = BH_EVENT_NOTICE, .time_us = clock_unix_us() };

	log_line(notice_priority(kind), "%s", text);
	event.notice.kind = kind;
	event.notice.count = 1;
	snprintf(event.notice.text, sizeof(event.notice.text), "%s", text);
	if (p->control && control_subscribed(p->control))
		p->counters.counters->events_lost += control_event(p->control, &event);
	else if (p->early_count < EARLY_NOTICES)
		p->early[p->early_count++] = event;
}

static void send_early_notices(struct process *p)
{
	for (uint32_t i = 0; i < p->early_count; i++)
		p->counters.counters->events_lost += control_event(p->control, &p->early[i]);
	p->early_count = 0;
}

/* ---- the loop ---- */

/* Hand on what the workers told. A bounded number, so that a flood of events does not stop the heartbeat. */
static void drain_events(struct process *p)
{
	uint64_t lost = 0;

	alarms_events(p->alarms);
	for (uint16_t i = 0; i < p->workers.count; i++) {
		struct event_ring *ring = p->workers.list[i]->events;
		const struct bh_event *event;

		for (uint32_t n = 0; n < DRAIN_MOST && (event = event_peek(ring)); n++) {
			lost += control_event(p->control, event);
			event_consume(ring);
		}
	}
	lost += control_flush(p->control);
	p->counters.counters->events_lost += lost;
}

static void beat(struct process *p)
{
	struct bh_counters *c = p->counters.counters;

	activate_tick(p->activate, clock_unix_us());
	c->macs = mac_table_count(p->workers.macs);
	alarms_look(p->alarms, activate_policy(p->activate));
	if (p->loops)
		loops_tick(p->loops, activate_policy(p->activate), clock_unix_us());
	ports_watch_links(&p->ports);
	c->heartbeat_us = clock_unix_us();
}

static void watch(struct process *p)
{
	clock_discipline(&p->clock);
	ports_watch(&p->ports);
}

void process_serve(struct process *p)
{
	uint64_t next_beat = 0, next_watch = 0;

	/* a signal means the end */
	while (!control_wait(p->control, p->signals, control_subscribed(p->control) ? 10 : 20)) {
		uint64_t now = clock_now(&p->clock) / 1000;

		if (p->early_count && control_subscribed(p->control))
			send_early_notices(p);
		drain_events(p);
		if (p->loops)
			loops_listen(p->loops, activate_policy(p->activate), clock_unix_us());
		if (now >= next_beat) {
			beat(p);
			next_beat = now + HEARTBEAT_US;
		}
		if (now >= next_watch) {
			watch(p);
			next_watch = now + WATCH_US;
		}
		if (p->loops && loops_waiting(p->loops))
			engine_wake(p->engine, 0);
	}
	log_line(LOG_NOTICE, "asked to end");
}
