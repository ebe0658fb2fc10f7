/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What bulkheadctl shows of a file of counters and an image, both made here.
 *
 * needs: control/view.c control/query.c control/query_status.c control/query_sessions.c control/source.c control/push.c
 * needs: control/client.c control/counters.c control/record.c dataplane/names.c dataplane/image.c dataplane/evaluate.c dataplane/schedule.c
 * needs: dataplane/dpi.c control/compile.c control/objects.c control/selector.c control/classes.c control/matrix.c
 * needs: control/sections.c control/intern.c control/zone.c control/region.c control/index.c control/problem.c
 * needs: control/textfile.c control/yaml.c control/value.c control/decode.c control/model.c control/model_apps.c
 * needs: control/model_endpoints.c control/model_networks.c control/model_rules.c control/model_services.c
 * needs: control/model_settings.c control/model_tests.c tests/unit/control/policy_text.c
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "dpi.h"
#include "policy_text.h"
#include "query.h"
#include "view.h"

#define WORKERS 2u

static const char policy_text[] =
	POLICY_HEAD "applications: { our-erp: [tcp/9443], crm: [tcp/9444] }\n"
		    "rules:\n"
		    "  - { name: first, from: web, service: [tcp/80], action: allow, log: true }\n"
		    "  - { name: second, service: [tcp/81], action: reject, monitor: true }\n"
		    "  - { name: third, service: [tcp/82], action: deny, enabled: false }\n"
		    "  - { name: erp, application: [our-erp, crm], action: deny }\n" POLICY_DEFAULT;

struct fixture {
	char directory[40], path[64];
	int fd;
	size_t size, image_size;
	struct bh_counters *map;
	struct bh_worker_counters *workers[WORKERS];
	struct counters counters;
	void *image;
	struct bh_policy policy;
};

