/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/ports.c dataplane/interrupts.c dataplane/wait.c */
/* A link that goes and comes back: who is told, and what the device is told anew. A device that does not take receive interrupts opens
 * without. The device is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "eal.h"
#include "environment.h"
#include "interrupts.h"
#include "ports.h"

/* What the device has, and what ethdev remembers that it told it. */
static struct {
	int link_error;
	bool link, promiscuous, all, promiscuous_told, all_told;
	bool pci, rxq;                               /* as configured */
	bool refuses_to_configure, refuses_to_start; /* with interrupts */
	bool dead;                                   /* and without */
	unsigned int configured, queues;             /* times it was told */
	int interrupt;                               /* a queue's descriptor */
	int armed;
} device;

int rte_dev_probe(const char *device_arguments)
{
	(void)device_arguments;
	return 0;
}

int rte_eth_dev_get_port_by_name(const char *name, uint16_t *port)
{
	(void)name;
	*port = 0;
	return 0;
}

int rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info)
{
	(void)port;
	*info = (struct rte_eth_dev_info){ .driver_name = "net_played",
					   .max_rx_queues = 1,
					   .max_tx_queues = 1 };
	return 0;
}

int rte_eth_dev_configure(uint16_t port, uint16_t rx, uint16_t tx, const struct rte_eth_conf *conf)
{
	(void)port;
	(void)rx;
	(void)tx;
	assert_false(conf->intr_conf.lsc);
	device.configured++;
	device.rxq = conf->intr_conf.rxq;
	return device.rxq && device.refuses_to_configure ? -EINVAL : 0;
}

int rte_eth_dev_adjust_nb_rx_tx_desc(uint16_t port, uint16_t *rx, uint16_t *tx)
{
	(void)port;
	(void)rx;
	(void)tx;
	return 0;
}

int rte_eth_dev_set_mtu(uint16_t port, uint16_t mtu)
{
	(void)port;
	(void)mtu;
	return 0;
}

int rte_eth_macaddr_get(uint16_t port, struct rte_ether_addr *mac)
{
	(void)port;
	memset(mac, 2, sizeof(*mac));
	return 0;
}

int rte_eth_dev_socket_id(uint16_t port)
{
	(void)port;
	return 0;
}

int rte_eth_rx_queue_setup(uint16_t port, uint16_t queue, uint16_t descriptors, unsigned int socket,
			   const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	(void)port;
	(void)queue;
	(void)descriptors;
	(void)socket;
	(void)conf;
	assert_non_null(pool);
	device.queues++;
	return 0;
}

int rte_eth_tx_queue_setup(uint16_t port, uint16_t queue, uint16_t descriptors, unsigned int socket,
			   const struct rte_eth_txconf *conf)
{
	(void)port;
	(void)queue;
	(void)descriptors;
	(void)socket;
	(void)conf;
	return 0;
}

int rte_eth_dev_start(uint16_t port)
{
	(void)port;
	return device.dead || (device.rxq && device.refuses_to_start) ? -EIO : 0;
}

int rte_eth_dev_stop(uint16_t port)
{
	(void)port;
	return 0;
}

int rte_eth_dev_close(uint16_t port)
{
	(void)port;
	return 0;
}

int rte_eth_dev_rx_intr_ctl_q_get_fd(uint16_t port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return device.interrupt;
}

int rte_eth_dev_rx_intr_enable(uint16_t port, uint16_t queue)
{
	(void)port;
	(void)queue;
	device.armed++;
	return 0;
}

int rte_eth_dev_rx_intr_disable(uint16_t port, uint16_t queue)
{
	(void)port;
	(void)queue;
	device.armed--;
	return 0;
}

int rte_eth_link_get_nowait(uint16_t port, struct rte_eth_link *link)
{
	(void)port;
	*link = (struct rte_eth_link){ .link_status = device.link };
	return device.link_error;
}

/* As ethdev does: a mode that is remembered is not set again. */
int rte_eth_promiscuous_enable(uint16_t port)
{
	(void)port;
	if (!device.promiscuous_told)
		device.promiscuous_told = device.promiscuous = true;
	return 0;
}

