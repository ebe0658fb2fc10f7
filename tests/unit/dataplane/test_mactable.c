/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/segment.c dataplane/assignment.c dataplane/guard.c dataplane/bindings.c dataplane/notice.c */
/* needs: dataplane/layer2.c dataplane/echoes.c dataplane/protocol.c dataplane/mactable.c dataplane/learn.c dataplane/place.c */
/* needs: dataplane/store.c dataplane/addresses.c dataplane/rates.c dataplane/parse.c dataplane/parse_quick.c dataplane/parse_ip4.c */
/* needs: dataplane/parse_ip6.c dataplane/parse_l4.c dataplane/parse_icmp.c dataplane/checksum.c */
/* The MAC table: decisions, ageing to the nanosecond, bounds, two workers, readers beside the writer. */
#include <pthread.h>

#include "layer2_world.h"
#include "store.h"

static struct rte_ether_addr mac_of(uint32_t n)
{
	return (struct rte_ether_addr){ { 2, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
					  (uint8_t)n } };
}

static enum place_verdict see(unsigned int worker, uint32_t n, uint16_t segment, bool announce)
{
	struct worker *w = world.w[worker];
	struct sighting s = { .now_ns = w->now_ns,
			      .mac = mac_of(n),
			      .network = SHOP,
			      .segment = segment,
			      .announce = announce };

	return mac_table_see(w, &s);
}

static const struct mac_entry *entry(uint32_t n)
{
	struct rte_ether_addr mac = mac_of(n);

	return mac_find(world.w[0]->macs, SHOP, &mac);
}

static void after(uint64_t ns)
{
	world_time(world.w[0]->now_ns + ns);
}

/* ---- the decision ---- */

static const struct place_room free_room = { .bound = SEGMENT_NONE };

static enum place_verdict decide(const struct place *known, uint64_t now, uint16_t segment, bool announce)
{
	struct sighting s = { .now_ns = now, .segment = segment, .announce = announce };

	return place_decide(known, &s, &free_room);
}

static void test_decisions(void **state)
{
	struct place p = { .last_ns = START, .segment = WEB, .home = SEGMENT_NONE };
	struct sighting s = { .now_ns = START, .segment = WEB };

	(void)state;
	assert_int_equal(decide(NULL, START, WEB, false), PLACE_NEW);
	assert_int_equal(place_decide(NULL, &s, &(struct place_room){ .bound = SEGMENT_NONE, .full = true }),
			 PLACE_FULL);
	assert_int_equal(place_decide(NULL, &s, &(struct place_room){ .bound = SEGMENT_NONE, .limit = true }),
			 PLACE_LIMIT);
	assert_int_equal(place_decide(NULL, &s, &(struct place_room){ .bound = DB }), PLACE_SPOOF);
	assert_int_equal(place_decide(&p, &s, &(struct place_room){ .bound = DB }), PLACE_SPOOF);
	/* where it is bound no limit holds it off */
	assert_int_equal(place_decide(NULL, &s, &(struct place_room){ .bound = WEB, .limit = true }),
			 PLACE_NEW);
	assert_int_equal(decide(&p, START, WEB, false), PLACE_KNOWN);
	assert_int_equal(decide(&p, START + SEC - 1, DB, false), PLACE_BUSY);
	assert_int_equal(decide(&p, START + SEC, DB, false), PLACE_MOVED);
	assert_int_equal(decide(&p, START, DB, true), PLACE_MOVED);
	/* a clock of another worker may lag */
	assert_int_equal(decide(&p, START - 5, DB, false), PLACE_BUSY);
	p.announced_ns = START;
	assert_int_equal(decide(&p, START + 10 * MS - 1, DB, true), PLACE_REFLECTED);
	assert_int_equal(decide(&p, START + 10 * MS, DB, true), PLACE_MOVED);
}

/* A forged announcement does not hold: frames from the old place take the machine back, once for each. */
static void test_return(void **state)
{
	(void)state;
	see(0, 1, WEB, false);
	after(SEC / 2);
	assert_int_equal(see(0, 1, DB, true), PLACE_MOVED);
	after(50 * MS);
	assert_int_equal(see(0, 1, WEB, false), PLACE_BUSY); /* may be frames under way */
	after(50 * MS);
	assert_int_equal(see(0, 1, WEB, false), PLACE_RETURNED);
	assert_int_equal(entry(1)->placed_ns, 0); /* it never moved: mid-stream */
	assert_int_equal(entry(1)->segment, WEB);
	after(200 * MS); /* the forger does not get it back by talking */
	assert_int_equal(see(0, 1, DB, false), PLACE_BUSY);
	/* a machine that stays where it announced itself is not called back later */
	after(PLACE_RETURN_UNTIL_NS);
	assert_int_equal(see(0, 1, DB, true), PLACE_MOVED);
	after(PLACE_RETURN_UNTIL_NS);
	see(0, 1, DB, false);
	assert_int_equal(see(0, 1, WEB, false), PLACE_BUSY);
}

