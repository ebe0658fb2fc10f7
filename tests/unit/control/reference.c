/* SPDX-License-Identifier: BSD-3-Clause */
#include "reference.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One way in which the classification can end. */
struct outcome {
	uint16_t master, app;
	uint8_t category;
	bool remains;
};

struct reference {
	const struct policy_model *model;
	struct outcome *outcomes;
	size_t count;
};

/* ---- the outcomes: every combination of ids and categories, one of each kind that some rule tells apart ---- */

static bool told_apart(const struct policy_model *model, unsigned a, unsigned b, bool category)
{
	for (uint32_t i = 0; i < model->rule_count; i++) {
		const struct bh_app_set *apps = &model->rules[i].apps;
		const uint64_t *bits = category ? apps->categories : apps->ids;

		if (model->rules[i].has_apps && (bits[a / 64] >> a % 64 & 1) != (bits[b / 64] >> b % 64 & 1))
			return true;
	}
	return false;
}

static size_t universe(const struct policy_model *model, unsigned first, unsigned end, bool category,
		       unsigned *list)
{
	size_t count = 0;

	for (unsigned number = first; number < end; number++) {
		bool new = true;

		for (size_t i = 0; new &&i < count; i++)
			new = told_apart(model, number, list[i], category);
		if (new)
			list[count++] = number;
	}
	return count;
}

struct reference *reference_new(const struct policy_model *model)
{
	unsigned ids[BH_APP_IDS], categories[BH_APP_CATEGORIES];
	size_t id_count = universe(model, 1, BH_APP_IDS, false, ids);
	size_t category_count = universe(model, 0, BH_APP_CATEGORIES, true, categories);
	struct reference *reference = calloc(1, sizeof(*reference));

	reference->model = model;
	reference->outcomes = calloc((id_count + 1) * id_count * category_count + 1, sizeof(struct outcome));
	reference->count = 1; /* the first: unknown, all zero */
	for (size_t m = 0; m <= id_count; m++)
		for (size_t a = 0; a < id_count; a++)
			for (size_t c = 0; c < category_count; c++)
				reference->outcomes[reference->count++] =
					(struct outcome){ m == 0 ? 0 : (uint16_t)ids[m - 1], (uint16_t)ids[a],
							  (uint8_t)categories[c], true };
	setenv("TZ", model->timezone, 1);
	tzset();
	return reference;
}

void reference_free(struct reference *reference)
{
	free(reference->outcomes);
	free(reference);
}

/* ---- endpoints, services, schedules ---- */

static bool is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, mapped, 12) == 0;
}

static bool addresses_have(const struct address_set *set, const uint8_t address[16])
{
	for (uint32_t i = 0; i < set->count; i++) {
		const struct address_range *range = &set->ranges[i];
		bool ipv4 = is_ipv4(range->first) && is_ipv4(range->last);

		if (ipv4 == is_ipv4(address) && memcmp(range->first, address, 16) <= 0 &&
		    memcmp(address, range->last, 16) <= 0)
			return true;
	}
	return false;
}

static bool segments_have(const uint32_t *segments, uint32_t count, uint32_t segment)
{
	for (uint32_t i = 0; i < count; i++)
		if (segments[i] == segment)
			return true;
	return false;
}

static bool group_has(const struct model_group *group, const uint8_t address[16], uint32_t segment)
{
	if (!segments_have(group->segments, group->segment_count, segment) &&
	    !addresses_have(&group->addresses, address))
		return false;
	return !segments_have(group->except_segments, group->except_segment_count, segment) &&
	       !addresses_have(&group->except_addresses, address);
}

static bool selector_has(const struct policy_model *model, const struct selector *selector,
			 const uint8_t address[16], uint32_t segment)
{
	for (uint32_t i = 0; i < selector->count; i++) {
		const struct selector_item *item = &selector->items[i];
		bool has = item->kind == SELECT_ANY;

		if (item->kind == SELECT_GROUP)
			has = group_has(&model->groups[item->group], address, segment);
		if (item->kind == SELECT_SEGMENTS)
			has = segments_have(item->segments, item->segment_count, segment);
		if (item->kind == SELECT_ADDRESSES)
			has = addresses_have(&item->addresses, address);
		if (has != item->negate)
			return true;
	}
	return selector->count == 0;
}