int rte_eth_promiscuous_disable(uint16_t port)
{
	(void)port;
	device.promiscuous_told = device.promiscuous = false;
	return 0;
}

int rte_eth_promiscuous_get(uint16_t port)
{
	(void)port;
	return device.promiscuous_told;
}

int rte_eth_allmulticast_enable(uint16_t port)
{
	(void)port;
	if (!device.all_told)
		device.all_told = device.all = true;
	return 0;
}

int rte_eth_allmulticast_disable(uint16_t port)
{
	(void)port;
	device.all_told = device.all = false;
	return 0;
}

int rte_eth_allmulticast_get(uint16_t port)
{
	(void)port;
	return device.all_told;
}

int rte_eth_stats_get(uint16_t port, struct rte_eth_stats *stats)
{
	(void)port;
	(void)stats;
	return -ENOTSUP;
}

bool environment_is_pci(const char *name)
{
	(void)name;
	return device.pci;
}

void log_line(int priority, const char *format, ...)
{
	(void)priority;
	(void)format;
}

static enum bh_notice_kind told[8];
static unsigned int told_count;

static void tell(void *opaque, enum bh_notice_kind kind, const char *text)
{
	(void)opaque;
	(void)text;
	told[told_count++ % RTE_DIM(told)] = kind;
}

static struct ports ports;

static int setup(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	memset(&ports, 0, sizeof(ports));
	told_count = 0;
	ports.count = 1;
	ports.notice = tell;
	ports.counters = calloc(1, sizeof(*ports.counters));
	ports.ports[0].promiscuous = true;
	return ports.counters ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(ports.counters);
	return 0;
}

static void test_link_comes_back(void **state)
{
	struct tx_port list[1];

	(void)state;
	device.link = true;
	assert_int_equal(ports_start(&ports), 0);
	ports.ports[0].tx_queues = 1;
	ports_transmit(&ports, 0, list);
	assert_ptr_equal(list[0].up, &ports.ports[0].up);
	assert_true(ports.ports[0].up);
	assert_true(ports.counters->ports[0].up);
	assert_true(device.promiscuous && device.all);
	ports_watch_links(&ports);
	assert_int_equal(told_count, 0);

	device.link = false;
	ports_watch_links(&ports);
	ports_watch_links(&ports);
	assert_false(ports.ports[0].up);
	assert_false(ports.counters->ports[0].up);
	assert_int_equal(told_count, 1);
	assert_int_equal(told[0], BH_NOTICE_LINK_DOWN);

	/* while it was away it forgot; ethdev did not */
	device.promiscuous = device.all = false;
	ports_watch(&ports);
	assert_false(device.promiscuous || device.all);
	device.link = true;
	ports_watch_links(&ports);
	assert_true(device.promiscuous && device.all);
	assert_true(ports.ports[0].up);
	assert_int_equal(told_count, 2);
	assert_int_equal(told[1], BH_NOTICE_LINK_UP);
}

/* A driver that forgets by itself is told again within a second. */
static void test_modes_are_kept(void **state)
{
	(void)state;
	device.link = true;
	assert_int_equal(ports_start(&ports), 0);
	rte_eth_promiscuous_disable(0);
	rte_eth_allmulticast_disable(0);
	ports_watch(&ports);
	assert_true(device.promiscuous && device.all);
	/* promiscuous=0: the mode is nobody's business but the administrator's */
	ports.ports[0].promiscuous = false;
	rte_eth_promiscuous_disable(0);
	ports_watch(&ports);
	device.link = false;
	ports_watch_links(&ports);
	device.link = true;
	ports_watch_links(&ports);
	assert_false(device.promiscuous);
	assert_true(device.all);
}

/* Frames go to a device that does not know of links; and one that begins without a link is not sent to. */
static void test_link_at_the_start(void **state)
{
	(void)state;
	device.link_error = -ENOTSUP;
	assert_int_equal(ports_start(&ports), 0);
	assert_true(ports.ports[0].up);
	device.link_error = 0;
	assert_int_equal(ports_start(&ports), 0);
	assert_false(ports.ports[0].up);
}

