/* SPDX-License-Identifier: BSD-3-Clause */
/* The live dataplane: what main.c starts and the control socket's requests reach. Main thread only. */
#ifndef DATAPLANE_PROCESS_H
#define DATAPLANE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "activate.h"
#include "alarm.h"
#include "clock.h"
#include "control.h"
#include "counterfile.h"
#include "handoff.h"
#include "keep.h"
#include "loop.h"
#include "options.h"
#include "owner.h"
#include "ports.h"
#include "workerloop.h"
#include "workers.h"

/* Notices from before anybody listened; the first who does gets them. */
#define EARLY_NOTICES 32u

struct process {
	struct options options;
	int signals; /* signalfd */
	int lock;
	uid_t control_user; /* (uid_t)-1: root alone */
	gid_t control_group;
	struct clock clock;
	struct counterfile counters;
	struct keep keep;
	struct engine *engine;
	struct activate *activate;
	const char *port_names[BH_MAX_PORTS];
	struct ports ports;
	struct handoff handoff;
	struct owners owners;
	struct workers workers;
	struct alarms *alarms;
	struct loops *loops; /* NULL: no probes */
	struct rte_ether_addr macs[BH_MAX_PORTS];
	struct control *control;
	uint32_t early_count;
	struct bh_event early[EARLY_NOTICES];
};

/* A notice of the main thread: to the log and to who listens. A notice_function. */
void process_notice(void *opaque, enum bh_notice_kind kind, const char *text);

/* Until a signal asks for the end. */
void process_serve(struct process *p);

/* Put an image in force and keep it. text: one line. 0 or -errno */
int process_apply(struct process *p, int fd, char *text, size_t text_size);

/* What the control socket asks for; requests.c. */
struct control_handlers process_handlers(struct process *p);

#endif
