/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead-dataplane: from the command line to the loop of the main thread, and back in order. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dpi.h"
#include "environment.h"
#include "layer2.h"
#include "mactable.h"
#include "process.h"
#include "replay.h"
#include "rx.h"
#include "supervisor.h"

#define EVENT_SLOTS 8192u
#define HANDOFF_SLOTS 2048u

/* ---- start-up, in order ---- */

/* Before there are other threads: all of them inherit the mask, and only the descriptor tells. */
static int start_signals(struct process *p)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return p->signals < 0 ? -errno : 0;
}

static void stop_signals(struct process *p)
{
	close(p->signals);
}

static int find_user(struct process *p)
{
	const char *name = p->options.control_user;
	const struct passwd *user;

	p->control_user = (uid_t)-1;
	p->control_group = (gid_t)-1;
	if (!name)
		return 0;
	user = getpwnam(name);
	if (user) {
		p->control_user = user->pw_uid;
		p->control_group = user->pw_gid;
	} else {
		log_line(LOG_WARNING, "there is no user `%s': only root may use the control socket", name);
	}
	return 0;
}

/* One dataplane a directory: a second one would take the first one's counters away. */
static int start_directory(struct process *p)
{
	char path[PATH_MAX];
	int error;

	find_user(p);
	if (mkdir(p->options.run, 0755) && errno != EEXIST)
		goto err_errno;
	if (snprintf(path, sizeof(path), "%s/lock", p->options.run) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	p->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->lock < 0)
		goto err_errno;
	if (flock(p->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	error = -errno;
	close(p->lock);
	log_line(LOG_ERR, "%s: another dataplane runs there", p->options.run);
	return error;

err_errno:
	error = -errno;
	log_line(LOG_ERR, "%s: %s", p->options.run, strerror(-error));
	return error;
}

static void stop_directory(struct process *p)
{
	close(p->lock);
}

static int start_environment(struct process *p)
{
	int error = environment_start(&p->options);

	if (error)
		return error;
	clock_start(&p->clock);
	return dpi_catalogue_init();
}

static void stop_environment(struct process *p)
{
	(void)p;
	environment_stop();
}

static int start_counters(struct process *p)
{
	char path[PATH_MAX];
	struct bh_counters *c;
	int error;

	if (snprintf(path, sizeof(path), "%s/counters", p->options.run) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	error = counterfile_open(&p->counters, path, p->options.workers, p->control_group);
	if (error)
		return error;
	c = p->counters.counters;
	c->pid = (uint32_t)getpid();
	c->started_us = c->heartbeat_us = clock_unix_us();
	c->flow_capacity = p->options.flows;
	c->mac_capacity = p->options.macs;
	c->tsc_hz = rte_get_tsc_hz();
	c->detect_capacity = p->options.detecting;
	return 0;
}

static void stop_counters(struct process *p)
{
	counterfile_close(&p->counters);
}

static int start_engine(struct process *p)
{
	p->engine = engine_new(&p->clock, &p->options);
	return p->engine ? 0 : -ENOMEM;
}

static void stop_engine(struct process *p)
{
	engine_free(p->engine);
}

static void publish(void *opaque, const struct policy *policy)
{
	struct process *p = opaque;

	if (p->loops)
		loops_policy(p->loops, policy);
	engine_publish(p->engine, policy);
}

static int start_activation(struct process *p)
{
	struct activate_need need = {
		.ports = p->port_names,
		.port_count = p->options.port_count,
		.workers = p->options.workers,
		.sizes = &p->options,
		.counters = p->counters.counters,
		.publish = publish,
		.notice = process_notice,
		.opaque = p,
	};

	for (uint16_t i = 0; i < p->options.port_count; i++)
		p->port_names[i] = p->options.ports[i].name;
	p->activate = activate_new(&need);
	return p->activate ? 0 : -ENOMEM;
}

static void stop_activation(struct process *p)
{
	activate_free(p->activate);
	p->activate = NULL;
}

/* Whatever is wrong with the kept image, the answer is the same: closed, and loudly. */
static int load_kept(struct process *p)
{
	char text[512], line[256];
	int fd = keep_load(&p->keep), error;

	if (fd == -ENOENT) {
		process_notice(p, BH_NOTICE_STARTED,
			       "closed: no policy was kept, nothing passes until one is applied");
		return 0;
	}
	error = fd < 0 ? fd : activate_image(p->activate, fd, clock_unix_us(), text, sizeof(text));
	if (fd >= 0)
		close(fd);
	else
		snprintf(text, sizeof(text), "%s", strerror(-error));
	if (!error)
		return 0;
	snprintf(line, sizeof(line), "closed: the kept policy is not usable (%.120s); apply one", text);
	process_notice(p, BH_NOTICE_IMAGE_REFUSED, line);
	return 0;
}

/* Before a port is opened, so that no frame meets a dataplane without the policy it had. */
static int start_kept(struct process *p)
{
	char text[192];
	int error = keep_open(&p->keep, p->options.state, clock_unix_us() / 1000000);

	if (error) {
		log_line(LOG_ERR, "%s: %s", p->options.state, strerror(-error));
		return error;
	}
	if (!keep_crashes_often(&p->keep))
		return load_kept(p);
	snprintf(text, sizeof(text),
		 "closed: %u crashes in %u s, the kept policy is not loaded; apply a policy, or remove "
		 "`starts' from "
		 "the state directory and restart",
		 p->keep.crashes, KEEP_WINDOW_S);
	process_notice(p, BH_NOTICE_CRASHES, text);
	return 0;
}

static void stop_kept(struct process *p)
{
	keep_clean(&p->keep);
	keep_close(&p->keep);
}

static int start_ports(struct process *p)
{
	struct port_need need = { .ports = p->options.ports,
				  .count = p->options.port_count,
				  .workers = p->options.workers,
				  .owners = &p->owners,
				  .mbufs = p->options.mbufs,
				  .interrupts = p->options.idle_interrupts && p->options.idle_sleep_us };
	uint64_t secret[2];
	int error;

	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		return -EIO;
	owners_init(&p->owners, p->options.workers, secret, p->options.rss);

	p->ports.counters = p->counters.counters;
	p->ports.notice = process_notice;
	p->ports.opaque = p;
	error = ports_open(&p->ports, &need);
	if (!error)
		error = handoff_open(&p->handoff, p->options.workers, &p->ports, HANDOFF_SLOTS);
	if (error)
		ports_close(&p->ports);
	else
		rx_name_owners(&p->owners, &p->ports);
	return error;
}

static void stop_ports(struct process *p)
{
	ports_close(&p->ports);
}

static int start_alarms(struct process *p)
{
	p->alarms = alarms_new(&(struct alarm_need){ .workers = &p->workers,
						     .sizes = &p->options,
						     .counters = p->counters.counters,
						     .notice = process_notice,
						     .opaque = p });
	return p->alarms ? 0 : -ENOMEM;
}

static int start_workers(struct process *p)
{
	struct tx_port transmit[BH_MAX_WORKERS * BH_MAX_PORTS];
	struct workers_need need = {
		.count = p->options.workers,
		.sizes = &p->options,
		.owners = &p->owners,
		.counters = &p->counters,
		.copies = p->ports.copies,
		.port_count = p->ports.count,
		.transmit = transmit,
		.event_slots = EVENT_SLOTS,
	};
	int error;

	if (getrandom(&need.seed, sizeof(need.seed), 0) != sizeof(need.seed))
		return -EIO;
	for (uint16_t i = 0; i < need.count; i++) {
		ports_transmit(&p->ports, i, transmit + i * p->ports.count);
		handoff_transmit(&p->handoff, i, transmit + i * p->ports.count, p->ports.count);
	}
	error = workers_open(&p->workers, &need);
	if (error) {
		log_line(LOG_ERR, "no memory for tables of these sizes: --memory, --flows, --dpi-memory");
		return error;
	}
	for (uint16_t i = 0; i < need.count; i++)
		for (uint16_t k = 0; k < p->ports.count; k++)
			layer2_own_mac(p->workers.list[i]->layer2, &p->ports.ports[k].mac);
	activate_watch(p->activate, p->workers.classifiers);
	return start_alarms(p);
}

/* The tables go with EAL: rte_free() would write zeroes over a gigabyte of them first. */
static void stop_workers(struct process *p)
{
	alarms_free(p->alarms);
	stop_activation(p);
}

static int start_control(struct process *p)
{
	struct control_handlers handlers = process_handlers(p);
	char path[PATH_MAX];
	int error;

	if (snprintf(path, sizeof(path), "%s/control", p->options.run) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	error = control_open(&p->control, path, p->control_user, &handlers);
	if (error)
		log_line(LOG_ERR, "%s: %s", path, strerror(-error));
	return error;
}

/* The workers' loops have not begun. */
static int start_probes(struct process *p)
{
	struct loop_need need = { .options = &p->options,
				  .counters = p->counters.counters,
				  .workers = p->workers.count,
				  .buffers = p->ports.copies,
				  .macs = p->macs,
				  .now_us = clock_unix_us(),
				  .notice = process_notice,
				  .opaque = p };
	int error;

	if (!p->options.probes)
		return 0;
	for (uint16_t i = 0; i < p->ports.count; i++)
		p->macs[i] = p->ports.ports[i].mac;
	error = loops_new(&p->loops, &need);
	if (!error && activate_policy(p->activate))
		loops_policy(p->loops, activate_policy(p->activate));
	for (uint16_t i = 0; i < p->workers.count && !error; i++) {
		p->workers.list[i]->loops = p->loops;
		p->workers.list[i]->loop_gate = loops_gate(p->loops);
	}
	return error;
}

static void stop_probes(struct process *p)
{
	loops_free(p->loops);
}

static void stop_control(struct process *p)
{
	control_close(p->control);
	p->control = NULL;
}

static int start_forwarding(struct process *p)
{
	int error = ports_start(&p->ports);

	if (!error)
		error = engine_start(p->engine, &p->workers, &p->ports, &p->handoff);
	if (error)
		engine_stop(p->engine);
	return error;
}

static void stop_forwarding(struct process *p)
{
	engine_stop(p->engine);
}

static int start_ready(struct process *p)
{
	char text[128];

	snprintf(text, sizeof(text), "started: %u workers, %u ports, %s", p->options.workers, p->ports.count,
		 activate_policy(p->activate) ? "the kept policy is in force" : "closed");
	process_notice(p, BH_NOTICE_STARTED, text);
	return supervisor_tell("READY=1");
}

static void stop_nothing(struct process *p)
{
	(void)p;
}

static const struct step {
	const char *name;
	int (*start)(struct process *p);
	void (*stop)(struct process *p); /* undoes a start that succeeded */
} steps[] = {
	{ "signals", start_signals, stop_signals },
	{ "run directory", start_directory, stop_directory },
	{ "DPDK", start_environment, stop_environment },
	{ "counters", start_counters, stop_counters },
	{ "engine", start_engine, stop_engine },
	{ "activation", start_activation, stop_activation },
	{ "kept policy", start_kept, stop_kept },
	{ "ports", start_ports, stop_ports },
	{ "workers", start_workers, stop_workers },
	{ "loop probes", start_probes, stop_probes },
	{ "control socket", start_control, stop_control },
	{ "forwarding", start_forwarding, stop_forwarding },
	{ "ready", start_ready, stop_nothing },
};

/* Returns how many steps succeeded. */
static size_t start(struct process *p)
{
	for (size_t i = 0; i < RTE_DIM(steps); i++) {
		int error = steps[i].start(p);

		if (error) {
			log_line(LOG_ERR, "can not start: %s: %s", steps[i].name, strerror(-error));
			return i;
		}
	}
	return RTE_DIM(steps);
}

static void stop(struct process *p, size_t started)
{
	while (started-- > 0)
		steps[started].stop(p);
}

int main(int argc, char **argv)
{
	static struct process process; /* large */
	size_t started;

	options_read(&process.options, argc, argv);
	log_level(process.options.log_level);
	if (process.options.replay) {
		signal(SIGPIPE, SIG_IGN);
		return replay_run(&process.options);
	}
	started = start(&process);
	if (started == RTE_DIM(steps))
		process_serve(&process);
	stop(&process, started);
	return started == RTE_DIM(steps) ? EXIT_SUCCESS : EXIT_FAILURE;
}
