/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkheadd: start, signals, end. */
#include <argp.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "appliance.h"
#include "bulkhead/version.h"
#include "daemon.h"
#include "dpi.h"

#define DEFAULT_CONFIG "/etc/bulkhead/bulkhead.yaml"

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "Configuration of the appliance (default " DEFAULT_CONFIG ")", 0 },
	{ "run", 'r', "DIR", 0, "Directory of the sockets, instead of the configuration's", 0 },
	{ "state", 's', "DIR", 0, "Directory of what is kept, instead of the configuration's", 0 },
	{ 0 },
};

struct start {
	const char *config, *run, *state;
	uid_t uid;
	gid_t gid;
	const char *user; /* NULL: stay who we are */
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct start *start = state->input;

	switch (key) {
	case 'c':
		start->config = argument;
		return 0;
	case 'r':
		start->run = argument;
		return 0;
	case 's':
		start->state = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	options,
	parse,
	NULL,
	"The control daemon of Bulkhead: policies, events, and the socket of bulkheadctl.\v"
	"Stays in the foreground and logs to stderr. Started as root it makes its socket and its directory "
	"and "
	"becomes the user that the configuration names. Forwarding does not need it: it may end, hang or be "
	"replaced at any time.\n\n"
	"SIGHUP: read the policy that the configuration names, and put it into force if it is good.\n"
	"SIGTERM, SIGINT: end; what is in force stays in force.",
	NULL,
	NULL,
	NULL,
};

static int user_find(struct start *start, const char *name)
{
	start->uid = geteuid();
	start->gid = getegid();
	if (geteuid() != 0 || !name)
		return 0;
	const struct passwd *user = getpwnam(name);
	if (!user) {
		log_line(LOG_ERR, "there is no user \"%s\"; create it, or name another as `user' in %s", name,
			 start->config);
		return -ENOENT;
	}
	start->uid = user->pw_uid;
	start->gid = user->pw_gid;
	start->user = name;
	return 0;
}

/* STATE/bulkheadd, ours alone; STATE itself is the dataplane's. */
static void state_make(const struct start *start, const char *state)
{
	char path[PATH_MAX];

	if (mkdir(state, 0755) < 0 && errno != EEXIST)
		goto fail;
	snprintf(path, sizeof(path), "%s/bulkheadd", state);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		goto fail;
	if (geteuid() == 0 && start->user && lchown(path, start->uid, start->gid) < 0)
		goto fail;
	return;
fail:
	/* a policy that is applied comes into force none the less; every apply tells it again */
	log_line(LOG_ERR, "%s/bulkheadd: %m: policies will not be kept here", state);
}

static int user_become(const struct start *start)
{
	if (!start->user)
		return 0;
	if (initgroups(start->user, start->gid) < 0 || setgid(start->gid) < 0 || setuid(start->uid) < 0) {
		log_line(LOG_ERR, "to become user %s: %m", start->user);
		return -EPERM;
	}
	return 0;
}

static void on_end(evutil_socket_t number, short what, void *opaque)
{
	struct daemon *daemon = opaque;

	(void)what;
	log_line(LOG_NOTICE, "%s: ending; forwarding goes on", strsignal((int)number));
	event_base_loopbreak(daemon->base);
}

static void on_reload(evutil_socket_t number, short what, void *opaque)
{
	(void)number;
	(void)what;
	log_line(LOG_NOTICE, "SIGHUP: reading the policy again");
	if (job_start(opaque, JOB_RELOAD, -1, -1, NULL))
		log_line(LOG_ERR, "the policy can not be read now: too much is going on");
}

static void on_child(evutil_socket_t number, short what, void *opaque)
{
	(void)number;
	(void)what;
	job_reap(opaque);
}

static const struct {
	int number;
	event_callback_fn handler;
} signals[] = {
	{ SIGTERM, on_end },
	{ SIGINT, on_end },
	{ SIGHUP, on_reload },
	{ SIGCHLD, on_child },
};

#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

static int serve(struct daemon *daemon, int listen_fd)
{
	struct event *events[SIGNAL_COUNT] = { 0 };
	int error = -ENOMEM;

	daemon->base = event_base_new();
	if (!daemon->base)
		return error;
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		events[i] = evsignal_new(daemon->base, signals[i].number, signals[i].handler, daemon);
		if (!events[i] || event_add(events[i], NULL))
			goto out;
	}
	error = history_start(daemon);
	if (!error)
		error = request_start(daemon, listen_fd);
	if (!error)
		error = link_start(daemon);
	if (!error) {
		daemon_notify("READY=1");
		event_base_dispatch(daemon->base);
		daemon_notify("STOPPING=1");
	}
out:
	link_stop(daemon);
	request_stop(daemon);
	history_stop(daemon);
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		if (events[i])
			event_free(events[i]);
	}
	event_base_free(daemon->base);
	return error;
}

static int configure(struct start *start, struct appliance **appliance)
{
	struct problems problems = { 0 };

	int error = appliance_read(start->config, appliance, &problems);
	problems_sort(&problems);
	problems_print(&problems, stderr);
	if (!error && problems.errors)
		error = -EINVAL;
	problems_free(&problems);
	if (error)
		return error;
	log_level_set((*appliance)->log_level);
	return user_find(start, (*appliance)->user);
}

int main(int argc, char **argv)
{
	static struct daemon daemon; /* 64 KiB of message buffer */
	struct start start = { .config = DEFAULT_CONFIG };
	struct appliance *appliance = NULL;
	struct timespec now;
	int listen_fd, error;

	argp_err_exit_status = 2;
	argp_program_version = BULKHEAD_VERSION;
	if (argp_parse(&argp, argc, argv, 0, NULL, &start))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	error = configure(&start, &appliance);
	if (error)
		goto out;
	clock_gettime(CLOCK_REALTIME, &now);
	daemon.started_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	daemon.config = start.config;
	daemon.run = start.run ? start.run : appliance->run;
	daemon.state = start.state ? start.state : appliance->state;
	daemon.policy = appliance->policy;
	listen_fd = listen_open(daemon.run, start.uid, start.gid);
	if (listen_fd < 0) {
		error = listen_fd;
		log_line(LOG_ERR, "%s/bulkheadd.sock: %s%s", daemon.run, strerror(-error),
			 error == -EADDRINUSE ? ": another bulkheadd is running" : "");
		goto out;
	}
	state_make(&start, daemon.state);
	error = user_become(&start);
	if (!error)
		error = dpi_catalogue_init();
	if (!error)
		error = serve(&daemon, listen_fd);
	close(listen_fd);
out:
	if (error)
		log_line(LOG_ERR, "not started: %s", strerror(-error));
	appliance_free(appliance);
	return error ? 1 : 0;
}
