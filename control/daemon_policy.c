/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of policies, as bulkheadd has a part in it. The image that was accepted last is kept in STATE/bulkheadd: a
 * dataplane that comes up without any (a new machine, its own kept one lost) gets that one. All of this runs in
 * children of the daemon.
 */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "appliance.h"
#include "dpi.h"
#include "load.h"
#include "query.h"
#include "record.h"

#define CLIENT_PATIENCE_S 20 /* for one write to a client that does not read */
#define ACCEPTED_IMAGE "accepted.image"
#define ACCEPTED_JSON "accepted.json"

static uint64_t unix_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- what was accepted ---- */

static int state_open(const struct daemon *daemon)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bulkheadd", daemon->state);
	int fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* `name` is the old or the new content, whatever happens meanwhile. */
static int state_replace(int directory, const char *name, const void *bytes, size_t size)
{
	char beside[64];
	int error = 0;

	snprintf(beside, sizeof(beside), "%s.new", name);
	int fd = openat(directory, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < size && !error;) {
		ssize_t n = write(fd, (const char *)bytes + done, size - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			error = n ? -errno : -EIO;
	}
	if (!error && fsync(fd))
		error = -errno;
	close(fd);
	if (!error && renameat(directory, beside, directory, name))
		error = -errno;
	if (error)
		unlinkat(directory, beside, 0);
	else if (fsync(directory))
		error = -errno;
	return error;
}

static int state_read(int directory, const char *name, void **bytes, size_t *size)
{
	struct stat status;

	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	FILE *in = fdopen(fd, "r");
	if (!in) {
		close(fd);
		return -ENOMEM;
	}
	int error = -EINVAL;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode) && status.st_size > 0 &&
	    (uint64_t)status.st_size <= BH_IMAGE_MAX_SIZE) {
		*size = (size_t)status.st_size;
		*bytes = malloc(*size);
		error = *bytes ? 0 : -ENOMEM;
		if (*bytes && fread(*bytes, 1, *size, in) != *size) {
			free(*bytes);
			error = -EIO;
		}
	}
	fclose(in);
	return error;
}

/* `result` is that of query_apply(). A failure is told, and does not undo what is in force. */
static void accepted_keep(int directory, const void *image, size_t size, const char *path, json_t *result)
{
	char time[40];

	json_t *about = json_pack("{s:O, s:s, s:O, s:s}", "policy", json_object_get(result, "policy"), "path",
				  path ? path : "", "generation", json_object_get(result, "generation"),
				  "time", record_time(unix_us(), time));
	char *text = about ? json_dumps(about, JSON_INDENT(2)) : NULL;
	int error = text ? state_replace(directory, ACCEPTED_IMAGE, image, size) : -ENOMEM;
	if (!error)
		error = state_replace(directory, ACCEPTED_JSON, text, strlen(text));
	if (error)
		log_line(LOG_ERR, "the policy is in force but bulkheadd could not keep a copy of it: %s",
			 strerror(-error));
	free(text);
	json_decref(about);
}

