/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counters.h"
#include "dataplane_program.h"
#include "record.h"
#include "view.h"

/* ---- the child ---- */

struct arguments {
	const char **list;
	uint32_t count;
};

static void add(struct arguments *arguments, const char *option, const char *value)
{
	if (!value)
		return;
	arguments->list[arguments->count++] = option;
	arguments->list[arguments->count++] = value;
}

static void child_exec(const struct replay *replay, const char *program, struct arguments *arguments,
		       int events_fd, pid_t parent)
{
	/* die with the one who reads the events */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	fcntl(replay->image_fd, F_SETFD, 0);
	fcntl(events_fd, F_SETFD, 0);
	/* stdout is ours: a table or JSON */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execv(program, (char *const *)(uintptr_t)arguments->list);
	fprintf(stderr, "bulkheadctl: %s: %s\n", program, strerror(errno));
	_exit(127);
}

static pid_t child_start(const struct replay *replay, const char *program, const char *counters_path,
			 int events_fd)
{
	struct arguments arguments = { .list = calloc(2 * replay->assign_count + 20u, sizeof(char *)) };
	char image[40], events[16];
	pid_t parent = getpid();

	if (!arguments.list)
		return -ENOMEM;
	snprintf(image, sizeof(image), "/proc/self/fd/%d", replay->image_fd);
	snprintf(events, sizeof(events), "%d", events_fd);
	arguments.list[arguments.count++] = program;
	add(&arguments, "--replay", replay->capture);
	add(&arguments, "--image", image);
	add(&arguments, "--events-fd", events);
	add(&arguments, "--counters", counters_path);
	add(&arguments, "--out", replay->out);
	add(&arguments, "--ingress", replay->ingress);
	add(&arguments, "--workers", replay->workers);
	add(&arguments, "--mtu", replay->mtu);
	add(&arguments, "--flows", replay->flow_table);
	for (uint32_t i = 0; i < replay->assign_count; i++)
		add(&arguments, "--assign", replay->assign[i]);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		child_exec(replay, program, &arguments, events_fd, parent);
	pid = pid < 0 ? -errno : pid;
	free(arguments.list);
	return pid;
}

static int child_wait(pid_t pid, char *why, size_t why_size)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		snprintf(why, why_size, "bulkhead-dataplane failed with exit status %d", WEXITSTATUS(status));
	else
		snprintf(why, why_size, "bulkhead-dataplane was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	return -ECHILD;
}

/* ---- its events ---- */

static int event_take(struct replay *replay, const struct bh_event *event)
{
	replay->lost += event->lost;
	if (event->type == BH_EVENT_NOTICE)
		replay->notices++;
	if (event->type != BH_EVENT_FLOW)
		return 0;
	if (event->flow.verdict < 4)
		replay->verdicts[event->flow.verdict]++;
	return spool_add(&replay->flows, &event->flow, event->time_us);
}

static int events_read(struct replay *replay, int fd, char *why, size_t why_size)
{
	FILE *in = fdopen(fd, "r");
	struct bh_event event;
	int error = 0;

	if (!in) {
		close(fd);
		return -errno;
	}
	setvbuf(in, NULL, _IOFBF, 64 * sizeof(event));
	size_t got = sizeof(event);
	while (!error && (got = fread(&event, 1, sizeof(event), in)) == sizeof(event))
		error = event_take(replay, &event);
	if (error)
		snprintf(why, why_size, "the records could not be kept: %s", strerror(-error));
	else if (got)
		error = -EPROTO; /* half an event: it ended in the middle, and child_wait() knows how */
	fclose(in);
	return error;
}

/* ---- its counters ---- */

/* Of the objects in a list those that counted something, under their names. */
static json_t *by_name(json_t *list, const char *const *keys)
{
	json_t *object = json_object(), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		json_t *kept = json_object();
		for (const char *const *key = keys; *key; key++)
			json_object_set(kept, *key, json_object_get(one, *key));
		json_object_set_new(object, json_string_value(json_object_get(one, "name")), kept);
	}
	json_decref(list);
	return object;
}