static void test_flapping(void **state)
{
	uint16_t places[] = { DB, APP, WEB };

	(void)state;
	see(0, 1, WEB, false);
	for (unsigned int i = 0; i < 3; i++) {
		after(20 * MS);
		assert_int_equal(see(0, 1, places[i], true), PLACE_MOVED);
	}
	after(20 * MS);
	assert_int_equal(see(0, 1, DB, true), PLACE_FLAPPING);
	assert_int_equal(world.notices[BH_NOTICE_MAC_FLAPPING], 1);
	for (unsigned int i = 0; i < 10; i++) {
		after(SEC); /* pinned, though its place is silent and others announce */
		assert_int_equal(see(0, 1, DB, i % 2), PLACE_PINNED);
	}
	assert_int_equal(see(0, 1, WEB, false), PLACE_KNOWN);
	after(PLACE_PIN_NS);
	assert_int_equal(see(0, 1, DB, true), PLACE_MOVED);
	assert_int_equal(world.notices[BH_NOTICE_MAC_FLAPPING], 1);
}

/* ---- ageing ---- */

static void test_ageing_is_exact(void **state)
{
	(void)state;
	world.w[0]->replay = true; /* live, mac_find() has the time by 10 ms */
	see(0, 1, WEB, false);
	after(PLACE_AGE_NS - 1);
	see(0, 2, WEB, false); /* tells the table the time */
	assert_non_null(entry(1));
	after(1);
	see(0, 2, WEB, false);
	assert_null(entry(1)); /* nobody has swept it away yet */
	assert_int_equal(mac_table_count(world.w[0]->macs), 2);
	/* it is new again, wherever it comes from, and counted once */
	assert_int_equal(see(0, 1, DB, false), PLACE_NEW);
	assert_int_equal(entry(1)->segment, DB);
	assert_int_equal(entry(1)->moves, 0);
	assert_int_equal(mac_table_count(world.w[0]->macs), 2);
	assert_int_equal(world.w[0]->counters->segments[WEB].macs, 1);
	assert_int_equal(world.w[0]->counters->segments[DB].macs, 1);
	/* who talks stays */
	for (unsigned int i = 0; i < 100; i++) {
		after(10 * SEC);
		assert_int_equal(see(0, 1, DB, false), PLACE_KNOWN);
		mac_table_serve(world.w[0], 64);
	}
	assert_int_equal(mac_table_count(world.w[0]->macs), 1);
	after(PLACE_AGE_NS + 3 * SEC);
	mac_table_serve(world.w[0], 64);
	assert_int_equal(mac_table_count(world.w[0]->macs), 0);
	assert_int_equal(world.w[0]->counters->segments[DB].macs, 0);
}

static void test_ageing_in_slices(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 200; n++)
		see(0, n, WEB, false);
	/* an appliance that was paused for hours; the sweep of bindings for the first policy goes first */
	mac_table_serve(world.w[0], 256);
	after(5 * 3600 * SEC);
	mac_table_serve(world.w[0], 50);
	assert_int_equal(mac_table_count(world.w[0]->macs), 150);
	for (unsigned int i = 0; i < 3; i++)
		mac_table_serve(world.w[0], 50);
	assert_int_equal(mac_table_count(world.w[0]->macs), 0);
}

static void test_bound_stays(void **state)
{
	struct rte_ether_addr mac = mac_of(1);
	char text[RTE_ETHER_ADDR_FMT_SIZE];

	(void)state;
	rte_ether_format_addr(text, sizeof(text), &mac);
	see(0, 1, WEB, false);
	/* a policy that binds it to DB puts it there, and there it stays; nothing was heard of it */
	world_bind(0, DB, text, NULL);
	world.policy.generation++;
	mac_table_serve(world.w[0], 512);
	assert_int_equal(entry(1)->segment, DB);
	assert_true(entry(1)->bound);
	assert_int_equal(see(0, 1, WEB, true), PLACE_SPOOF);
	for (unsigned int i = 0; i < 20; i++) {
		after(100 * SEC);
		mac_table_serve(world.w[0], 64);
	}
	assert_non_null(entry(1));
	assert_int_equal(world.w[0]->counters->segments[DB].macs, 1);
	/* a policy that does not: it ages like all */
	world.policy.image.BINDINGS_count = 0;
	bindings_free(world.policy.bindings);
	world.policy.bindings = NULL;
	world.policy.generation++;
	mac_table_serve(world.w[0], 512);
	assert_null(entry(1));
	for (unsigned int i = 0; i < 4; i++) {
		after(100 * SEC);
		mac_table_serve(world.w[0], 64);
	}
	assert_int_equal(mac_table_count(world.w[0]->macs), 0);
}