static void map_make(struct fixture *f)
{
	size_t offset = (sizeof(struct bh_counters) + 63) & ~(size_t)63;

	f->size = offset + WORKERS * sizeof(struct bh_worker_counters);
	assert_int_equal(ftruncate(f->fd, (off_t)f->size), 0);
	f->map = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	assert_ptr_not_equal(f->map, MAP_FAILED);
	f->map->magic = BH_COUNTERS_MAGIC;
	f->map->version = BH_COUNTERS_VERSION;
	f->map->size = f->size;
	f->map->worker_offset = offset;
	f->map->worker_stride = sizeof(struct bh_worker_counters);
	f->map->worker_count = WORKERS;
	f->map->port_count = 2;
	f->map->drop_count = BH_DROP_COUNT;
	for (uint32_t w = 0; w < WORKERS; w++)
		f->workers[w] = (void *)((char *)f->map + offset + w * sizeof(struct bh_worker_counters));
	strcpy(f->map->ports[0].name, "trunk");
	strcpy(f->map->ports[1].name, "lab");
	/* ids as they were given over several policies: not in the order of this one */
	f->map->rule_ids = 5;
	strcpy(f->map->rules[1], "second");
	strcpy(f->map->rules[2], "long-gone");
	strcpy(f->map->rules[3], "first");
	strcpy(f->map->rules[4], "third");
	f->map->network_ids = 2;
	strcpy(f->map->networks[0], "other");
	strcpy(f->map->networks[1], "shop");
	f->map->segment_ids = 4;
	strcpy(f->map->segments[0], "web");
	f->map->segment_network[0] = 0; /* other's web is another one */
	strcpy(f->map->segments[1], "db");
	f->map->segment_network[1] = 1;
	strcpy(f->map->segments[2], "web");
	f->map->segment_network[2] = 1;
	strcpy(f->map->segments[3], "web"); /* the same on another VLAN, as it was before */
	f->map->segment_network[3] = 1;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct problems problems = { 0 };
	char why[200];

	assert_non_null(f);
	assert_int_equal(dpi_catalogue_init(), 0);
	strcpy(f->directory, "/tmp/bh-view-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/counters", f->directory);
	f->fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(f->fd >= 0);
	map_make(f);
	assert_int_equal(counters_open(&f->counters, f->path, why, sizeof(why)), 0);
	struct policy_model *model = good_policy(policy_text);
	assert_non_null(model);
	assert_int_equal(policy_compile(model, 0, &f->image, &f->image_size, &problems), 0);
	policy_model_free(model);
	problems_free(&problems);
	assert_int_equal(bh_image_open(&f->policy, f->image, f->image_size, why, sizeof(why)), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	counters_close(&f->counters);
	munmap(f->map, f->size);
	close(f->fd);
	unlink(f->path);
	rmdir(f->directory);
	free(f->image);
	free(f);
	return 0;
}

static json_int_t number_at(const json_t *list, size_t i, const char *key)
{
	return json_integer_value(json_object_get(json_array_get(list, i), key));
}

static const char *text_at(const json_t *list, size_t i, const char *key)
{
	const char *text = json_string_value(json_object_get(json_array_get(list, i), key));

	return text ? text : "";
}

static bool flag_at(const json_t *list, size_t i, const char *key)
{
	return json_is_true(json_object_get(json_array_get(list, i), key));
}

static void rules_have_the_counters_of_their_names(void **state)
{
	struct fixture *f = *state;

	f->workers[0]->rules[0].sessions = 3; /* the default */
	f->workers[0]->rules[1].packets = 40;
	f->workers[0]->rules[2].bytes = 99;
	f->workers[0]->rules[3].sessions = 5;
	f->workers[1]->rules[3].sessions = 6;
	f->workers[1]->rules[3].limited = 1;
	json_t *rules = view_rules(&f->counters, &f->policy);
	assert_int_equal(json_array_size(rules), 5);
	assert_string_equal(text_at(rules, 0, "name"), "first");
	assert_int_equal(number_at(rules, 0, "number"), 1);
	assert_int_equal(number_at(rules, 0, "sessions"), 11);
	assert_int_equal(number_at(rules, 0, "limited"), 1);
	assert_string_equal(text_at(rules, 0, "action"), "allow");
	assert_true(flag_at(rules, 0, "log") && flag_at(rules, 0, "enabled"));
	assert_false(flag_at(rules, 0, "monitor"));
	assert_string_equal(text_at(rules, 1, "action"), "reject");
	assert_true(flag_at(rules, 1, "monitor"));
	assert_int_equal(number_at(rules, 1, "packets"), 40);
	assert_false(flag_at(rules, 2, "enabled"));
	/* a rule that never counted has no id yet, and never another's figures */
	assert_string_equal(text_at(rules, 3, "name"), "erp");
	assert_int_equal(number_at(rules, 3, "bytes"), 0);
	assert_string_equal(text_at(rules, 4, "name"), "default");
	assert_int_equal(number_at(rules, 4, "number"), 5);
	assert_int_equal(number_at(rules, 4, "sessions"), 3);
	json_decref(rules);
}

static void segments_are_found_by_network_and_added_up(void **state)
{
	struct fixture *f = *state;

	f->workers[0]->segments[0].in = 1000;
	f->workers[0]->segments[2].in = 7;
	f->workers[1]->segments[3].in = 8;
	f->workers[1]->segments[1].drops = 2;
	json_t *segments = view_segments(&f->counters, &f->policy);
	assert_int_equal(json_array_size(segments), 4);
	for (size_t i = 0; i < 4; i++) {
		bool web = !strcmp(text_at(segments, i, "name"), "web");
		bool db = !strcmp(text_at(segments, i, "name"), "db");
		assert_string_equal(text_at(segments, i, "network"), "shop");
		assert_int_equal(number_at(segments, i, "in"), web ? 15 : 0);
		assert_int_equal(number_at(segments, i, "drops"), db ? 2 : 0);
		assert_int_equal(flag_at(segments, i, "uplink"),
				 !strcmp(text_at(segments, i, "name"), "uplink"));
	}
	json_decref(segments);
}

static void applications_are_named_and_in_order(void **state)
{
	struct fixture *f = *state;
	uint32_t http = (uint32_t)dpi_protocol_id("http"), own = dpi_builtin_count();

	f->workers[0]->apps[http] = (struct bh_app_counters){ .flows = 1, .packets = 9, .bytes = 100 };
	f->workers[1]->apps[own] = (struct bh_app_counters){ .flows = 2, .packets = 3, .bytes = 5000 };
	f->workers[1]->apps[own + 1] = (struct bh_app_counters){ .flows = 1 };
	json_t *apps = view_applications(&f->counters, &f->policy);
	assert_int_equal(json_array_size(apps), 3);
	assert_string_equal(text_at(apps, 0, "name"), "our-erp");
	assert_string_equal(text_at(apps, 0, "category"), "Custom");
	assert_string_equal(text_at(apps, 1, "name"), "HTTP");
	assert_int_equal(number_at(apps, 1, "bytes"), 100);
	assert_string_equal(text_at(apps, 2, "name"), "crm");
	json_decref(apps);
	/* without the policy nobody knows the names, and nobody makes one up */
	apps = view_applications(&f->counters, NULL);
	assert_non_null(strstr(text_at(apps, 0, "name"), "application-"));
	json_decref(apps);
}

static void the_identity_is_of_each_port(void **state)
{
	struct fixture *f = *state;
	struct bh_port_counters *trunk = &f->workers[0]->ports[0], *lab = &f->workers[1]->ports[1];

	trunk->in = 10;
	trunk->copies = 2;
	trunk->out = 7;
	trunk->consumed = 1;
	trunk->held = 1;
	trunk->drops[BH_DROP_DENY] = 3;
	assert_true(view_identity(&f->counters));
	trunk->out++; /* one too many here and one too few there is no balance */
	lab->in = 1;
	assert_false(view_identity(&f->counters));
	lab->in = 0;
	trunk->out--;
	lab->made = 1;
	assert_false(view_identity(&f->counters));
	lab->made_dropped = 1;
	assert_true(view_identity(&f->counters));
	lab->drops[BH_DROP_UNKNOWN_VLAN] = 4;
	json_t *drops = view_drops(&f->counters, VIEW_ALL_PORTS, false);
	assert_int_equal(json_object_size(drops), 2);
	assert_int_equal(json_integer_value(json_object_get(drops, "deny")), 3);
	json_decref(drops);
	drops = view_drops(&f->counters, 1, true);
	assert_int_equal(json_object_size(drops), BH_DROP_COUNT);
	assert_int_equal(json_integer_value(json_object_get(drops, "deny")), 0);
	assert_int_equal(json_integer_value(json_object_get(drops, "unknown-vlan")), 4);
	json_decref(drops);
}

static void stages(void **state)
{
	struct fixture *f = *state;

	f->map->tsc_hz = 2600000000u;
	f->map->measuring = 1;
	f->workers[0]->stages[BH_STAGE_RECEIVE] = (struct bh_stage_counters){ 2, 60, 600 };
	f->workers[1]->stages[BH_STAGE_RECEIVE] = (struct bh_stage_counters){ 1, 40, 400 };
	f->workers[1]->stages[BH_STAGE_FLOW] = (struct bh_stage_counters){ 1, 30, 3000 };
	json_t *view = view_stages(&f->counters);
	assert_true(json_is_true(json_object_get(view, "measuring")));
	assert_int_equal(json_integer_value(json_object_get(view, "frames")), 100);
	assert_true(json_real_value(json_object_get(view, "cycles_per_frame")) == 40.0);
	json_t *list = json_object_get(view, "stages");
	assert_int_equal(json_array_size(list), BH_STAGE_COUNT);
	json_t *receive = json_array_get(list, BH_STAGE_RECEIVE), *flow = json_array_get(list, BH_STAGE_FLOW);
	assert_string_equal(json_string_value(json_object_get(receive, "name")), "receive");
	assert_int_equal(json_integer_value(json_object_get(receive, "bursts")), 3);
	assert_true(json_real_value(json_object_get(receive, "cycles_per_frame")) == 10.0);
	assert_true(json_real_value(json_object_get(receive, "share")) == 0.25);
	assert_true(json_real_value(json_object_get(flow, "cycles_per_frame")) == 100.0);
	/* a stage that nothing entered has no cycles a frame */
	assert_true(json_real_value(json_object_get(json_array_get(list, BH_STAGE_TX), "cycles_per_frame")) ==
		    0.0);
	json_decref(view);
}

/* A dataplane that left its counters behind, or hangs with its socket open, is not said to forward. */
static void status_believes_the_heartbeat(void **state)
{
	struct fixture *f = *state;
	json_t *question = json_pack("{s:s}", "command", "status");
	struct source source;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	f->map->heartbeat_us = (uint64_t)now.tv_sec * 1000000;
	f->map->generation = 4;
	f->map->flow_capacity = 1000;
	strcpy(f->map->policy, "shop");
	f->workers[0]->cells[BH_WORKER_FLOWS] = 2;
	f->workers[1]->cells[BH_WORKER_FLOWS] = 3;
	source_init(&source, f->directory);
	json_t *status = query_run(&source, question, -1, NULL);
	json_t *dataplane = json_object_get(status, "dataplane");
	assert_non_null(status);
	assert_true(json_is_false(json_object_get(dataplane, "up"))); /* nobody listens there */
	assert_true(json_is_false(json_object_get(dataplane, "forwarding")));
	assert_string_equal(json_string_value(json_object_get(json_object_get(status, "policy"), "name")),
			    "shop");
	json_t *flows = json_object_get(json_object_get(status, "tables"), "flows");
	assert_int_equal(json_integer_value(json_object_get(flows, "used")), 5);
	assert_int_equal(json_integer_value(json_object_get(flows, "size")), 1000);
	json_decref(status);
	source_close(&source);
	json_decref(question);
}

static void what_can_not_be_answered_says_why(void **state)
{
	static const struct {
		const char *question, *words;
	} cases[] = {
		{ "{\"command\": \"reboot\"}", "unknown command \"reboot\"" },
		{ "{\"command\": \"rules\"}", "no dataplane answers" },
		{ "{\"command\": \"apply\"}", "sealed memfd" },
		{ "{\"command\": \"flows\", \"port\": 65536}", "out of range" },
		{ "{\"command\": \"flows\", \"verdict\": \"maybe\"}", "out of range" },
		{ "{\"command\": \"flows\", \"address\": \"10.0.0\"}", "no IPv4 or IPv6 address" },
		{ "{\"command\": \"hosts\", \"address\": \"x\"}", "no IPv4 or IPv6 address" },
		{ "{\"command\": \"flows\", \"segment\": \"wbe\"}", "no segment is named \"wbe\"" },
		{ "{\"command\": \"hosts\", \"segment\": \"wbe\"}", "no segment is named" },
		{ "{\"command\": \"hosts\", \"segment\": \"web\"}", "no dataplane answers" },
		{ "{\"command\": \"events\"}", "--follow" },
	};
	struct fixture *f = *state;
	json_error_t error;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *question = json_loads(cases[i].question, 0, &error);
		struct source source;
		source_init(&source, f->directory);
		assert_null(query_run(&source, question, -1, NULL));
		if (!strstr(source.why, cases[i].words))
			fail_msg("%s: %s", cases[i].question, source.why);
		source_close(&source);
		json_decref(question);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rules_have_the_counters_of_their_names, setup, teardown),
		cmocka_unit_test_setup_teardown(segments_are_found_by_network_and_added_up, setup, teardown),
		cmocka_unit_test_setup_teardown(applications_are_named_and_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(the_identity_is_of_each_port, setup, teardown),
		cmocka_unit_test_setup_teardown(stages, setup, teardown),
		cmocka_unit_test_setup_teardown(status_believes_the_heartbeat, setup, teardown),
		cmocka_unit_test_setup_teardown(what_can_not_be_answered_says_why, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
