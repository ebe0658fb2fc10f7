/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <rte_mbuf_dyn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "activate.h"
#include "assign.h"
#include "capture.h"
#include "classify.h"
#include "counterfile.h"
#include "dpi.h"
#include "environment.h"
#include "event.h"
#include "flow.h"
#include "fragment.h"
#include "handoff.h"
#include "imagecopy.h"
#include "log.h"
#include "mactable.h"
#include "pipeline.h"
#include "ports.h"
#include "rx.h"
#include "workers.h"

/* The first frame's time on the workers' clock: not 0, which means `never`. */
#define FIRST_NS 1000000000000u
/* Buffers of the capture's port take the longest frame; a frame is moved to a fitting one at once. */
#define LONG_MBUFS 2048u
#define LONG_ROOM (UINT16_MAX - RTE_PKTMBUF_HEADROOM)
#define EVENT_SLOTS 4096u

struct replay {
	const struct options *options;
	struct capture_facts facts;
	struct counterfile counters;
	struct ports ports; /* one: the capture */
	struct rte_mempool *frames;
	struct handoff handoff;
	struct owners owners;
	struct workers workers;
	struct rx rx[BH_MAX_WORKERS];
	struct activate *activate;
	struct assignment *assignment;
	struct capture_writer *writer;
	struct image_copy *image;
	struct bh_policy policy; /* of `image`, for its names */
	const char *port_names[BH_MAX_PORTS];
	uint16_t port_count, ingress;
	int capture_fd;
	int timestamp;    /* offset of the dynamic field */
	uint64_t now_us;  /* the capture's clock; never goes back */
	bool lost_events; /* nobody reads them any more */
};

/* ---- what leaves: frames and events ---- */

static uint16_t send_to_file(void *opaque, uint16_t port, uint16_t queue, struct rte_mbuf **frames,
			     uint16_t count)
{
	struct replay *r = opaque;

	(void)port;
	(void)queue;
	for (uint16_t i = 0; i < count; i++) {
		if (r->writer)
			capture_write(r->writer, frames[i], r->now_us);
		rte_pktmbuf_free(frames[i]);
	}
	return count;
}