/* ---- bounds ---- */

static void test_full(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 256; n++)
		assert_int_equal(see(0, n, WEB, false), PLACE_NEW);
	assert_int_equal(see(0, 1000, WEB, false), PLACE_FULL);
	assert_int_equal(see(1, 1000, WEB, false), PLACE_FULL);
	assert_null(entry(1000));
	assert_int_equal(world.notices[BH_NOTICE_EXHAUSTED], 2);
	for (uint32_t n = 0; n < 256; n++)
		assert_int_equal(entry(n)->segment, WEB);
	/* room comes back with age, after the quarantine of a second */
	after(PLACE_AGE_NS + 3 * SEC);
	mac_table_serve(world.w[0], 512);
	mac_table_serve(world.w[0], 512);
	assert_int_equal(mac_table_count(world.w[0]->macs), 0);
	see(0, 1000, WEB, false);
	assert_null(entry(1000));
	after(SEC);
	assert_int_equal(see(0, 1000, WEB, false), PLACE_NEW);
	assert_non_null(entry(1000));
}

static void test_no_such_table(void **state)
{
	(void)state;
	assert_null(mac_table_new(0, 1, SOCKET_ID_ANY));
	assert_null(mac_table_new(16, 0, SOCKET_ID_ANY));
	assert_null(mac_table_new(16, BH_MAX_WORKERS + 1, SOCKET_ID_ANY));
	assert_null(layer2_new(BH_MAX_WORKERS, SOCKET_ID_ANY));
}

/* ---- two workers, live ---- */

static void test_other_worker_sends(void **state)
{
	(void)state;
	assert_int_equal(see(1, 1, WEB, false), PLACE_NEW);
	assert_null(entry(1)); /* only the writer writes */
	mac_table_serve(world.w[1], 64);
	assert_null(entry(1));
	mac_table_serve(world.w[0], 64);
	assert_int_equal(entry(1)->segment, WEB);
	assert_int_equal(see(1, 1, DB, true), PLACE_MOVED);
	assert_int_equal(entry(1)->segment, WEB);
	mac_table_serve(world.w[0], 64);
	assert_int_equal(entry(1)->segment, DB);
	assert_int_equal(entry(1)->moves, 1);
	/* what it only hears it notes itself */
	after(SEC);
	assert_int_equal(see(1, 1, DB, false), PLACE_KNOWN);
	assert_int_equal(entry(1)->last_ns, START + SEC);
	/* a full ring loses, counts, and does no harm */
	for (uint32_t n = 0; n < 1100; n++)
		assert_int_equal(see(1, 5000 + n, WEB, false), PLACE_NEW);
	assert_int_equal(world.w[1]->counters->cells[BH_WORKER_LEARN_LOST], 1100 - 1024);
	mac_table_serve(world.w[0], 2000);
	assert_int_equal(mac_table_count(world.w[0]->macs), 256);
}

static void test_repeats_are_not_sent(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5000; i++)
		see(1, 1, WEB, false);
	assert_int_equal(world.w[1]->counters->cells[BH_WORKER_LEARN_LOST], 0);
}

/* ---- listing ---- */

static void test_list(void **state)
{
	struct bh_host hosts[16];
	uint16_t ids[16][2];
	uint32_t cursor = 0, count, seen = 0;
	bool found[100] = { false };

	(void)state;
	for (uint32_t n = 0; n < 100; n++)
		see(0, n, n % 2 ? WEB : DB, n % 3 == 0);
	while ((count = mac_table_list(world.w[0]->macs, &cursor, hosts, ids, 16))) {
		for (uint32_t i = 0; i < count; i++, seen++) {
			uint8_t n = hosts[i].mac[5];
			assert_true(n < 100 && !found[n]);
			found[n] = true;
			assert_int_equal(ids[i][0], SHOP);
			assert_int_equal(ids[i][1], n % 2 ? WEB : DB);
			assert_int_equal(hosts[i].announced, n % 3 == 0);
			assert_int_equal(hosts[i].last_us, START / 1000);
		}
	}
	assert_int_equal(seen, 100);
}

/* ---- the store against a naive model ---- */

enum { RECORDS = 64, KEYS = 300 };

struct model {
	uint32_t record[KEYS]; /* STORE_NONE: not in */
	uint64_t due[KEYS];
	uint32_t key[RECORDS];
};