/* Whether who asked is not there any more. Nobody shuts down one direction only. */
static bool client_gone(int fd)
{
	char byte;

	return fd >= 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Put an image into force and keep it. One at a time: what is kept is what is in force. client_fd: who asked, -1: nobody.
 * Returns the result of the query or NULL with source->why. */
static json_t *policy_put(const struct daemon *daemon, struct source *source, int client_fd, int image_fd,
			  const char *path)
{
	void *image = NULL;
	size_t size;
	json_t *result = NULL;

	int directory = state_open(daemon);
	if (directory >= 0 && flock(directory, LOCK_EX) < 0)
		log_line(LOG_WARNING, "%s/bulkheadd can not be locked: %m", daemon->state);
	/* a question may have waited while we were stopped or replaced: who gave up has applied another since */
	if (client_gone(client_fd)) {
		snprintf(source->why, sizeof(source->why),
			 "whoever asked for it is gone; nothing was changed");
		goto out;
	}
	json_t *question = json_pack("{s:s}", "command", "apply");
	result = query_apply(source, question, image_fd);
	json_decref(question);
	if (result)
		log_line(LOG_NOTICE,
			 "policy %s (%" JSON_INTEGER_FORMAT
			 " rules) in force as generation %" JSON_INTEGER_FORMAT "%s%s",
			 query_text(result, "policy"), query_number(result, "rules", 0),
			 query_number(result, "generation", 0), path ? " from " : "", path ? path : "");
	if (result && directory < 0)
		log_line(LOG_ERR, "%s/bulkheadd: %s: no copy of the policy is kept", daemon->state,
			 strerror(-directory));
	if (result && directory >= 0 && !push_check(image_fd, &size)) {
		image = malloc(size);
		if (image && pread(image_fd, image, size, 0) == (ssize_t)size)
			accepted_keep(directory, image, size, path, result);
		else
			log_line(LOG_ERR, "the policy is in force but could not be read to keep a copy");
		free(image);
	}
out:
	if (directory >= 0)
		close(directory);
	return result;
}

static json_t *policy_put_bytes(const struct daemon *daemon, struct source *source, const void *image,
				size_t size, const char *path)
{
	int fd = push_seal(image, size);

	if (fd < 0) {
		snprintf(source->why, sizeof(source->why), "memfd: %s", strerror(-fd));
		return NULL;
	}
	json_t *result = policy_put(daemon, source, -1, fd, path);
	close(fd);
	return result;
}

/* ---- answers ---- */

struct answer {
	FILE *out;
};

static int answer_item(void *opaque, json_t *item)
{
	struct answer *answer = opaque;

	fputs("{\"item\":", answer->out);
	json_dumpf(item, answer->out, JSON_COMPACT);
	fputs("}\n", answer->out);
	return ferror(answer->out) ? -EPIPE : 0;
}

static json_t *daemon_about(const struct daemon *daemon)
{
	json_t *accepted = NULL;
	int directory = state_open(daemon);
	void *text;
	size_t size;
	json_error_t error;
	char time[40];

	if (directory >= 0) {
		if (!state_read(directory, ACCEPTED_JSON, &text, &size)) {
			accepted = json_loadb(text, size, 0, &error);
			free(text);
		}
		close(directory);
	}
	return json_pack("{s:b, s:I, s:s, s:I, s:o}", "up", 1, "pid", (json_int_t)getppid(), "started",
			 record_time(daemon->started_us, time), "uptime_s",
			 (json_int_t)((unix_us() - daemon->started_us) / 1000000), "accepted",
			 accepted ? accepted : json_null());
}

int policy_answer(const struct daemon *daemon, int fd, int image_fd, const json_t *question)
{
	struct timeval patience = { .tv_sec = CLIENT_PATIENCE_S };
	const char *command = query_text(question, "command");
	struct answer answer = { 0 };
	struct query_sink sink = { .item = answer_item, .opaque = &answer };
	struct source source;
	json_t *result;

	if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return 1;
	answer.out = fdopen(fd, "w");
	if (!answer.out)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	fputs("{\"begun\":true}\n", answer.out);
	fflush(answer.out);
	source_init(&source, daemon->run);
	if (command && !strcmp(command, "apply"))
		result = policy_put(daemon, &source, fd, image_fd, query_text(question, "path"));
	else
		result = query_run(&source, question, -1, &sink);
	json_t *line = NULL;
	if (result) {
		json_object_set_new(result, "daemon", daemon_about(daemon));
		line = json_pack("{s:O}", "result", result);
	} else {
		if (command && !strcmp(command, "apply"))
			log_line(LOG_WARNING, "apply: %s", source.why);
		line = json_pack("{s:o}", "error", record_text(source.why, sizeof(source.why)));
	}
	int status = !line || json_dumpf(line, answer.out, JSON_COMPACT) < 0 ||
		     fputc('\n', answer.out) == EOF || fflush(answer.out);
	json_decref(line);
	json_decref(result);
	source_close(&source);
	return status;
}

/* ---- from the policy's file ---- */

static void problems_log(const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];
		bool error = problem->severity == SEVERITY_ERROR;
		log_line(error ? LOG_ERR : LOG_WARNING, "%s:%u:%u: %s",
			 problem->place.file ? problem->place.file : "", problem->place.line,
			 problem->place.column, problem->message);
	}
}

