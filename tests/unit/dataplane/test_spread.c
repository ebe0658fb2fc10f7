/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/ports.c dataplane/interrupts.c dataplane/wait.c dataplane/owner.c */
/* What a device with RSS is told: the owners' key, and a table by which index i is worker i's. The device is DPDK's net_null, which
 * remembers what it was told. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eal.h"
#include "environment.h"
#include "flow.h"
#include "ports.h"

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

/* net_null takes a key but does not say how long one. */
static uint8_t key_size = OWNER_KEY_LEAST;

int rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info)
{
	static int (*real)(uint16_t, struct rte_eth_dev_info *);
	int error;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "rte_eth_dev_info_get");
	error = real(port, info);
	info->hash_key_size = key_size;
	return error;
}

static struct ports ports;
static struct owners owners;

/* One port, opened and started. */
static void open_port(uint16_t workers, uint16_t queues, uint16_t rss)
{
	static const uint64_t secret[2] = { 3, 4 };
	static unsigned int opened; /* one that was closed does not come back */
	struct option_port asked = { .name = "a", .mtu = 1500, .queues = queues, .rss = rss };
	struct port_need need = {
		.ports = &asked, .count = 1, .workers = workers, .owners = &owners, .mbufs = 8191
	};

	snprintf(asked.device, sizeof(asked.device), "net_null%u", opened++);
	owners_init(&owners, workers, secret, rss);
	memset(&ports, 0, sizeof(ports));
	ports.counters = calloc(1, sizeof(*ports.counters));
	assert_non_null(ports.counters);
	assert_int_equal(ports_open(&ports, &need), 0);
	assert_int_equal(ports_start(&ports), 0);
	assert_int_equal(ports.ports[0].rx_queues, queues);
}

static void close_port(void)
{
	ports_close(&ports);
	for (unsigned int i = 0; i < RTE_DIM(ports.pools); i++)
		rte_mempool_free(ports.pools[i]);
	rte_mempool_free(ports.copies);
	free(ports.counters);
}

static void assert_told(uint16_t queues)
{
	struct rte_eth_rss_reta_entry64 table[2] = { { .mask = UINT64_MAX }, { .mask = UINT64_MAX } };
	struct rte_eth_conf conf;

	assert_true(ports.ports[0].spread);
	assert_int_equal(rte_eth_dev_conf_get(ports.ports[0].id, &conf), 0);
	assert_int_equal(conf.rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
	/* it must outlive ports_open() */
	assert_ptr_equal(conf.rx_adv_conf.rss_conf.rss_key, owners.key);
	assert_int_equal(conf.rx_adv_conf.rss_conf.rss_key_len, OWNER_KEY_LEAST);
	assert_int_equal(rte_eth_dev_rss_reta_query(ports.ports[0].id, table, 128), 0);
	for (uint16_t i = 0; i < 128; i++)
		assert_int_equal(table[i / 64].reta[i % 64], i % queues);
}

static void test_device_is_told(void **state)
{
	(void)state;

	for (uint16_t workers = 2; workers <= 4; workers++) {
		open_port(workers, workers, 0);
		assert_told(workers);
		close_port();
	}
}

/* With one queue nothing is asked of the device. */
static void test_one_queue(void **state)
{
	(void)state;

	open_port(2, 1, 0);
	assert_false(ports.ports[0].spread);
	assert_int_equal(ports.ports[0].reta_size, 0);
	close_port();
}

/* A key that can not be told is unknown: frames may change hands, and no table is written. */
static void test_key_of_the_device(void **state)
{
	(void)state;

	key_size = 16;
	open_port(2, 2, 0);
	assert_false(ports.ports[0].spread);
	assert_int_equal(ports.ports[0].reta_size, 0);
	close_port();
	key_size = OWNER_KEY_LEAST;
}

/* The key that an administrator told is the key of a device that we set up as well; such a key is kept away from ports. */
static void test_told_key(void **state)
{
	struct rte_eth_conf conf;

	(void)state;
	open_port(2, 2, 0x6d5a);
	assert_told(2);
	assert_int_equal(rte_eth_dev_conf_get(ports.ports[0].id, &conf), 0);
	assert_int_equal(conf.rx_adv_conf.rss_conf.rss_hf & (RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP), 0);
	close_port();
}

/* The drivers, before EAL looks for its buses. */
static int setup(void **state)
{
	static const char *const drivers[] = { "bus_vdev", "net_null" };
	const char *version = strrchr(RTE_EAL_PMD_PATH, '-');
	char path[256];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(drivers); i++) {
		snprintf(path, sizeof(path), "%s/librte_%s.so.%s", RTE_EAL_PMD_PATH, drivers[i],
			 version ? version + 1 : "");
		if (!dlopen(path, RTLD_NOW | RTLD_GLOBAL)) {
			fprintf(stderr, "%s\n", dlerror());
			return -1;
		}
	}
	eal_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_is_told),
		cmocka_unit_test(test_one_queue),
		cmocka_unit_test(test_key_of_the_device),
		cmocka_unit_test(test_told_key),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
