/* SPDX-License-Identifier: BSD-3-Clause */
#include "ports.h"

#include <errno.h>
#include <inttypes.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "frame.h"
#include "interrupts.h"

/* What one port asks of its device. */
struct port_setup {
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	uint16_t rx_descriptors, tx_descriptors;
	struct rte_mempool *pool;
};

uint16_t port_receive(const struct port *port, uint16_t index, uint16_t queue, struct rte_mbuf **frames,
		      uint16_t count)
{
	uint16_t received = rte_eth_rx_burst(port->id, queue, frames, count);

	if (unlikely(port->id != index))
		for (uint16_t i = 0; i < received; i++)
			frames[i]->port = index;
	return received;
}

uint16_t port_send(void *opaque __rte_unused, uint16_t port, uint16_t queue, struct rte_mbuf **frames,
		   uint16_t count)
{
	return rte_eth_tx_burst(port, queue, frames, count);
}

/* ---- probing ---- */

static int probe(struct port *port)
{
	char name[RTE_ETH_NAME_MAX_LEN];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(port->device, ","), port->device);
	if (strncmp(name, "net_tap", strlen("net_tap")) == 0)
		interrupts_prepare();
	/* PCI devices were probed by EAL, which was given their list */
	if (!environment_is_pci(port->device) && rte_dev_probe(port->device) < 0) {
		log_line(LOG_ERR, "port %s: device `%s' can not be opened (the lines above say why)",
			 port->name, port->device);
		return -ENODEV;
	}
	if (rte_eth_dev_get_port_by_name(name, &port->id) == 0)
		return 0;
	/* a PCI address may be written without its domain */
	snprintf(name, sizeof(name), "0000:%.*s", (int)strcspn(port->device, ","), port->device);
	if (rte_eth_dev_get_port_by_name(name, &port->id) == 0)
		return 0;
	log_line(LOG_ERR,
		 "port %s: there is no device `%s', or it is not bound to a driver that DPDK can use",
		 port->name, port->device);
	return -ENODEV;
}

/* ---- queues and offloads ---- */

/* Drivers whose queues are part of the device as it was made: all must be read, or their frames are lost. */
static bool queues_are_given(const char *driver)
{
	static const char *const drivers[] = { "net_af_packet", "net_af_xdp", "net_pcap", "net_ring" };

	for (unsigned int i = 0; i < RTE_DIM(drivers); i++)
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	return false;
}

static void choose_queues(struct port *port, struct port_setup *s, uint16_t asked, uint16_t workers)
{
	uint16_t rx = RTE_MIN(asked ? asked : workers, s->info.max_rx_queues);

	if (queues_are_given(s->info.driver_name))
		rx = s->info.max_rx_queues;
	/* vmxnet3 before device version 6 takes powers of two only */
	if (strcmp(s->info.driver_name, "net_vmxnet3") == 0)
		while (rx & (rx - 1))
			rx &= (uint16_t)(rx - 1);
	port->rx_queues = RTE_MAX(rx, 1);
	port->tx_queues = RTE_MAX(RTE_MIN(workers, s->info.max_tx_queues), 1);
	/* it takes no other number */
	if (strcmp(s->info.driver_name, "net_tap") == 0)
		port->tx_queues = port->rx_queues;
}

/* A device takes a key of its own length; what ours has not, no input reaches. */
static bool has_room_for_key(const struct port_setup *s)
{
	return s->info.hash_key_size >= OWNER_KEY_LEAST && s->info.hash_key_size <= OWNER_KEY_SIZE;
}

