/* SPDX-License-Identifier: BSD-3-Clause */
/* Children: each does one thing that may take long, within a bound of time, and is gone. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB_SECONDS 120
#define JOB_FD_FLOOR 16 /* above those that are given places */

/* Only what the job needs stays open: no other client's connection, or it would not end when we end it; not the loop's own
 * descriptors either. 3: the client, 4: the image. */
static void job_descriptors(int *fd, int *image_fd)
{
	int client = *fd < 0 ? -1 : fcntl(*fd, F_DUPFD_CLOEXEC, JOB_FD_FLOOR);
	int image = *image_fd < 0 ? -1 : fcntl(*image_fd, F_DUPFD_CLOEXEC, JOB_FD_FLOOR);

	*fd = client < 0 ? -1 : dup3(client, 3, O_CLOEXEC);
	*image_fd = image < 0 ? -1 : dup3(image, 4, O_CLOEXEC);
	if (*fd < 0)
		close(3);
	if (*image_fd < 0)
		close(4);
	close_range(5, ~0u, 0);
}

static int job_run(const struct daemon *daemon, enum daemon_job kind, int fd, int image_fd,
		   const json_t *question)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	alarm(JOB_SECONDS);
	job_descriptors(&fd, &image_fd);
	switch (kind) {
	case JOB_ANSWER:
		return policy_answer(daemon, fd, image_fd, question);
	case JOB_RESUME:
		return policy_resume(daemon);
	case JOB_RELOAD:
		return policy_reload(daemon);
	case JOB_ADOPT:
		return policy_adopt(daemon);
	}
	return 1;
}

int job_start(struct daemon *daemon, enum daemon_job kind, int fd, int image_fd, const json_t *question)
{
	size_t place = 0;

	while (place < DAEMON_JOBS && daemon->jobs[place].pid)
		place++;
	if (place == DAEMON_JOBS)
		return -EAGAIN;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(job_run(daemon, kind, fd, image_fd, question));
	daemon->jobs[place].pid = pid;
	daemon->jobs[place].kind = kind;
	return 0;
}

bool job_running(const struct daemon *daemon, enum daemon_job kind)
{
	for (size_t i = 0; i < DAEMON_JOBS; i++) {
		if (daemon->jobs[i].pid && daemon->jobs[i].kind == kind)
			return true;
	}
	return false;
}

void job_adopt(struct daemon *daemon)
{
	if (job_running(daemon, JOB_ADOPT))
		daemon->adopt_again = true;
	else
		daemon->adopt_again = job_start(daemon, JOB_ADOPT, -1, -1, NULL) != 0;
}

/* What was put off until this job was over. */
static void job_follow(struct daemon *daemon, enum daemon_job kind)
{
	if (kind == JOB_RESUME && daemon->resume_again) {
		daemon->resume_again = false;
		if (job_start(daemon, JOB_RESUME, -1, -1, NULL))
			log_line(LOG_ERR, "what is in force could not be looked at");
	} else if (daemon->adopt_again) { /* put off behind another adoption, or by too many jobs */
		job_adopt(daemon);
	}
}

void job_reap(struct daemon *daemon)
{
	int status;

	for (size_t i = 0; i < DAEMON_JOBS; i++) {
		if (!daemon->jobs[i].pid || waitpid(daemon->jobs[i].pid, &status, WNOHANG) <= 0)
			continue;
		daemon->jobs[i].pid = 0;
		if (WIFSIGNALED(status))
			log_line(LOG_ERR, "a job ended by signal %d (%s)", WTERMSIG(status),
				 strsignal(WTERMSIG(status)));
		job_follow(daemon, daemon->jobs[i].kind);
	}
}
