/* SPDX-License-Identifier: BSD-3-Clause */
#include "query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "record.h"
#include "view.h"

const char *query_text(const json_t *question, const char *key)
{
	return json_string_value(json_object_get(question, key));
}

json_int_t query_number(const json_t *question, const char *key, json_int_t fallback)
{
	const json_t *value = json_object_get(question, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

json_t *query_run(struct source *source, const json_t *question, int image_fd, struct query_sink *sink)
{
	const char *command = query_text(question, "command");

	if (!command)
		command = "";
	if (!strcmp(command, "status"))
		return query_status(source, question);
	if (!strcmp(command, "rules"))
		return query_rules(source, question);
	if (!strcmp(command, "segments"))
		return query_segments(source, question);
	if (!strcmp(command, "applications"))
		return query_applications(source, question);
	if (!strcmp(command, "drops"))
		return query_drops(source, question);
	if (!strcmp(command, "stages"))
		return query_stages(source, question);
	if (!strcmp(command, "hosts"))
		return query_hosts(source, question, sink);
	if (!strcmp(command, "flows"))
		return query_flows(source, question, sink);
	if (!strcmp(command, "events"))
		return query_events(source, question, sink);
	if (!strcmp(command, "apply"))
		return query_apply(source, question, image_fd);
	snprintf(source->why, sizeof(source->why), "unknown command \"%.60s\"", command);
	return NULL;
}

static json_t *policy_name(const struct bh_policy *policy)
{
	return record_text(policy->header->name, sizeof(policy->header->name));
}

json_t *query_rules(struct source *source, const json_t *question)
{
	const char *name = query_text(question, "name");

	if (source_counters(source) || source_image(source))
		return NULL;
	json_t *rules = view_rules(&source->counters, &source->policy);
	for (size_t i = json_array_size(rules); name && i-- > 0;) {
		const char *own = query_text(json_array_get(rules, i), "name");
		if (!own || strcmp(own, name))
			json_array_remove(rules, i);
	}
	if (name && !json_array_size(rules)) {
		snprintf(source->why, sizeof(source->why), "policy %s has no rule \"%.80s\"",
			 source->policy.header->name, name);
		json_decref(rules);
		return NULL;
	}
	return json_pack("{s:o, s:I, s:o}", "policy", policy_name(&source->policy), "generation",
			 (json_int_t)source->generation, "rules", rules);
}

json_t *query_segments(struct source *source, const json_t *question)
{
	(void)question;
	if (source_counters(source) || source_image(source))
		return NULL;
	return json_pack("{s:o, s:o}", "policy", policy_name(&source->policy), "segments",
			 view_segments(&source->counters, &source->policy));
}

json_t *query_applications(struct source *source, const json_t *question)
{
	(void)question;
	if (source_counters(source))
		return NULL;
	/* without a policy there are no custom names to know */
	const struct bh_policy *policy = source_image(source) ? NULL : &source->policy;
	return json_pack("{s:o}", "applications", view_applications(&source->counters, policy));
}

json_t *query_drops(struct source *source, const json_t *question)
{
	bool all = json_is_true(json_object_get(question, "all"));

	if (source_counters(source))
		return NULL;
	json_t *result = json_pack("{s:o, s:o}", "drops", view_drops(&source->counters, VIEW_ALL_PORTS, all),
				   "unknown_vlans", view_unknown_vlans(&source->counters));
	if (json_is_true(json_object_get(question, "ports"))) {
		json_t *ports = json_object();
		for (uint32_t i = 0; i < source->counters.ports; i++) {
			const char *name = source->counters.map->ports[i].name;
			json_t *key = record_text(name, BH_NAME_MAX + 1);
			json_object_set_new(ports, json_string_value(key),
					    view_drops(&source->counters, i, all));
			json_decref(key);
		}
		json_object_set_new(result, "ports", ports);
	}
	return result;
}

/* Tell the dataplane to begin or end its account of stages. 0 or -errno with a line in source->why */
static int stages_switch(struct source *source, bool on)
{
	struct bh_end end;
	int error = source_client(source);

	if (error)
		return error;
	error = client_ask(&source->client, on ? BH_REQUEST_STAGES_ON : BH_REQUEST_STAGES_OFF, NULL, 0, -1,
			   CLIENT_TIMEOUT_MS, NULL, NULL, &end, NULL);
	if (!error)
		error = end.status;
	if (error)
		snprintf(source->why, sizeof(source->why), "the dataplane did not switch: %s",
			 strerror(-error));
	return error;
}

json_t *query_stages(struct source *source, const json_t *question)
{
	const json_t *measure = json_object_get(question, "measure");

	if (json_is_boolean(measure) && stages_switch(source, json_is_true(measure)))
		return NULL;
	if (source_counters(source))
		return NULL;
	return view_stages(&source->counters);
}

/* The image that `fd` holds: its name and number of rules. The dataplane checks it all again. */
static json_t *apply_describe(struct source *source, int fd, size_t size)
{
	struct bh_policy policy;
	char why[200];
	json_t *result = NULL;

	void *image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED) {
		snprintf(source->why, sizeof(source->why), "the image can not be mapped: %s",
			 strerror(errno));
		return NULL;
	}
	if (bh_image_open(&policy, image, size, why, sizeof(why)))
		snprintf(source->why, sizeof(source->why), "the image is refused: %s", why);
	else
		result = json_pack("{s:o, s:I, s:I}", "policy", policy_name(&policy), "rules",
				   (json_int_t)policy.RULES_count, "image_bytes", (json_int_t)size);
	munmap(image, size);
	return result;
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

json_t *query_apply(struct source *source, const json_t *question, int image_fd)
{
	struct bh_end end;
	size_t size;

	(void)question;
	if (image_fd < 0 || push_check(image_fd, &size)) {
		snprintf(source->why, sizeof(source->why),
			 "apply wants an image in a sealed memfd; use bulkheadctl apply");
		return NULL;
	}
	json_t *result = apply_describe(source, image_fd, size);
	if (!result)
		return NULL;
	if (source_client(source))
		goto err_free_result;
	double start = milliseconds();
	int error = push_image(&source->client, image_fd, &end);
	if (error) {
		snprintf(source->why, sizeof(source->why),
			 "the dataplane did not answer (%s); bulkheadctl status tells what is in force",
			 strerror(-error));
		goto err_free_result;
	}
	if (end.status) {
		snprintf(source->why, sizeof(source->why), "the dataplane refused the image: %s",
			 end.text[0] ? end.text : strerror(-end.status));
		goto err_free_result;
	}
	json_object_set_new(result, "generation", json_integer(end.generation));
	json_object_set_new(result, "milliseconds", json_real(milliseconds() - start));
	if (end.text[0])
		json_object_set_new(result, "note", record_text(end.text, sizeof(end.text)));
	return result;
err_free_result:
	json_decref(result);
	return NULL;
}