/* With one queue RSS stays off: ESXi 8 refuses the combination. A key that looks at ports must not see them: fragments have none. */
static void choose_rss(struct port *port, struct port_setup *s, const struct option_port *asked,
		       const struct owners *owners)
{
	uint64_t wanted = RTE_ETH_RSS_IP, table = s->info.reta_size;

	if (port->rx_queues == 1 || !owners)
		return;
	/* told: it was set up by other means */
	port->spread = asked->rss;
	if (owners->blind)
		wanted |= RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
	wanted &= s->info.flow_type_rss_offloads;
	if (!wanted)
		return;
	s->conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	s->conf.rx_adv_conf.rss_conf.rss_hf = wanted;
	if (!has_room_for_key(s))
		return;
	/* vmxnet3 reads it at the start, through the pointer that ethdev has kept */
	s->conf.rx_adv_conf.rss_conf.rss_key = (uint8_t *)(uintptr_t)owners->key;
	s->conf.rx_adv_conf.rss_conf.rss_key_len = s->info.hash_key_size;
	/* A table of another size is not looked up by the last bits; and with a number of queues that is no power of two, a smaller table than
	 * the owners' deals them out otherwise. */
	port->spread |=
		rte_is_power_of_2(table) && (table >= OWNER_BUCKETS || rte_is_power_of_2(port->rx_queues));
	port->reta_size = port->spread ? (uint16_t)table : 0;
}

/* Offloads of vdevs are done in software, in the driver: then better not at all, or here. */
static void choose_offloads(struct port *port, struct port_setup *s)
{
	const uint64_t l4 = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	uint64_t rx = s->info.rx_offload_capa, tx = s->info.tx_offload_capa;
	bool hardware = environment_is_pci(port->device);

	if (hardware && strcmp(s->info.driver_name, "net_virtio") != 0)
		port->strip = port->insert =
			(rx & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) && (tx & RTE_ETH_TX_OFFLOAD_VLAN_INSERT);
	if (port->strip) {
		s->conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
		s->conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
	}
	if (hardware)
		s->conf.rxmode.offloads |= rx & RTE_ETH_RX_OFFLOAD_CHECKSUM;
	port->checksums = hardware && (tx & l4) == l4;
	if (port->checksums)
		s->conf.txmode.offloads |= l4;
	s->conf.txmode.offloads |= tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
}

/* ---- configuring ---- */

/* The MTU before the start: vmxnet3 restarts for it, and forgets promiscuous mode. Not every vdev has one. */
static int set_mtu(const struct port *port)
{
	int error = rte_eth_dev_set_mtu(port->id, port->mtu);

	if (error && error != -ENOTSUP)
		log_line(LOG_ERR, "port %s: MTU %u: %s", port->name, port->mtu, rte_strerror(-error));
	return error == -ENOTSUP ? 0 : error;
}

/* With receive interrupts, if wanted; a driver that refuses the configuration for them gets it without. */
static int configure_device(struct port *port, struct port_setup *s)
{
	int error = rte_eth_dev_configure(port->id, port->rx_queues, port->tx_queues, &s->conf);

	if (error && s->conf.intr_conf.rxq) {
		s->conf.intr_conf.rxq = 0;
		error = rte_eth_dev_configure(port->id, port->rx_queues, port->tx_queues, &s->conf);
	}
	port->interrupts = s->conf.intr_conf.rxq;
	return error;
}

static int configure(struct port *port, struct port_setup *s, const struct option_port *asked,
		     const struct port_need *need)
{
	int error = rte_eth_dev_info_get(port->id, &s->info);

	if (error)
		return error;
	choose_queues(port, s, asked->queues, need->workers);
	if (port->rx_queues > BH_MAX_WORKERS) {
		log_line(LOG_ERR, "port %s: the device was made with %u queues; %u are the most", port->name,
			 port->rx_queues, BH_MAX_WORKERS);
		return -E2BIG;
	}
	choose_rss(port, s, asked, need->owners);
	choose_offloads(port, s);
	s->conf.rxmode.mtu = port->mtu;
	s->conf.intr_conf.rxq = need->interrupts && interrupts_wanted(port->device, s->info.driver_name);
	error = configure_device(port, s);
	if (error) {
		log_line(LOG_ERR, "port %s: %u+%u queues with MTU %u: %s", port->name, port->rx_queues,
			 port->tx_queues, port->mtu, rte_strerror(-error));
		return error;
	}
	/* bursts of a hypervisor's switch meet a big ring better than a small one */
	s->rx_descriptors = strcmp(s->info.driver_name, "net_vmxnet3") == 0 ? 4096 : 1024;
	s->tx_descriptors = 1024;
	error = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &s->rx_descriptors, &s->tx_descriptors);
	if (error)
		return error;
	return set_mtu(port);
}