/* Nothing that another number of workers or another day would change. */
static json_t *counters_document(const struct replay *replay, const struct counters *counters)
{
	static const char *const rule_keys[] = { "sessions", "packets", "bytes", "limited", NULL };
	static const char *const segment_keys[] = { "network",   "in",    "in_bytes", "out",
						    "out_bytes", "drops", NULL };
	static const char *const app_keys[] = { "category", "flows", "packets", "bytes", NULL };
	json_t *document = json_object(), *ports = json_object();
	struct bh_port_counters sum;
	uint64_t frames = 0;

	for (uint32_t i = 0; i < counters->ports; i++) {
		json_t *name = record_text(counters->map->ports[i].name, BH_NAME_MAX + 1);
		json_object_set_new(ports, json_string_value(name), view_port(counters, i));
		json_decref(name);
		counters_port(counters, i, &sum);
		frames += sum.in;
	}
	json_object_set_new(document, "policy", record_text(replay->policy.header->name, BH_NAME_MAX + 1));
	json_object_set_new(document, "generation", json_integer(counters->map->generation));
	json_object_set_new(document, "frames", json_integer((json_int_t)frames));
	json_object_set_new(document, "identity", json_boolean(view_identity(counters)));
	json_object_set_new(document, "ports", ports);
	json_object_set_new(document, "drops", view_drops(counters, VIEW_ALL_PORTS, false));
	json_object_set_new(document, "unknown_vlans", view_unknown_vlans(counters));
	json_object_set_new(document, "duplicates",
			    json_integer((json_int_t)counters_workers(counters, BH_WORKER_DUPLICATES)));
	json_object_set_new(document, "rules", by_name(view_rules(counters, &replay->policy), rule_keys));
	json_object_set_new(document, "segments",
			    by_name(view_segments(counters, &replay->policy), segment_keys));
	json_object_set_new(document, "applications",
			    by_name(view_applications(counters, &replay->policy), app_keys));
	json_object_set_new(
		document, "sessions",
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "created",
			  (json_int_t)counters_workers(counters, BH_WORKER_FLOWS_CREATED), "ended",
			  (json_int_t)counters_workers(counters, BH_WORKER_FLOWS_ENDED), "evicted",
			  (json_int_t)counters_workers(counters, BH_WORKER_FLOWS_EVICTED), "alive",
			  (json_int_t)counters_workers(counters, BH_WORKER_FLOWS), "pending_expired",
			  (json_int_t)counters_workers(counters, BH_WORKER_PENDING_EXPIRED), "dpi_packets",
			  (json_int_t)counters_workers(counters, BH_WORKER_DPI_PACKETS), "conflicts",
			  (json_int_t)counters_workers(counters, BH_WORKER_TCP_CONFLICTS),
			  "application_changes",
			  (json_int_t)counters_workers(counters, BH_WORKER_APP_CHANGES)));
	return document;
}

static int counters_read(struct replay *replay, const char *path, char *why, size_t why_size)
{
	struct counters counters;
	char reason[160];

	int error = counters_open(&counters, path, reason, sizeof(reason));
	if (error) {
		snprintf(why, why_size, "the replay's counters: %s", reason[0] ? reason : strerror(-error));
		return error;
	}
	replay->counters = counters_document(replay, &counters);
	counters_close(&counters);
	return replay->counters ? 0 : -ENOMEM;
}

/* ---- the run ---- */

static int run_in(struct replay *replay, const char *program, const char *counters_path, char *why,
		  size_t why_size)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = child_start(replay, program, counters_path, pipes[1]);
	close(pipes[1]);
	if (pid < 0) {
		close(pipes[0]);
		return (int)pid;
	}
	int error = events_read(replay, pipes[0], why, why_size);
	/* if reading was given up the pipe is closed and the child finds out */
	int ended = child_wait(pid, why, why_size);
	if (!ended && error)
		ended = error;
	if (!ended && replay->lost) {
		snprintf(why, why_size, "%llu events were lost on the way", (unsigned long long)replay->lost);
		ended = -EPROTO;
	}
	return ended ? ended : counters_read(replay, counters_path, why, why_size);
}

int replay_run(struct replay *replay, char *why, size_t why_size)
{
	const char *temporary = getenv("TMPDIR");
	char directory[PATH_MAX], counters_path[PATH_MAX + 16];

	snprintf(why, why_size, "%s", "");
	snprintf(directory, sizeof(directory), "%s/bulkhead-replay-XXXXXX",
		 temporary && *temporary ? temporary : "/tmp");
	char *program = dataplane_program();
	if (!program) {
		snprintf(why, why_size, "bulkhead-dataplane was not found; $BULKHEAD_DATAPLANE can name it");
		return -ENOENT;
	}
	int error = spool_open(&replay->flows);
	if (!error && !mkdtemp(directory))
		error = -errno;
	if (error) {
		snprintf(why, why_size, "%s: %s", directory, strerror(-error));
		free(program);
		return error;
	}
	snprintf(counters_path, sizeof(counters_path), "%s/counters", directory);
	error = run_in(replay, program, counters_path, why, why_size);
	if (error && !*why)
		snprintf(why, why_size, "%s", strerror(-error));
	unlink(counters_path);
	rmdir(directory);
	free(program);
	return error;
}