static bool service_has(const struct model_rule *rule, const struct bh_session *session)
{
	bool ports = session->protocol == 6 || session->protocol == 17 || session->protocol == 132;
	bool has = rule->services.count == 0;

	for (uint32_t i = 0; i < rule->services.count; i++) {
		const struct service_item *item = &rule->services.items[i];

		has |= item->protocol == session->protocol && item->first <= session->service &&
		       session->service <= item->last;
	}
	if (!has || rule->source_port_count == 0)
		return has;
	for (uint32_t i = 0; i < rule->source_port_count; i++)
		if (ports && rule->source_ports[i].first <= session->source_port &&
		    session->source_port <= rule->source_ports[i].last)
			return true;
	return false;
}

static bool schedule_has(const struct model_rule *rule, int64_t when)
{
	const struct model_schedule *s = &rule->schedule;
	time_t moment = (time_t)when;
	struct tm local;
	int minute, today, yesterday;

	if (!rule->has_schedule)
		return true;
	localtime_r(&moment, &local);
	minute = local.tm_hour * 60 + local.tm_min;
	today = (local.tm_wday + 6) % 7; /* Monday is 0 */
	yesterday = (today + 6) % 7;
	if (s->from == s->to)
		return s->days >> today & 1;
	if (s->from < s->to)
		return (s->days >> today & 1) && minute >= s->from && minute < s->to;
	return ((s->days >> today & 1) && minute >= s->from) ||
	       ((s->days >> yesterday & 1) && minute < s->to);
}

/* ---- what is learned later ---- */

enum truth { NO, MAYBE, YES };

static bool apps_have(const struct bh_app_set *apps, uint16_t master, uint16_t app, uint8_t category)
{
	if (apps->categories[category / 64] >> category % 64 & 1)
		return true;
	if (master == 0 && app == 0)
		return apps->ids[0] & 1;
	if (master != 0 && (apps->ids[master / 64] >> master % 64 & 1))
		return true;
	return app != 0 && (apps->ids[app / 64] >> app % 64 & 1);
}

static enum truth application(const struct reference *reference, const struct model_rule *rule,
			      const struct bh_knowledge *known, bool out_of_force)
{
	size_t in = 0, out = 0;

	if (!rule->has_apps)
		return YES;
	if (out_of_force)
		return rule->action == BH_ACTION_ALLOW ? NO : YES;
	if (known->trust)
		return YES;
	if (known->app_known)
		return apps_have(&rule->apps, known->master, known->app, known->category) ? YES : NO;
	for (size_t i = 0; i < reference->count; i++) {
		const struct outcome *outcome = &reference->outcomes[i];

		if (!outcome->remains)
			continue;
		if (apps_have(&rule->apps, outcome->master, outcome->app, outcome->category))
			in++;
		else
			out++;
	}
	return in == 0 ? NO : out == 0 ? YES : MAYBE;
}

static bool name_is(const char *pattern, const char *name)
{
	char bare[256];
	size_t length;

	strncpy(bare, name, sizeof(bare) - 1);
	bare[sizeof(bare) - 1] = '\0';
	length = strlen(bare);
	if (length > 1 && bare[length - 1] == '.')
		bare[--length] = '\0';
	if (length == 0)
		return false;
	if (strncmp(pattern, "*.", 2) == 0) {
		size_t tail = strlen(pattern + 1);

		return length > tail && strcmp(bare + length - tail, pattern + 1) == 0;
	}
	return strcmp(pattern, bare) == 0;
}

static enum truth server_name(const struct model_rule *rule, const struct bh_knowledge *known, uint8_t ech)
{
	if (rule->server_name_count == 0 || known->trust)
		return YES;
	if (known->name_cut || (known->ech && ech != BH_ECH_ALLOW))
		return rule->action == BH_ACTION_ALLOW ? NO : YES;
	if (known->name == NULL)
		return known->name_known ? NO : MAYBE;
	for (uint32_t i = 0; i < rule->server_name_count; i++)
		if (name_is(rule->server_names[i], known->name))
			return YES;
	return NO;
}