static uint32_t store_find(const struct store *s, const struct model *m, uint32_t key)
{
	uint32_t r = store_first(s, key * 7);

	/* * 7: several keys a chain */
	while (r != STORE_NONE && m->key[r] != key)
		r = store_next(s, r);
	return r;
}

static void test_store_model(void **state)
{
	static struct model m;
	struct store s;
	uint64_t now = START;
	uint32_t in = 0, took = 0, refused = 0, r;
	unsigned int dice = 3;

	(void)state;
	assert_int_equal(store_init(&s, RECORDS, SOCKET_ID_ANY), 0);
	memset(m.record, 0xff, sizeof(m.record));
	for (unsigned int step = 0; step < 50000; step++) {
		dice = dice * 1103515245u + 12345u;
		uint32_t key = (dice >> 16) % KEYS;
		now += (step % 1000 == 999 ? 2000 : dice >> 28 & 1) * SEC / 4;
		while ((r = store_due(&s, now)) != STORE_NONE) {
			uint32_t of = m.key[r];
			assert_int_equal(m.record[of], r);
			if (m.due[of] > now) {
				store_arm(&s, r, m.due[of]);
				continue;
			}
			store_remove(&s, r, of * 7, now);
			m.record[of] = STORE_NONE;
			m.key[r] = UINT32_MAX;
			in--;
		}
		for (uint32_t k = 0; k < KEYS; k += 17) {
			assert_int_equal(store_find(&s, &m, k), m.record[k]);
			/* nothing is forgotten: at most two slots and a quarter late */
			assert_true(m.record[k] == STORE_NONE || m.due[k] + 3 * SEC > now);
		}
		assert_int_equal(store_count(&s), in);
		if (m.record[key] != STORE_NONE || in == RECORDS)
			continue;
		r = store_take(&s, now);
		refused += r == STORE_NONE; /* in quarantine */
		if (r == STORE_NONE)
			continue;
		m.key[r] = key;
		m.record[key] = r;
		m.due[key] = now + (dice >> 20 & 31) * SEC;
		store_publish(&s, r, key * 7, m.due[key]);
		in++;
		took++;
	}
	assert_true(took > 5000 && refused > 0);
	store_fini(&s);
	assert_int_equal(store_init(&s, 0, SOCKET_ID_ANY), -EINVAL);
}

/* ---- a reader beside the writer ---- */

static _Atomic bool stop;

static uint64_t time_now(void)
{
	return __atomic_load_n(&world.w[0]->now_ns, __ATOMIC_SEQ_CST);
}

/* Machine n is on WEB or DB, never elsewhere; a stranger is never found. What a pointer shows is the machine asked for, while no time passes:
 * here it passes by the minute, and a reader that the kernel keeps from its CPU sleeps through the quarantine of a record. */
static void *read_on(void *wrong)
{
	unsigned int dice = 5;

	while (!stop) {
		dice = dice * 1103515245u + 12345u;
		uint32_t n = dice >> 16 & 127;
		struct rte_ether_addr mac = mac_of(n), stranger = mac_of(n + 100000);
		uint64_t before = time_now();
		const struct mac_entry *e = mac_find(world.w[0]->macs, SHOP, &mac);
		bool another = e && (!rte_is_same_ether_addr(&e->mac, &mac) ||
				     (e->segment != WEB && e->segment != DB));
		if (another && time_now() == before)
			*(unsigned int *)wrong += 1;
		if (mac_find(world.w[0]->macs, SHOP, &stranger))
			*(unsigned int *)wrong += 1;
	}
	return NULL;
}

static void test_reader_beside_writer(void **state)
{
	unsigned int wrong = 0, dice = 9;
	pthread_t reader;

	(void)state;
	stop = false;
	assert_int_equal(pthread_create(&reader, NULL, read_on, &wrong), 0);
	for (unsigned int round = 0; round < 300; round++) {
		for (unsigned int i = 0; i < 100; i++) {
			dice = dice * 1103515245u + 12345u;
			see(0, dice >> 16 & 127, dice >> 30 & 1 ? WEB : DB, dice >> 29 & 1);
		}
		after(PLACE_AGE_NS / 4);
		mac_table_serve(world.w[0], 1000);
	}
	stop = true;
	pthread_join(reader, NULL);
	assert_int_equal(wrong, 0);
	assert_true(world.w[0]->counters->cells[BH_WORKER_LEARNED] > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_decisions, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_return, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_flapping, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_ageing_is_exact, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_ageing_in_slices, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_bound_stays, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_full, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_no_such_table, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_other_worker_sends, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_repeats_are_not_sent, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_list, world_setup, world_teardown),
		cmocka_unit_test(test_store_model),
		cmocka_unit_test_setup_teardown(test_reader_beside_writer, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
