/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/ports.c */
/* A link that goes and comes back: who is told, and what the device is told anew. The device is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eal.h"
#include "environment.h"
#include "ports.h"

/* What the device has, and what ethdev remembers that it told it. */
static struct {
	int link_error;
	bool link, promiscuous, all, promiscuous_told, all_told;
} device;

int rte_eth_dev_start(uint16_t port)
{
	(void)port;
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
	return false;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_link_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modes_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_at_the_start, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