static enum truth risk(const struct model_rule *rule, const struct bh_knowledge *known, bool out_of_force)
{
	if (rule->risks == 0)
		return YES;
	if (out_of_force)
		return rule->action == BH_ACTION_ALLOW ? NO : YES;
	if (known->risks & rule->risks)
		return YES;
	return known->risks_known ? NO : MAYBE;
}

/* ---- the walk ---- */

struct added {
	uint8_t action;
	uint32_t rule;
};

static void conclude(const struct policy_model *model, const struct added *list, uint32_t count,
		     struct bh_answer *answer)
{
	uint32_t allow = 0, reject = 0;
	uint8_t action;

	for (uint32_t i = 0; i < count; i++) {
		allow += list[i].action == BH_ACTION_ALLOW;
		reject += list[i].action == BH_ACTION_REJECT;
	}
	if (allow == count)
		answer->verdict = BH_VERDICT_ALLOW;
	else if (allow > 0)
		answer->verdict = BH_VERDICT_PENDING;
	else
		answer->verdict = reject == count ? BH_VERDICT_REJECT : BH_VERDICT_DENY;
	action = allow > 0 ? BH_ACTION_ALLOW : reject == count ? BH_ACTION_REJECT : BH_ACTION_DENY;
	answer->rule = list[count - 1].rule;
	if (action == BH_ACTION_ALLOW || list[count - 1].action != action)
		for (uint32_t i = 0; i < count; i++)
			if (list[i].action == action) {
				answer->rule = list[i].rule;
				break;
			}
	answer->log = answer->rule == BH_NONE ? model->settings.default_log : model->rules[answer->rule].log;
}

/* One rule; true: it matches for all that remains. */
static bool look(struct reference *reference, const struct model_rule *rule, uint32_t index,
		 const struct bh_knowledge *known, bool out_of_force, struct added *list, uint32_t *count,
		 struct bh_answer *answer)
{
	enum truth a = application(reference, rule, known, out_of_force);
	enum truth n = server_name(rule, known, reference->model->settings.ech);
	enum truth r = risk(rule, known, out_of_force);

	if (a == NO || n == NO || r == NO)
		return false;
	if (rule->monitor) {
		if (a == YES && n == YES && r == YES && answer->open == 0 &&
		    answer->monitored_count < BH_MONITORED_MAX)
			answer->monitored[answer->monitored_count++] = index;
		return false;
	}
	list[(*count)++] = (struct added){ rule->action, index };
	if (a == MAYBE)
		answer->open |= BH_OPEN_APP;
	if (n == MAYBE)
		answer->open |= BH_OPEN_NAME;
	if (r == MAYBE)
		answer->open |= BH_OPEN_RISK;
	if (n != YES || r != YES)
		return false;
	if (a == YES)
		return true;
	for (size_t i = 0; i < reference->count; i++) {
		struct outcome *outcome = &reference->outcomes[i];

		if (apps_have(&rule->apps, outcome->master, outcome->app, outcome->category))
			outcome->remains = false;
	}
	return false;
}

void reference_judge(struct reference *reference, int64_t when, bool apps_out_of_force,
		     const struct bh_session *session, struct bh_answer *answer)
{
	const struct policy_model *model = reference->model;
	struct added *list = calloc(model->rule_count + 1u, sizeof(*list));
	uint32_t count = 0;
	bool ended = false;

	memset(answer, 0, sizeof(*answer));
	if (session->knowledge.ech && model->settings.ech == BH_ECH_DENY) {
		answer->verdict = BH_VERDICT_DENY;
		answer->rule = BH_NONE;
		answer->log = model->settings.default_log;
		free(list);
		return;
	}
	for (size_t i = 0; i < reference->count; i++)
		reference->outcomes[i].remains = true;
	for (uint32_t i = 0; !ended && i < model->rule_count; i++) {
		const struct model_rule *rule = &model->rules[i];

		if (rule->enabled && service_has(rule, session) &&
		    selector_has(model, &rule->from, session->from, session->from_segment) &&
		    selector_has(model, &rule->to, session->to, session->to_segment) &&
		    schedule_has(rule, when))
			ended = look(reference, rule, i, &session->knowledge, apps_out_of_force, list, &count,
				     answer);
	}
	if (!ended)
		list[count++] = (struct added){ model->settings.default_action, BH_NONE };
	conclude(model, list, count, answer);
	free(list);
}