static int set_queues(const struct port *port, const struct port_setup *s)
{
	int socket = rte_eth_dev_socket_id(port->id), error = 0;
	struct rte_eth_rxconf rx = s->info.default_rxconf;
	struct rte_eth_txconf tx = s->info.default_txconf;

	rx.offloads = s->conf.rxmode.offloads;
	tx.offloads = s->conf.txmode.offloads;
	for (uint16_t q = 0; q < port->rx_queues && !error; q++)
		error = rte_eth_rx_queue_setup(port->id, q, s->rx_descriptors, (unsigned int)socket, &rx,
					       s->pool);
	for (uint16_t q = 0; q < port->tx_queues && !error; q++)
		error = rte_eth_tx_queue_setup(port->id, q, s->tx_descriptors, (unsigned int)socket, &tx);
	if (error)
		log_line(LOG_ERR, "port %s: queues: %s", port->name, rte_strerror(-error));
	return error;
}

/* ---- pools ---- */

static uint16_t data_room(const struct ports *ports, const struct port_need *need)
{
	uint32_t room = RTE_MAX(need->room, (uint32_t)RTE_MBUF_DEFAULT_DATAROOM);

	/* header, two tags and the checksum that some devices count in */
	for (uint16_t i = 0; i < ports->count; i++)
		if (ports->ports[i].mtu + 26u > room)
			room = RTE_MAX(9728u, ports->ports[i].mtu + 26u);
	return (uint16_t)RTE_MIN(room + RTE_PKTMBUF_HEADROOM, (uint32_t)UINT16_MAX);
}

/* Without huge pages DPDK would give each buffer a page of its own, so that a contiguous piece of it is one in physical memory too;
 * but then no device asks for that: addresses of devices are virtual ones. Headers at one offset of every page would all want the
 * same few lines of the first-level cache. */
static struct rte_mempool *create_pool(const char *name, uint32_t count, uint16_t room, int socket)
{
	uint32_t cache = RTE_MIN(count / 16, 256u),
		 size = sizeof(struct rte_mbuf) + FRAME_PRIVATE_SIZE + room;
	uint32_t flags = rte_eal_has_hugepages() ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG;
	struct rte_pktmbuf_pool_private private = { .mbuf_data_room_size = room,
						    .mbuf_priv_size = FRAME_PRIVATE_SIZE };
	struct rte_mempool *pool =
		rte_mempool_create_empty(name, count, size, cache, sizeof(private), socket, flags);