static int policy_put_file(const struct daemon *daemon, const char *path)
{
	struct policy_load load;
	struct source source;
	json_t *result = NULL;

	int error = policy_load_tested(&load, path, time(NULL));
	problems_log(&load.problems);
	if (error || !load.image) {
		log_line(LOG_ERR, "%s is not applied; what was in force stays in force", path);
		policy_load_free(&load);
		return 1;
	}
	source_init(&source, daemon->run);
	result = policy_put_bytes(daemon, &source, load.image, load.size, path);
	if (!result)
		log_line(LOG_ERR, "%s is not applied: %s", path, source.why);
	source_close(&source);
	policy_load_free(&load);
	int status = result ? 0 : 1;
	json_decref(result);
	return status;
}

/* SIGHUP: bulkhead.yaml may name another policy by now. */
int policy_reload(const struct daemon *daemon)
{
	struct problems problems = { 0 };
	struct appliance *appliance = NULL;
	int status = 1;

	int error = appliance_read(daemon->config, &appliance, &problems);
	problems_sort(&problems);
	problems_log(&problems);
	if (error || problems.errors)
		log_line(LOG_ERR, "%s is not read again; what was in force stays in force", daemon->config);
	else if (!appliance->policy)
		log_line(LOG_WARNING, "%s names no policy", daemon->config);
	else
		status = policy_put_file(daemon, appliance->policy);
	appliance_free(appliance);
	problems_free(&problems);
	return status;
}

/* ---- the dataplane is there: take up where it is ---- */

/* 0: our own accepted image is in force now; -ENOENT: there is none; else it was refused. */
static int resume_accepted(const struct daemon *daemon, struct source *source)
{
	int directory = state_open(daemon);
	void *image;
	size_t size;

	if (directory < 0)
		return directory;
	int error = state_read(directory, ACCEPTED_IMAGE, &image, &size);
	close(directory);
	if (error)
		return error;
	json_t *result = policy_put_bytes(daemon, source, image, size, NULL);
	free(image);
	if (!result)
		log_line(LOG_ERR, "the policy accepted last is not in force: %s", source->why);
	json_decref(result);
	return result ? 0 : -EINVAL;
}

/* `kept` is what lies in STATE, NULL: nothing. */
static void adopt(int directory, const struct source *source, const void *kept, size_t size)
{
	const struct bh_image_header *header = source->policy.header;

	if (kept && size == header->size && !memcmp(kept, source->image, size))
		return;
	json_t *result = json_pack("{s:o, s:I}", "policy", record_text(header->name, sizeof(header->name)),
				   "generation", (json_int_t)source->generation);
	accepted_keep(directory, source->image, header->size, NULL, result);
	json_decref(result);
}

/* Somebody else may have applied what is in force, while we were not there or past us: keep that one. */
int policy_adopt(const struct daemon *daemon)
{
	struct source source;
	void *kept = NULL;
	size_t size = 0;

	int directory = state_open(daemon);
	if (directory < 0)
		return 1;
	if (flock(directory, LOCK_EX) < 0)
		log_line(LOG_WARNING, "%s/bulkheadd can not be locked: %m", daemon->state);
	/* asked for under the lock, or it could be older than what an apply keeps meanwhile */
	source_init(&source, daemon->run);
	int error = source_image(&source);
	if (!error) {
		if (state_read(directory, ACCEPTED_IMAGE, &kept, &size))
			kept = NULL;
		adopt(directory, &source, kept, size);
		free(kept);
	}
	source_close(&source);
	close(directory);
	return error ? 1 : 0;
}

int policy_resume(const struct daemon *daemon)
{
	struct source source;
	int status = 1;

	source_init(&source, daemon->run);
	int error = source_image(&source);
	if (!error) {
		/* whatever it is: somebody accepted it, and traffic runs by it */
		log_line(LOG_NOTICE, "policy %s is in force as generation %u; taken up as it is",
			 source.policy.header->name, source.generation);
		policy_adopt(daemon);
		status = 0;
	} else if (error == -EOWNERDEAD) {
		log_line(LOG_ALERT, "%s; bulkheadctl apply puts a policy into force", source.why);
	} else if (error != -ENOENT) {
		log_line(LOG_ERR, "%s", source.why);
	} else if (!resume_accepted(daemon, &source)) {
		status = 0;
	} else if (daemon->policy && !access(daemon->policy, F_OK)) {
		status = policy_put_file(daemon, daemon->policy);
	} else {
		log_line(LOG_WARNING, "no policy is in force: nothing is forwarded until one is applied");
	}
	source_close(&source);
	return status;
}