/* ---- receive interrupts ---- */

static int open_and_start(bool wanted)
{
	const struct option_port option = { .name = "trunk", .device = "0000:0b:00.0", .mtu = 1500 };
	const struct port_need need = {
		.ports = &option, .count = 1, .workers = 1, .mbufs = 2048, .interrupts = wanted
	};
	int error;

	eal_start();
	device.pci = device.link = true;
	ports.count = 0;
	error = ports_open(&ports, &need);
	if (!error)
		error = ports_start(&ports);
	return error;
}

/* The pools stay until EAL ends, which here serves several tests. */
static void shut(void)
{
	ports_close(&ports);
	assert_null(ports.setups);
	rte_mempool_free(ports.pools[0]);
	rte_mempool_free(ports.copies);
}

static void test_interrupts_are_taken(void **state)
{
	struct waiter waiter;

	(void)state;
	device.interrupt = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(wait_open(&waiter), 0);
	assert_int_equal(open_and_start(true), 0);
	assert_true(device.rxq);
	assert_int_equal(device.configured, 1);
	assert_int_equal(interrupts_add(&ports.ports[0], 0, &waiter), 0);
	/* tried, and not left armed */
	assert_int_equal(device.armed, 0);
	interrupt_arm(&ports.ports[0], 0, true);
	assert_int_equal(device.armed, 1);
	assert_int_equal(eventfd_write(device.interrupt, 1), 0);
	assert_true(wait_sleep(&waiter, 5000));
	interrupt_arm(&ports.ports[0], 0, false);
	assert_int_equal(device.armed, 0);
	shut();
	wait_close(&waiter);
	close(device.interrupt);
}

static void test_interrupts_are_refused(void **state)
{
	(void)state;
	device.refuses_to_configure = true;
	assert_int_equal(open_and_start(true), 0);
	assert_false(device.rxq || ports.ports[0].interrupts);
	assert_int_equal(device.configured, 2);
	assert_int_equal(device.queues, 1);
	shut();
}

static void test_interrupts_fail_at_the_start(void **state)
{
	struct waiter waiter;

	(void)state;
	assert_int_equal(wait_open(&waiter), 0);
	device.refuses_to_start = true;
	assert_int_equal(open_and_start(true), 0);
	assert_false(device.rxq || ports.ports[0].interrupts);
	/* all of it once more, as ethdev wants it */
	assert_int_equal(device.configured, 2);
	assert_int_equal(device.queues, 2);
	assert_int_equal(interrupts_add(&ports.ports[0], 0, &waiter), -ENOTSUP);
	interrupt_arm(&ports.ports[0], 0, true);
	assert_int_equal(device.armed, 0);
	shut();
	/* a device that does not start at all still does not */
	device.dead = true;
	assert_int_equal(open_and_start(true), -EIO);
	shut();
	wait_close(&waiter);
}

/* Not asked for; a driver without vectors; a descriptor that is neither an eventfd nor a tap. None is armed. */
static void test_no_interrupts(void **state)
{
	struct waiter waiter;

	(void)state;
	assert_int_equal(wait_open(&waiter), 0);
	assert_int_equal(open_and_start(false), 0);
	assert_false(device.rxq);
	assert_int_equal(interrupts_add(&ports.ports[0], 0, &waiter), -ENOTSUP);
	shut();
	device.interrupt = -EPERM;
	assert_int_equal(open_and_start(true), 0);
	assert_int_equal(interrupts_add(&ports.ports[0], 0, &waiter), -ENOTSUP);
	device.interrupt = STDIN_FILENO;
	assert_int_equal(interrupts_add(&ports.ports[0], 0, &waiter), -ENOTSUP);
	assert_false(ports.ports[0].arms);
	shut();
	wait_close(&waiter);
	device.pci = false;
	assert_false(interrupts_wanted("net_memif0", "net_memif"));
	assert_true(interrupts_wanted("net_tap0,iface=x", "net_tap"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_link_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modes_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_at_the_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupts_are_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupts_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupts_fail_at_the_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_interrupts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