	if (!pool)
		return NULL;
	rte_pktmbuf_pool_init(pool, &private);
	if (rte_mempool_populate_default(pool) < 0) {
		rte_mempool_free(pool);
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

static struct rte_mempool *new_pool(const char *name, uint32_t count, uint16_t room, int socket)
{
	struct rte_mempool *pool = create_pool(name, count, room, socket);

	/* a node may have no memory of its own */
	if (!pool && socket != SOCKET_ID_ANY)
		pool = create_pool(name, count, room, SOCKET_ID_ANY);
	if (!pool)
		log_line(LOG_ERR, "no memory for %u frame buffers of %u bytes: %s", count, room,
			 rte_strerror(rte_errno));
	return pool;
}

static unsigned int pool_slot(const struct ports *ports, const struct port *port)
{
	int socket = rte_eth_dev_socket_id(port->id);

	return socket < 0 || (unsigned int)socket >= RTE_DIM(ports->pools) ? 0 : (unsigned int)socket;
}

/* Buffers that the receive rings alone keep, with a burst and a cache for each worker. Fewer would stop the ports. */
static int check_mbufs(const struct ports *ports, const struct port_need *need)
{
	uint64_t least = need->workers * 512u;

	for (uint16_t i = 0; i < ports->count; i++)
		least += (uint64_t)ports->ports[i].rx_queues * ports->setups[i].rx_descriptors;
	if (need->mbufs >= least)
		return 0;
	log_line(LOG_ERR, "--mbufs %u: these ports and workers need at least %" PRIu64, need->mbufs, least);
	return -ENOBUFS;
}

static int make_pools(struct ports *ports, const struct port_need *need)
{
	uint16_t room = data_room(ports, need);
	unsigned int sockets = 0;
	bool used[RTE_DIM(ports->pools)] = { false };

	for (uint16_t i = 0; i < ports->count; i++)
		used[pool_slot(ports, &ports->ports[i])] = true;
	for (unsigned int s = 0; s < RTE_DIM(used); s++)
		sockets += used[s];
	for (unsigned int s = 0; s < RTE_DIM(used); s++) {
		char name[RTE_MEMPOOL_NAMESIZE];

		if (!used[s])
			continue;
		snprintf(name, sizeof(name), "frames%u", s);
		ports->pools[s] = new_pool(name, need->mbufs / sockets, room, (int)s);
		if (!ports->pools[s])
			return -ENOMEM;
	}
	ports->copies =
		new_pool("copies", RTE_MAX(need->mbufs / 4, 1024u), RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return ports->copies ? 0 : -ENOMEM;
}

/* ---- opening and closing ---- */

static void publish_port(const struct ports *ports, uint16_t index)
{
	const struct port *port = &ports->ports[index];
	struct bh_port_info *info = &ports->counters->ports[index];

	snprintf(info->name, sizeof(info->name), "%s", port->name);
	snprintf(info->device, sizeof(info->device), "%.*s", BH_NAME_MAX, port->device);
	memcpy(info->mac, port->mac.addr_bytes, sizeof(info->mac));
	info->rx_queues = port->rx_queues;
	info->tx_queues = port->tx_queues;
	info->mtu = port->mtu;
	info->used = 1;
}

int ports_open(struct ports *ports, const struct port_need *need)
{
	int error;

	ports->setups = calloc(need->count, sizeof(*ports->setups));
	if (!ports->setups)
		return -ENOMEM;
	for (uint16_t i = 0; i < need->count; i++) {
		struct port *port = &ports->ports[i];

		snprintf(port->name, sizeof(port->name), "%s", need->ports[i].name);
		snprintf(port->device, sizeof(port->device), "%s", need->ports[i].device);
		port->mtu = need->ports[i].mtu;
		port->promiscuous = need->ports[i].promiscuous;
		error = probe(port);
		if (error)
			return error;
		ports->count++; /* to be closed */
		error = configure(port, &ports->setups[i], &need->ports[i], need);
		if (error)
			return error;
		rte_eth_macaddr_get(port->id, &port->mac);
	}
	error = check_mbufs(ports, need);
	if (!error)
		error = make_pools(ports, need);
	for (uint16_t i = 0; i < ports->count && !error; i++) {
		ports->setups[i].pool = ports->pools[pool_slot(ports, &ports->ports[i])];
		error = set_queues(&ports->ports[i], &ports->setups[i]);
		publish_port(ports, i);
	}
	ports->counters->port_count = ports->count;
	return error;
}

/* A device that can not tell is taken to be there. */
static bool link_is_up(const struct port *port)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(port->id, &link) != 0 || link.link_status;
}

/* A bridge must see what is for others. Devices that have no such mode see all anyway. */
static void assert_modes(const struct port *port)
{
	if (port->promiscuous && rte_eth_promiscuous_get(port->id) == 0)
		if (rte_eth_promiscuous_enable(port->id) == -EIO)
			log_line(LOG_WARNING, "port %s: promiscuous mode was refused", port->name);
	if (rte_eth_allmulticast_get(port->id) == 0)
		rte_eth_allmulticast_enable(port->id);
}

/* A device that was away may have forgotten what ethdev remembers, and then would not tell it again. */
static void assert_modes_anew(const struct port *port)
{
	if (port->promiscuous)
		rte_eth_promiscuous_disable(port->id);
	rte_eth_allmulticast_disable(port->id);
	assert_modes(port);
}

/* Some drivers find out only here that interrupts can not be had: then without. */
static int start_device(struct port *port, struct port_setup *s)
{
	int error = rte_eth_dev_start(port->id);

	if (!error || !port->interrupts)
		return error;
	s->conf.intr_conf.rxq = 0;
	error = configure_device(port, s);
	if (!error)
		error = set_mtu(port);
	if (!error)
		error = set_queues(port, s);
	return error ? error : rte_eth_dev_start(port->id);
}

/* Index i on queue i mod rx_queues, which is what nearly every device begins with; with several sizes of table, as the
 * owners' table has it. Without the right to write it we rely on that. */
static void fill_table(const struct port *port)
{
	struct rte_eth_rss_reta_entry64 table[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE] = { 0 };
	int error;

	if (!port->reta_size || port->reta_size > RTE_ETH_RSS_RETA_SIZE_512)
		return;
	for (uint16_t i = 0; i < port->reta_size; i++) {
		struct rte_eth_rss_reta_entry64 *group = &table[i / RTE_ETH_RETA_GROUP_SIZE];

		group->mask |= 1ull << i % RTE_ETH_RETA_GROUP_SIZE;
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = (uint16_t)(i % OWNER_BUCKETS % port->rx_queues);
	}
	error = rte_eth_dev_rss_reta_update(port->id, table, port->reta_size);
	if (error && error != -ENOTSUP)
		log_line(
			LOG_WARNING,
			"port %s: the table of its receive queues can not be written (%s): frames may change "
			"hands",
			port->name, rte_strerror(-error));
}

int ports_start(struct ports *ports)
{
	for (uint16_t i = 0; i < ports->count; i++) {
		struct port *port = &ports->ports[i];
		int error = start_device(port, &ports->setups[i]);

		if (error) {
			log_line(LOG_ERR, "port %s does not start: %s", port->name, rte_strerror(-error));
			return error;
		}
		port->started = true;
		fill_table(port);
		assert_modes(port);
		port->up = link_is_up(port);
		ports->counters->ports[i].up = port->up;
		log_line(LOG_INFO, "port %s: %s, " RTE_ETHER_ADDR_PRT_FMT ", %u+%u queues, MTU %u%s%s%s",
			 port->name, port->device, RTE_ETHER_ADDR_BYTES(&port->mac), port->rx_queues,
			 port->tx_queues, port->mtu, port->strip ? ", tags by the device" : "",
			 port->spread ? ", a flow stays on its queue" : "",
			 port->up ? "" : ", its link is down");
	}
	return 0;
}

void ports_close(struct ports *ports)
{
	for (uint16_t i = 0; i < ports->count; i++) {
		struct port *port = &ports->ports[i];

		if (port->started)
			rte_eth_dev_stop(port->id);
		port->started = false;
		rte_eth_dev_close(port->id);
	}
	free(ports->setups);
	ports->setups = NULL;
	ports->count = 0;
}

/* ---- watching ---- */

static void watch_link(struct ports *ports, uint16_t index)
{
	struct port *port = &ports->ports[index];
	bool up = link_is_up(port);
	char text[128];

	if (port->up == up)
		return;
	if (up)
		assert_modes_anew(port);
	port->up = up;
	ports->counters->ports[index].up = port->up;
	snprintf(text, sizeof(text), "port %s: link is %s", port->name, port->up ? "up" : "down");
	ports->notice(ports->opaque, port->up ? BH_NOTICE_LINK_UP : BH_NOTICE_LINK_DOWN, text);
}

void ports_watch_links(struct ports *ports)
{
	for (uint16_t i = 0; i < ports->count; i++)
		watch_link(ports, i);
}

void ports_watch(struct ports *ports)
{
	for (uint16_t i = 0; i < ports->count; i++) {
		struct rte_eth_stats stats;

		/* vmxnet3 forgets both modes when it is reset */
		assert_modes(&ports->ports[i]);
		if (rte_eth_stats_get(ports->ports[i].id, &stats) == 0)
			ports->counters->ports[i].missed = stats.imissed + stats.rx_nombuf + stats.ierrors;
	}
}

void ports_transmit(const struct ports *ports, uint16_t worker, struct tx_port *list)
{
	for (uint16_t i = 0; i < ports->count; i++) {
		const struct port *port = &ports->ports[i];

		list[i] = (struct tx_port){
			.burst = port_send,
			.id = port->id,
			.queue = worker % port->tx_queues,
			.max_frame = tx_max_frame(port->mtu),
			.insert = port->insert,
			.checksums = port->checksums,
			.prepare = port->checksums,
			.up = &port->up,
		};
	}
}