static void write_event(struct replay *r, const struct bh_event *event)
{
	const char *bytes = (const char *)event;

	for (size_t done = 0; done < sizeof(*event) && !r->lost_events;) {
		ssize_t n = write(r->options->events_fd, bytes + done, sizeof(*event) - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			r->lost_events = true;
	}
}

static void drain_events(struct event_ring *ring, void *opaque)
{
	struct replay *r = opaque;
	const struct bh_event *event;

	while ((event = event_peek(ring))) {
		if (r->options->events_fd >= 0)
			write_event(r, event);
		event_consume(ring);
	}
}

/* ---- the run ---- */

static void set_clock(struct replay *r, uint64_t time_us)
{
	/* captures of several interfaces, and clocks that were set, step back */
	if (time_us > r->now_us)
		r->now_us = time_us;
	for (uint16_t i = 0; i < r->workers.count; i++)
		r->workers.list[i]->now_ns = FIRST_NS + (r->now_us - r->facts.first_us) * 1000;
	activate_tick(r->activate, r->now_us);
}

/* Time goes on: what is due by now ends before the next frame is looked at, wherever it is. */
static void age(struct replay *r)
{
	for (uint16_t i = 0; i < r->workers.count; i++) {
		struct worker *w = r->workers.list[i];

		flow_age(w, UINT32_MAX);
		classifier_age(w, UINT32_MAX);
		fragments_age(w, UINT32_MAX);
	}
}

/* All that a frame sets off happens before the next: sending, learning, events. */
static void settle(struct replay *r)
{
	for (uint16_t i = 0; i < r->workers.count; i++)
		tx_flush(r->workers.list[i]);
	mac_table_serve(r->workers.list[0], UINT32_MAX);
	for (uint16_t i = 0; i < r->workers.count; i++)
		drain_events(r->workers.list[i]->events, r);
}

/* A frame of the capture in a buffer of its size; NULL: there is none left. */
static struct rte_mbuf *next_frame(struct replay *r, uint64_t *time_us)
{
	struct rte_mbuf *m, *copy;

	if (!port_receive(&r->ports.ports[0], 0, 0, &m, 1))
		return NULL;
	*time_us = *RTE_MBUF_DYNFIELD(m, r->timestamp, rte_mbuf_timestamp_t *);
	if (m->pkt_len > RTE_MBUF_DEFAULT_DATAROOM) {
		copy = m;
	} else {
		copy = rte_pktmbuf_copy(m, r->frames, 0, UINT32_MAX);
		rte_pktmbuf_free(m);
	}
	if (copy)
		copy->port = r->ingress;
	return copy;
}

static void one_frame(struct replay *r, struct rte_mbuf *m, uint64_t time_us)
{
	uint16_t own;

	set_clock(r, time_us);
	age(r);
	/* worker 0 receives; who owns the flow goes on */
	own = rx_accept(r->workers.list[0], &r->rx[0], &m, 1);
	if (own)
		pipeline_forward(r->workers.list[0], &m, own);
	/* once round for its owner, and once more: what was put together there may be another's */
	for (uint16_t i = 1; i < 2 * r->workers.count; i++)
		rx_round(r->workers.list[i % r->workers.count], &r->rx[i % r->workers.count]);
	settle(r);
}

static int run(struct replay *r)
{
	uint64_t time_us;

	set_clock(r, r->facts.first_us);
	for (uint16_t i = 0; i < r->workers.count; i++)
		r->workers.list[i]->start_ns = FIRST_NS;
	for (uint64_t n = 0; n < r->facts.frames && !r->lost_events; n++) {
		struct rte_mbuf *m = next_frame(r, &time_us);

		if (!m) {
			log_line(LOG_ERR, "replay: no buffer for frame %llu: too many long frames are held",
				 (unsigned long long)n + 1);
			return -ENOBUFS;
		}
		one_frame(r, m, time_us);
	}
	for (uint16_t i = 0; i < r->workers.count; i++)
		fragments_drain(r->workers.list[i], BH_DROP_END_OF_RUN);
	settle(r);
	for (uint16_t i = 0; i < r->workers.count; i++)
		flow_end_all(r->workers.list[i], BH_FLOW_END_END_OF_RUN);
	settle(r);
	r->counters.counters->heartbeat_us = r->now_us;
	r->counters.counters->macs = mac_table_count(r->workers.macs);
	if (r->lost_events)
		log_line(LOG_ERR, "replay: events can not be written: %s", strerror(errno));
	return r->lost_events ? -EPIPE : 0;
}

/* ---- making it ---- */

static int scan_capture(struct replay *r)
{
	char why[256];

	if (capture_scan(r->options->replay, &r->facts, why, sizeof(why))) {
		log_line(LOG_ERR, "%s: %s", r->options->replay, why);
		return -EINVAL;
	}
	if (r->facts.cut)
		log_line(LOG_WARNING,
			 "%s: the file ends within a frame; the %llu frames before it are replayed",
			 r->options->replay, (unsigned long long)r->facts.frames);
	r->capture_fd = open(r->options->replay, O_RDONLY | O_CLOEXEC);
	r->now_us = r->facts.first_us;
	return r->capture_fd < 0 ? -errno : 0;
}

/* Ports of a replay are those that the policy names, in order of appearance. */
static int add_port(struct replay *r, const char *name)
{
	for (uint16_t i = 0; i < r->port_count; i++)
		if (strcmp(r->port_names[i], name) == 0)
			return i;
	if (r->port_count == BH_MAX_PORTS) {
		log_line(LOG_ERR, "the policy names more than %u ports", BH_MAX_PORTS);
		return -E2BIG;
	}
	r->port_names[r->port_count] = name;
	return r->port_count++;
}

static int name_ports(struct replay *r)
{
	const struct bh_policy *p = &r->policy;
	const char *ingress = r->options->ingress;
	uint16_t count;

	for (uint64_t i = 0; i < p->SEGMENTS_count; i++)
		if (add_port(r, bh_string(p, p->SEGMENTS_[i].port)) < 0)
			return -E2BIG;
	for (uint64_t i = 0; i < p->MIRRORS_count; i++)
		if (p->MIRRORS_[i].kind == 0 && add_port(r, bh_string(p, p->MIRRORS_[i].port)) < 0)
			return -E2BIG;
	count = r->port_count;
	if (ingress)
		r->ingress = (uint16_t)add_port(r, ingress);
	if (ingress && r->port_count != count) {
		log_line(LOG_ERR, "--ingress: the policy has no port `%s'", ingress);
		return -ENOENT;
	}
	if (!ingress && count > 1 && !r->options->assignment_count)
		log_line(LOG_WARNING, "the frames enter by port `%s' (--ingress tells another)",
			 r->port_names[0]);
	return 0;
}

static int load_image(struct replay *r, int *sealed)
{
	char why[192] = "";
	int file = open(r->options->image, O_RDONLY | O_CLOEXEC), error;

	if (file < 0) {
		error = -errno;
		log_line(LOG_ERR, "%s: %s", r->options->image, strerror(-error));
		return error;
	}
	*sealed = image_seal_file(file);
	close(file);
	if (*sealed < 0) {
		log_line(LOG_ERR, "%s: %s", r->options->image, strerror(-*sealed));
		return *sealed;
	}
	r->image = image_copy_new(*sealed, why, sizeof(why));
	if (r->image && bh_image_open(&r->policy, r->image->memory, r->image->size, why, sizeof(why)) == 0)
		return name_ports(r);
	log_line(LOG_ERR, "%s: %s", r->options->image, why);
	return -EINVAL;
}

static int open_capture(struct replay *r)
{
	struct option_port port = { .name = "capture", .mtu = 1500 };
	struct port_need need = {
		.ports = &port, .count = 1, .workers = 1, .mbufs = LONG_MBUFS, .room = LONG_ROOM
	};
	uint64_t flag;
	int error;

	/* a path with a comma would be two arguments of the device */
	snprintf(port.device, sizeof(port.device), "net_pcap0,rx_pcap=/proc/self/fd/%d", r->capture_fd);
	r->ports.counters = r->counters.counters;
	if (rte_mbuf_dyn_rx_timestamp_register(&r->timestamp, &flag))
		return -ENOMEM;
	error = ports_open(&r->ports, &need);
	if (error)
		return error;
	r->frames = rte_pktmbuf_pool_create("replay", r->options->mbufs, 256, FRAME_PRIVATE_SIZE,
					    RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return r->frames ? 0 : -ENOMEM;
}

/* The counters are of the policy's ports, and have nothing of this run's own: two runs write the same bytes. */
static void describe(struct replay *r)
{
	struct bh_counters *c = r->counters.counters;

	memset(c->ports, 0, sizeof(c->ports));
	c->port_count = r->port_count;
	for (uint16_t i = 0; i < r->port_count; i++) {
		snprintf(c->ports[i].name, sizeof(c->ports[i].name), "%s", r->port_names[i]);
		c->ports[i].used = 1;
		c->ports[i].up = 1;
	}
	c->started_us = r->facts.first_us;
	c->flow_capacity = r->options->flows;
	c->mac_capacity = r->options->macs;
	c->detect_capacity = r->options->detecting;
}

static int make_workers(struct replay *r)
{
	struct tx_port transmit[BH_MAX_WORKERS * BH_MAX_PORTS];
	struct workers_need need = {
		.count = r->options->workers,
		.replay = true,
		.sizes = r->options,
		.owners = &r->owners,
		.counters = &r->counters,
		.copies = r->ports.copies,
		.port_count = r->port_count,
		.transmit = transmit,
		.event_slots = EVENT_SLOTS,
	};
	int error;

	for (unsigned int i = 0; i < (unsigned int)need.count * r->port_count; i++)
		transmit[i] = (struct tx_port){ .burst = send_to_file,
						.opaque = r,
						.id = (uint16_t)(i % r->port_count),
						.max_frame = r->options->mtu ? tx_max_frame(r->options->mtu)
									     : UINT32_MAX };
	owners_init(&r->owners, need.count, (uint64_t[2]){ 0, 0 }, 0);
	error = handoff_open(&r->handoff, need.count, NULL, 64);
	if (!error)
		error = workers_open(&r->workers, &need);
	if (error)
		return error;
	for (uint16_t i = 0; i < r->workers.count; i++) {
		rx_init(&r->rx[i], i, need.count, NULL, &r->handoff);
		r->workers.list[i]->peers = r->rx[i].out;
		event_ring_on_full(r->workers.list[i]->events, drain_events, r);
		/* wraps for a capture that begins at 0: modulo 2^64 the sums come out right */
		r->workers.list[i]->unix_offset_us = r->facts.first_us - FIRST_NS / 1000;
		r->workers.list[i]->now_ns = FIRST_NS;
	}
	return 0;
}

/* One thread: nobody to wait for. */
static void publish(void *opaque, const struct policy *policy)
{
	struct replay *r = opaque;

	for (uint16_t i = 0; i < r->workers.count; i++)
		r->workers.list[i]->policy = policy;
}

static void tell(void *opaque, enum bh_notice_kind kind, const char *text)
{
	(void)opaque;
	log_line(kind == BH_NOTICE_APPLICATIONS ? LOG_WARNING : LOG_DEBUG, "%s", text);
}

static int assign(struct replay *r)
{
	char why[192];

	if (!r->options->assignment_count)
		return 0;
	r->assignment = assignment_new();
	if (!r->assignment)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->options->assignment_count; i++) {
		int error = assign_add(r->assignment, activate_policy(r->activate),
				       r->options->assignments[i], why, sizeof(why));

		if (error) {
			log_line(LOG_ERR, "--assign: %s", why);
			return error;
		}
	}
	for (uint16_t i = 0; i < r->workers.count; i++)
		r->workers.list[i]->assignment = r->assignment;
	return 0;
}

static int put_in_force(struct replay *r, int sealed)
{
	struct activate_need need = {
		.ports = r->port_names,
		.port_count = r->port_count,
		.workers = r->options->workers,
		.sizes = r->options,
		.replay = true,
		.counters = r->counters.counters,
		.publish = publish,
		.notice = tell,
		.opaque = r,
	};
	char text[256];

	r->activate = activate_new(&need);
	if (!r->activate)
		return -ENOMEM;
	activate_watch(r->activate, r->workers.classifiers);
	if (activate_image(r->activate, sealed, r->facts.first_us, text, sizeof(text))) {
		log_line(LOG_ERR, "%s: %s", r->options->image, text);
		return -EINVAL;
	}
	return assign(r);
}

static int open_files(struct replay *r)
{
	char why[256];
	int error = counterfile_open(&r->counters, r->options->counters, r->options->workers, (gid_t)-1);

	if (error) {
		log_line(LOG_ERR, "%s: %s", r->options->counters ? r->options->counters : "counters",
			 strerror(-error));
		return error;
	}
	if (!r->options->out)
		return 0;
	r->writer = capture_create(r->options->out, why, sizeof(why));
	if (!r->writer)
		log_line(LOG_ERR, "%s", why);
	return r->writer ? 0 : -EIO;
}

static int make(struct replay *r)
{
	int sealed = -1, error;

	error = load_image(r, &sealed);
	if (!error)
		error = open_files(r);
	if (!error)
		error = open_capture(r);
	if (!error) {
		describe(r);
		error = make_workers(r);
	}
	if (!error)
		error = put_in_force(r, sealed);
	if (sealed >= 0)
		close(sealed);
	return error;
}

static int finish(struct replay *r, int error)
{
	if (r->writer && capture_finish(r->writer) && !error) {
		log_line(LOG_ERR, "%s: not everything could be written", r->options->out);
		error = -EIO;
	}
	activate_free(r->activate);
	assignment_free(r->assignment);
	/* tables and pools go with EAL: rte_free() would write zeroes over all of them first */
	ports_close(&r->ports);
	counterfile_close(&r->counters);
	image_copy_put(r->image);
	return error;
}

int replay_run(const struct options *options)
{
	static struct replay r; /* large */
	int error;

	r.options = options;
	error = scan_capture(&r);
	if (error)
		return 1;
	error = environment_start(options);
	if (error)
		return 1;
	error = dpi_catalogue_init();
	if (!error)
		error = make(&r);
	if (!error)
		error = ports_start(&r.ports);
	if (!error)
		error = run(&r);
	error = finish(&r, error);
	environment_stop();
	close(r.capture_fd);
	if (error)
		log_line(LOG_ERR, "replay ends: %s", strerror(-error));
	return error ? 1 : 0;
}
