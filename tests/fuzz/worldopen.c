/* SPDX-License-Identifier: BSD-3-Clause */
/* Making the world: what main.c and replay.c do at a start, in small. */
#include <glob.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dpi.h"
#include "frame.h"
#include "imagecopy.h"
#include "layer2.h"
#include "tests/fuzz/compile.h"
#include "world.h"

#define FIRST_NS 1000000000000u
#define FRAME_MBUFS 1024u
#define COPY_MBUFS 48u /* fewer than a flood could want */
#define EVENT_SLOTS 1024u
#define HANDOFF_SLOTS 64u

struct world world;

static const char *const port_names[WORLD_PORTS] = { "trunk", "other" };

static const struct options small_sizes = { .flows = 48,
					    .macs = 24,
					    .fragments = 8,
					    .detecting = 16,
					    .dpi_memory = 8u << 20,
					    .workers = WORLD_WORKERS };

static void need(bool there, const char *what)
{
	if (there)
		return;
	fprintf(stderr, "fuzz: no %s: %s\n", what, rte_strerror(rte_errno));
	exit(99);
}

/* Writable and never freed: EAL keeps pointers and sorts them. */
static void start_eal(void)
{
	static char words[][32] = { "fuzz",        "--no-huge",  "--no-shconf", "--no-telemetry",
				    "--no-pci",    "--lcores=0", "-m",          "160",
				    "--log-level", "lib.eal:3",  "-d",          "librte_mempool_ring.so" };
	static char *arguments[RTE_DIM(words) + 1];
	static bool started;

	if (started)
		return;
	started = true;
	for (unsigned int i = 0; i < RTE_DIM(words); i++)
		arguments[i] = words[i];
	need(rte_eal_init(RTE_DIM(words), arguments) >= 0, "EAL");
	need(dpi_catalogue_init() == 0, "catalogue of applications");
	world.frames = rte_pktmbuf_pool_create("frames", FRAME_MBUFS, 0, FRAME_PRIVATE_SIZE,
					       WORLD_FRAME_ROOM + RTE_PKTMBUF_HEADROOM, 0);
	world.copies = rte_pktmbuf_pool_create("copies", COPY_MBUFS, 0, FRAME_PRIVATE_SIZE,
					       RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	need(world.frames && world.copies, "buffers");
	world.shared[0] = rte_ring_create("shared_0", 64, SOCKET_ID_ANY, RING_F_SC_DEQ);
	world.shared[1] = rte_ring_create("shared_1", 64, SOCKET_ID_ANY, RING_F_SC_DEQ);
	need(world.shared[0] && world.shared[1], "rings");
}

static void compile_policies(void)
{
	const char *folder = world.policies ? world.policies : getenv("BH_FUZZ_POLICIES");
	char pattern[512];
	glob_t found;

	if (world.image_count)
		return;
	snprintf(pattern, sizeof(pattern), "%s/*.yaml", folder ? folder : "tests/fuzz/policies");
	need(glob(pattern, 0, NULL, &found) == 0, "policies: run it from the root of the repository");
	for (size_t i = 0; i < found.gl_pathc && world.image_count < WORLD_POLICIES; i++) {
		size_t size;
		void *image = compile_policy(found.gl_pathv[i], &size);
		int fd = image ? image_seal(image, size) : -1;

		need(fd >= 0, found.gl_pathv[i]);
		free(image);
		world.images[world.image_count++] = fd;
	}
	globfree(&found);
}

static void make_workers(void)
{
	static const struct rte_ether_addr own = { { 2, 0, 0, 0, 0, 3 } };
	struct tx_port transmit[WORLD_WORKERS * WORLD_PORTS];
	struct workers_need workers = {
		.count = WORLD_WORKERS,
		.replay = true,
		.owners = &world.owners,
		.sizes = &world.sizes,
		.counters = &world.counters,
		.copies = world.copies,
		.port_count = WORLD_PORTS,
		.transmit = transmit,
		.event_slots = EVENT_SLOTS,
	};

	for (uint16_t i = 0; i < RTE_DIM(transmit); i++)
		transmit[i] = (struct tx_port){ .burst = world_take_frames,
						.id = (uint16_t)(i % WORLD_PORTS),
						.max_frame = 1518 };
	owners_init(&world.owners, WORLD_WORKERS, (uint64_t[2]){ 0, 0 }, 0);
	need(handoff_open(&world.handoff, WORLD_WORKERS, NULL, HANDOFF_SLOTS) == 0, "rings");
	need(workers_open(&world.workers, &workers) == 0, "tables");
	for (uint16_t i = 0; i < WORLD_WORKERS; i++) {
		rx_init(&world.rx[i], i, WORLD_WORKERS, NULL, &world.handoff);
		need(layer2_own_mac(world.workers.list[i]->layer2, &own) == 0, "room for a MAC");
	}
}

void world_open(void)
{
	struct activate_need activate = {
		.ports = port_names,
		.port_count = WORLD_PORTS,
		.workers = WORLD_WORKERS,
		.sizes = &world.sizes,
		.replay = true,
		.publish = world_publish,
		.notice = world_notice,
	};

	if (!world.sizes.flows)
		world.sizes = small_sizes;
	start_eal();
	compile_policies();
	need(counterfile_open(&world.counters, NULL, WORLD_WORKERS, (gid_t)-1) == 0, "counters");
	make_workers();
	activate.counters = world.counters.counters;
	world.activate = activate_new(&activate);
	need(world.activate, "activation");
	activate_watch(world.activate, world.workers.classifiers);
	world.now_ns = world.started_ns = FIRST_NS;
	for (uint16_t i = 0; i < WORLD_WORKERS; i++)
		world.workers.list[i]->now_ns = FIRST_NS;
}

void world_close(void)
{
	/* modules before the classifiers whose arena they use */
	activate_free(world.activate);
	assignment_free(world.assignment);
	world.assignment = NULL;
	handoff_close(&world.handoff);
	workers_close(&world.workers);
	counterfile_close(&world.counters);
}
