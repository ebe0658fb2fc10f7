/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bulkheadd. One thread, one libevent loop: it holds the connection to the dataplane, the history of events and the request
 * socket. Whatever may take time or meet hostile input (compiling, listing a million sessions, pushing an image) is done by
 * a child that is forked for it, bounded in time, and shares nothing but one connection: the loop never waits, and a
 * fault ends one answer only.
 */
#ifndef CONTROL_DAEMON_H
#define CONTROL_DAEMON_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <syslog.h>

#include "client.h"

#define DAEMON_JOBS 16u
#define DAEMON_FOLLOWERS 16u
#define DAEMON_CONNECTIONS 64u
#define DAEMON_HISTORY 4096u

struct history; /* daemon_events.c */

enum daemon_job { JOB_ANSWER, JOB_RESUME, JOB_RELOAD, JOB_ADOPT };

struct daemon {
	struct event_base *base;
	const char *config;               /* bulkhead.yaml */
	const char *run, *state, *policy; /* policy: NULL: the configuration names none */
	uint64_t started_us;

	/* daemon_link.c */
	struct client link;
	struct event *link_event, *link_timer, *watch_timer;
	uint32_t backoff_ms;
	uint64_t lost_ms[3]; /* when the last connections ended */
	bool link_told, late_told;

	/* daemon_job.c */
	struct {
		pid_t pid; /* 0: free */
		enum daemon_job kind;
	} jobs[DAEMON_JOBS];
	bool resume_again; /* the dataplane came back while a resume was running */
	bool adopt_again;  /* another image was accepted while one was adopted */

	/* daemon_events.c */
	struct history *history;

	/* daemon_request.c */
	struct event *accept_event;
	uint32_t connections;
};

/* ---- daemon_log.c: stderr, for the journal ---- */
void log_level_set(int priority); /* syslog(3): what is less urgent is not written */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
void daemon_notify(const char *state); /* systemd's NOTIFY_SOCKET, if there is one */

/* ---- daemon_link.c ---- */
int link_start(struct daemon *daemon);
void link_stop(struct daemon *daemon);

/* ---- daemon_events.c ---- */
int history_start(struct daemon *daemon);
void history_stop(struct daemon *daemon);
void history_add(struct daemon *daemon, const struct bh_event *event);
/* Answer `events` on a connection, which is taken over. */
void history_answer(struct daemon *daemon, int fd, const json_t *question);

/* ---- daemon_listen.c ---- */
/* RUN/bulkheadd.sock: systemd's, or made here with mode 0660 for uid and gid. Descriptor or -errno. */
int listen_open(const char *run, uid_t uid, gid_t gid);
/* Root, our own user, or a member of our group. */
bool listen_permits(int fd);

/* ---- daemon_request.c ---- */
int request_start(struct daemon *daemon, int listen_fd);
void request_stop(struct daemon *daemon);

/* ---- daemon_job.c ---- */
/* Fork a job. fd, image_fd (-1: none) and question are those of JOB_ANSWER and stay the caller's. 0, -EAGAIN (too many) or
 * -errno. */
int job_start(struct daemon *daemon, enum daemon_job kind, int fd, int image_fd, const json_t *question);
bool job_running(const struct daemon *daemon, enum daemon_job kind);
/* An image came into force, perhaps without us: what we keep must be that one. */
void job_adopt(struct daemon *daemon);
void job_reap(struct daemon *daemon);

/* ---- daemon_policy.c: in a child; each returns an exit status ---- */
int policy_answer(const struct daemon *daemon, int fd, int image_fd, const json_t *question);
int policy_resume(const struct daemon *daemon);
int policy_reload(const struct daemon *daemon);
int policy_adopt(const struct daemon *daemon);

#endif
