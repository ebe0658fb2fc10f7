/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The judge: which rule decides a session. Follows an image that bh_image_open() has checked; the only
 * things still looked at with suspicion are the session and what is known of it.
 */
#include <string.h>

#include "bulkhead/evaluate.h"
#include "bulkhead/image.h"

#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_SCTP 132

/* ---- rows of the matrices ---- */

/* One row of one matrix, read from its first word to its last. */
struct cursor {
	const uint64_t *summary, *base_summary; /* which words differ from the base, which of it are not 0 */
	const uint64_t *base;
	const uint64_t *packed; /* differing words from the current summary word on */
};

/* Where a session's ends stand: OR of plain rows and of layers (segment AND address). */
struct side {
	struct cursor plain[2];
	struct cursor layers[BH_MAX_LAYERS][2];
	uint32_t plain_count, layer_count;
};

/* Finds the rules whose endpoints, service and source port match, in order. */
struct finder {
	struct side from, to;
	struct cursor service, source_port;
	uint32_t summary_word, summary_words;
	uint64_t words; /* of the current summary word: those that can have a rule and were not looked at */
	uint32_t word;
	uint64_t rules; /* of the current word: those that match and were not given out */
};

/* False: the matrix has no such row, every bit is 0. */
static bool cursor_open(struct cursor *cursor, const struct bh_policy *policy, int matrix_id, uint32_t row)
{
	const struct bh_matrix *matrix = &policy->MATRICES_[matrix_id];

	if (row >= matrix->row_count)
		return false;
	cursor->summary = policy->SUMMARIES_ + matrix->summaries + (uint64_t)row * policy->summary_words;
	cursor->base_summary =
		policy->SUMMARIES_ + matrix->summaries + (uint64_t)matrix->row_count * policy->summary_words;
	cursor->base = policy->WORDS_ + matrix->base;
	cursor->packed = policy->WORDS_ + policy->ROWS_[matrix->rows + row];
	return true;
}

/* Words of a summary word that can be other than 0. */
static inline uint64_t cursor_words(const struct cursor *cursor, uint32_t summary_word)
{
	return cursor->summary[summary_word] | cursor->base_summary[summary_word];
}

static inline uint64_t cursor_word(const struct cursor *cursor, uint32_t summary_word, uint32_t bit)
{
	const uint64_t summary = cursor->summary[summary_word];
	uint64_t word = cursor->base[summary_word * 64 + bit];

	if (summary >> bit & 1)
		word ^= cursor->packed[__builtin_popcountll(summary & ((UINT64_C(1) << bit) - 1))];
	return word;
}

static inline void cursor_next(struct cursor *cursor, uint32_t summary_word)
{
	cursor->packed += __builtin_popcountll(cursor->summary[summary_word]);
}

static uint64_t side_words(const struct side *side, uint32_t summary_word)
{
	uint64_t words = 0;

	for (uint32_t i = 0; i < side->plain_count; i++)
		words |= cursor_words(&side->plain[i], summary_word);
	for (uint32_t i = 0; i < side->layer_count; i++)
		words |= cursor_words(&side->layers[i][0], summary_word) &
			 cursor_words(&side->layers[i][1], summary_word);
	return words;
}

static uint64_t side_word(const struct side *side, uint32_t summary_word, uint32_t bit)
{
	uint64_t word = 0;

	for (uint32_t i = 0; i < side->plain_count; i++)
		word |= cursor_word(&side->plain[i], summary_word, bit);
	for (uint32_t i = 0; i < side->layer_count; i++)
		word |= cursor_word(&side->layers[i][0], summary_word, bit) &
			cursor_word(&side->layers[i][1], summary_word, bit);
	return word;
}

static void side_next(struct side *side, uint32_t summary_word)
{
	for (uint32_t i = 0; i < side->plain_count; i++)
		cursor_next(&side->plain[i], summary_word);
	for (uint32_t i = 0; i < side->layer_count; i++) {
		cursor_next(&side->layers[i][0], summary_word);
		cursor_next(&side->layers[i][1], summary_word);
	}
}

static void side_open(struct side *side, const struct bh_policy *policy, int address_matrix,
		      int segment_matrix, int layers, uint32_t segment, uint32_t address_class)
{
	side->plain_count = side->layer_count = 0;
	if (cursor_open(&side->plain[0], policy, address_matrix, address_class))
		side->plain_count++;
	if (cursor_open(&side->plain[side->plain_count], policy, segment_matrix, segment))
		side->plain_count++;
	for (int i = 0; i < (int)BH_MAX_LAYERS; i++) {
		struct cursor *layer = side->layers[side->layer_count];

		if (cursor_open(&layer[0], policy, layers + 2 * i, segment) &&
		    cursor_open(&layer[1], policy, layers + 2 * i + 1, address_class))
			side->layer_count++;
	}
}

/* ---- from a session to its rows ---- */

static uint32_t class32_find(const struct bh_class32 *list, uint64_t count, uint32_t key)
{
	uint64_t low = 0; /* list[low].start <= key, for list[0].start is 0 */

	while (count > 1) {
		uint64_t half = count / 2;

		low += list[low + half].start <= key ? half : 0;
		count -= half;
	}
	return list[low].row;
}

static uint32_t class128_find(const struct bh_class128 *list, uint64_t count, uint64_t high, uint64_t key_low)
{
	uint64_t low = 0;

	while (count > 1) {
		const struct bh_class128 *middle = &list[low + count / 2];
		bool below = middle->high < high || (middle->high == high && middle->low <= key_low);

		low += below ? count / 2 : 0;
		count -= count / 2;
	}
	return list[low].row;
}

static uint64_t load_big_endian(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return __builtin_bswap64(value);
}

static uint32_t address_class(const struct bh_policy *policy, const uint8_t address[16])
{
	uint64_t high = load_big_endian(address), low = load_big_endian(address + 8);

	if (high == 0 && low >> 32 == 0xffff)
		return class32_find(policy->ADDRESSES4_, policy->ADDRESSES4_count, (uint32_t)low);
	return class128_find(policy->ADDRESSES6_, policy->ADDRESSES6_count, high, low);
}

static bool has_ports(uint8_t protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_SCTP;
}

static bool has_service_key(uint8_t protocol)
{
	return has_ports(protocol) || protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6;
}

/* False: no rule matches anything in the service or source-port dimension. */
static bool finder_open(struct finder *finder, const struct bh_policy *policy,
			const struct bh_session *session)
{
	const uint8_t protocol = session->protocol;
	const uint32_t service =
		(uint32_t)protocol << 16 | (has_service_key(protocol) ? session->service : 0);
	const uint32_t source = has_ports(protocol) ? (uint32_t)protocol << 16 | session->source_port : 0;
	const uint32_t service_row = class32_find(policy->SERVICES_, policy->SERVICES_count, service);
	const uint32_t source_row = class32_find(policy->SOURCE_PORTS_, policy->SOURCE_PORTS_count, source);

	finder->summary_word = 0;
	finder->summary_words = policy->summary_words;
	finder->words = finder->rules = 0;
	if (!cursor_open(&finder->service, policy, BH_MATRIX_SERVICE, service_row) ||
	    !cursor_open(&finder->source_port, policy, BH_MATRIX_SOURCE_PORT, source_row))
		return false;
	side_open(&finder->from, policy, BH_MATRIX_FROM_ADDRESS, BH_MATRIX_FROM_SEGMENT,
		  BH_MATRIX_FROM_LAYERS, session->from_segment, address_class(policy, session->from));
	side_open(&finder->to, policy, BH_MATRIX_TO_ADDRESS, BH_MATRIX_TO_SEGMENT, BH_MATRIX_TO_LAYERS,
		  session->to_segment, address_class(policy, session->to));
	return true;
}

static uint64_t finder_words(const struct finder *finder, uint32_t summary_word)
{
	uint64_t words = cursor_words(&finder->service, summary_word) &
			 cursor_words(&finder->source_port, summary_word);

	if (words != 0)
		words &= side_words(&finder->from, summary_word);
	if (words != 0)
		words &= side_words(&finder->to, summary_word);
	return words;
}

static uint64_t finder_word(const struct finder *finder, uint32_t summary_word, uint32_t bit)
{
	uint64_t rules = cursor_word(&finder->service, summary_word, bit) &
			 cursor_word(&finder->source_port, summary_word, bit);

	if (rules != 0)
		rules &= side_word(&finder->from, summary_word, bit);
	if (rules != 0)
		rules &= side_word(&finder->to, summary_word, bit);
	return rules;
}

/* The next rule whose endpoints, service and source port match, or BH_NONE. */
static uint32_t finder_next(struct finder *finder)
{
	uint32_t bit;

	/* summary_word is one ahead of the words under way; cursors move when it is left behind */
	while (finder->rules == 0) {
		while (finder->words == 0) {
			if (finder->summary_word == finder->summary_words)
				return BH_NONE;
			if (finder->summary_word > 0) {
				cursor_next(&finder->service, finder->summary_word - 1);
				cursor_next(&finder->source_port, finder->summary_word - 1);
				side_next(&finder->from, finder->summary_word - 1);
				side_next(&finder->to, finder->summary_word - 1);
			}
			finder->words = finder_words(finder, finder->summary_word++);
		}
		bit = (uint32_t)__builtin_ctzll(finder->words);
		finder->words &= finder->words - 1;
		finder->word = (finder->summary_word - 1) * 64 + bit;
		finder->rules = finder_word(finder, finder->summary_word - 1, bit);
	}
	bit = (uint32_t)__builtin_ctzll(finder->rules);
	finder->rules &= finder->rules - 1;
	return finder->word * 64 + bit;
}

/* ---- what is not known at the first packet ---- */

/* Does a part of a rule's condition hold: for no outcome that remains, for some, for all? */
enum part { PART_NONE, PART_SOME, PART_ALL };

struct walk {
	const struct bh_policy *policy;
	const struct bh_context *context;
	const struct bh_session *session;
	struct bh_answer *answer;
	struct bh_app_set settled; /* outcomes that earlier rules took out of the question */
	uint32_t first[BH_ACTION_COUNT];
	uint8_t seen; /* bit enum bh_action */
	uint8_t last_action;
	uint32_t last_rule;
};

static bool set_has_id(const struct bh_app_set *set, uint16_t id)
{
	return id < BH_APP_IDS && (set->ids[id / 64] >> id % 64 & 1);
}

static bool set_has_outcome(const struct bh_app_set *set, const struct bh_knowledge *known)
{
	if (set->categories[known->category / 64] >> known->category % 64 & 1)
		return true;
	if (known->master == 0 && known->app == 0)
		return set->ids[0] & 1;
	return (known->master != 0 && set_has_id(set, known->master)) ||
	       (known->app != 0 && set_has_id(set, known->app));
}

/*
 * A rule's applications against the outcomes that remain. An outcome is `unknown` (id 0, category 0), or a
 * (master or none, app, category) of any ids and any category; it is in a set if any of the three is. So the known
 * outcomes outside of a set are all those of the ids and of the categories outside, and there is one if
 * there is an id and a category.
 */
static enum part outcomes_part(const struct bh_app_set *settled, const struct bh_app_set *set)
{
	const bool unknown_left = !((settled->ids[0] | settled->categories[0]) & 1);
	const bool unknown_in = (set->ids[0] | set->categories[0]) & 1;
	bool ids_left = false, ids_in = false, ids_out = false;
	bool categories_left = false, categories_in = false, categories_out = false;
	bool some_in, some_out;

	for (int i = 0; i < BH_APP_IDS / 64; i++) {
		uint64_t left = ~settled->ids[i] & (i == 0 ? ~UINT64_C(1) : ~UINT64_C(0));

		ids_left |= left != 0;
		ids_in |= (left & set->ids[i]) != 0;
		ids_out |= (left & ~set->ids[i]) != 0;
	}
	for (int i = 0; i < BH_APP_CATEGORIES / 64; i++) {
		uint64_t left = ~settled->categories[i];

		categories_left |= left != 0;
		categories_in |= (left & set->categories[i]) != 0;
		categories_out |= (left & ~set->categories[i]) != 0;
	}
	some_in = (ids_in && categories_left) || (ids_left && categories_in) || (unknown_left && unknown_in);
	some_out = (ids_out && categories_out) || (unknown_left && !unknown_in);
	if (!some_in)
		return PART_NONE;
	return some_out ? PART_SOME : PART_ALL;
}

static enum part application_part(const struct walk *walk, const struct bh_rule *rule)
{
	const struct bh_knowledge *known = &walk->session->knowledge;
	const struct bh_app_set *set;

	if (rule->app_set == BH_NONE)
		return PART_ALL;
	if (walk->context->apps_out_of_force)
		return rule->action == BH_ACTION_ALLOW ? PART_NONE : PART_ALL;
	if (known->trust)
		return PART_ALL;
	set = &walk->policy->APP_SETS_[rule->app_set];
	if (known->app_known)
		return set_has_outcome(set, known) ? PART_ALL : PART_NONE;
	return outcomes_part(&walk->settled, set);
}

/* Compares prefix + rest[0..length) with a name of the image. */
static int name_compare(const char *name, const char *prefix, const char *rest, size_t length)
{
	for (; *prefix != '\0'; prefix++, name++)
		if (*name != *prefix)
			return (unsigned char)*prefix - (unsigned char)*name;
	for (size_t i = 0; i < length; i++)
		if (name[i] != rest[i])
			return (unsigned char)rest[i] - (unsigned char)name[i];
	return name[length] == '\0' ? 0 : -1;
}

static bool names_have(const struct bh_policy *policy, const struct bh_name_set *set, const char *prefix,
		       const char *rest, size_t length)
{
	const uint32_t *names = policy->NAMES_ + set->first;
	uint32_t low = 0, high = set->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = name_compare(bh_string(policy, names[middle]), prefix, rest, length);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* "a.b.c" is asked for as it is, then as "*.b.c" and "*.c". The dot that may end a full name (RFC 1034, 3.1) is
 * not part of it: else "evil.example." would pass a rule against "evil.example". */
static bool names_match(const struct bh_policy *policy, const struct bh_name_set *set, const char *name)
{
	size_t length = strlen(name);

	if (length > 1 && name[length - 1] == '.')
		length--;
	if (length == 0)
		return false;
	if (names_have(policy, set, "", name, length))
		return true;
	for (size_t i = 1; i < length; i++)
		if (name[i] == '.' && names_have(policy, set, "*", name + i, length - i))
			return true;
	return false;
}

static enum part server_name_part(const struct walk *walk, const struct bh_rule *rule)
{
	const struct bh_knowledge *known = &walk->session->knowledge;
	const struct bh_name_set *set;

	if (rule->name_set == BH_NONE || known->trust)
		return PART_ALL;
	if (known->name_cut || (known->ech && walk->policy->header->settings.ech != BH_ECH_ALLOW))
		return rule->action == BH_ACTION_ALLOW ? PART_NONE : PART_ALL;
	set = &walk->policy->NAME_SETS_[rule->name_set];
	if (known->name != NULL)
		return names_match(walk->policy, set, known->name) ? PART_ALL : PART_NONE;
	return known->name_known ? PART_NONE : PART_SOME;
}

static enum part risk_part(const struct walk *walk, const struct bh_rule *rule)
{
	const struct bh_knowledge *known = &walk->session->knowledge;

	if (rule->risks == 0)
		return PART_ALL;
	if (walk->context->apps_out_of_force)
		return rule->action == BH_ACTION_ALLOW ? PART_NONE : PART_ALL;
	if (known->risks & rule->risks)
		return PART_ALL;
	return known->risks_known ? PART_NONE : PART_SOME;
}

/* ---- the walk ---- */

static void walk_add(struct walk *walk, uint8_t action, uint32_t rule)
{
	if (!(walk->seen >> action & 1))
		walk->first[action] = rule;
	walk->seen |= (uint8_t)(1u << action);
	walk->last_action = action;
	walk->last_rule = rule;
}

static void walk_settle(struct walk *walk, const struct bh_app_set *set)
{
	for (int i = 0; i < BH_APP_IDS / 64; i++)
		walk->settled.ids[i] |= set->ids[i];
	for (int i = 0; i < BH_APP_CATEGORIES / 64; i++)
		walk->settled.categories[i] |= set->categories[i];
}

/* Look at one rule whose endpoints and service match. True: it matches for all that remains, the walk ends. */
static bool walk_rule(struct walk *walk, uint32_t index)
{
	const struct bh_rule *rule = &walk->policy->RULES_[index];
	struct bh_answer *answer = walk->answer;
	enum part app, name, risk;
	uint8_t open;

	if (!(rule->flags & BH_RULE_ENABLED))
		return false;
	if (rule->schedule != BH_NONE &&
	    !(walk->context->schedules[rule->schedule / 64] >> rule->schedule % 64 & 1))
		return false;
	risk = risk_part(walk, rule);
	if (risk == PART_NONE)
		return false;
	app = application_part(walk, rule);
	if (app == PART_NONE)
		return false;
	name = server_name_part(walk, rule);
	if (name == PART_NONE)
		return false;
	open = (app == PART_SOME ? BH_OPEN_APP : 0) | (name == PART_SOME ? BH_OPEN_NAME : 0) |
	       (risk == PART_SOME ? BH_OPEN_RISK : 0);
	if (rule->flags & BH_RULE_MONITOR) {
		/* for certain: also that no rule above can still take the session */
		if (open == 0 && answer->open == 0 && answer->monitored_count < BH_MONITORED_MAX)
			answer->monitored[answer->monitored_count++] = index;
		return false;
	}
	walk_add(walk, rule->action, index);
	answer->open |= open;
	if (open == BH_OPEN_APP)
		walk_settle(walk, &walk->policy->APP_SETS_[rule->app_set]);
	return open == 0;
}

/* What can still come out makes the verdict. */
static void walk_conclude(const struct walk *walk)
{
	struct bh_answer *answer = walk->answer;
	uint8_t action;

	if (walk->seen & 1u << BH_ACTION_ALLOW) {
		bool only = walk->seen == 1u << BH_ACTION_ALLOW;

		answer->verdict = only ? BH_VERDICT_ALLOW : BH_VERDICT_PENDING;
		answer->rule = walk->first[BH_ACTION_ALLOW];
	} else {
		action = walk->seen == 1u << BH_ACTION_REJECT ? BH_ACTION_REJECT : BH_ACTION_DENY;
		answer->verdict = action == BH_ACTION_REJECT ? BH_VERDICT_REJECT : BH_VERDICT_DENY;
		answer->rule = walk->last_action == action ? walk->last_rule : walk->first[action];
	}
	answer->log = answer->rule == BH_NONE ? walk->policy->header->settings.default_log
					      : (walk->policy->RULES_[answer->rule].flags & BH_RULE_LOG) != 0;
}

void bh_evaluate(const struct bh_policy *policy, const struct bh_context *context,
		 const struct bh_session *session, struct bh_answer *answer)
{
	struct walk walk = { .policy = policy, .context = context, .session = session, .answer = answer };
	struct finder finder;
	uint32_t rule = BH_NONE;

	*answer = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = BH_NONE };
	if (session->from_segment >= policy->SEGMENTS_count || session->to_segment >= policy->SEGMENTS_count)
		return; /* not of this image: refused, whatever the default */
	if (session->knowledge.ech && policy->header->settings.ech == BH_ECH_DENY) {
		answer->log = policy->header->settings.default_log;
		return;
	}
	if (finder_open(&finder, policy, session)) {
		do
			rule = finder_next(&finder);
		while (rule < policy->RULES_count && !walk_rule(&walk, rule));
	}
	if (rule >= policy->RULES_count)
		walk_add(&walk, policy->header->settings.default_action, BH_NONE);
	walk_conclude(&walk);
}

/* ---- schedules ---- */

#define DAY 86400
#define WHEN_MAX (INT64_C(1) << 55) /* as the reader grants for ZONES: no sum below overflows */

static int64_t floor_divide(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

/* Index of the element of ZONES that holds at a moment. */
static uint64_t zone_at(const struct bh_policy *policy, int64_t when)
{
	uint64_t low = 0, high = policy->ZONES_count;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (policy->ZONES_[middle].since <= when)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static bool schedule_active(const struct bh_schedule *schedule, int64_t local)
{
	const int64_t day = floor_divide(local, DAY);
	const int minute = (int)((local - day * DAY) / 60);
	const int weekday = (int)(day + 3 - floor_divide(day + 3, 7) * 7); /* 1970-01-01 was a Thursday */
	const bool today = schedule->days >> weekday & 1;
	const bool yesterday = schedule->days >> (weekday + 6) % 7 & 1;

	if (schedule->from == schedule->to)
		return today;
	if (schedule->from < schedule->to)
		return today && minute >= schedule->from && minute < schedule->to;
	return (today && minute >= schedule->from) || (yesterday && minute < schedule->to);
}

/* The first moment in (when, until) at which the schedule is not `active`, under one offset; else `until`. */
static int64_t schedule_change(const struct bh_schedule *schedule, bool active, int64_t when, int64_t until,
			       int32_t offset)
{
	const int64_t today = floor_divide(when + offset, DAY);
	const int edges[] = { 0, schedule->from < schedule->to ? schedule->from : schedule->to,
			      schedule->from < schedule->to ? schedule->to : schedule->from };

	for (int64_t day = today; day <= today + 8; day++)
		for (int i = 0; i < 3; i++) {
			int64_t local = day * DAY + edges[i] * 60;

			if (local - offset >= until)
				return until;
			if (local - offset > when && schedule_active(schedule, local) != active)
				return local - offset;
		}
	return until; /* a whole week without change: there is none under this offset */
}

/* When a schedule will be another than `active` next. */
static int64_t schedule_next(const struct bh_policy *policy, const struct bh_schedule *schedule, bool active,
			     int64_t when)
{
	for (uint64_t zone = zone_at(policy, when);; zone++) {
		const bool last = zone + 1 == policy->ZONES_count;
		const int64_t until = last ? INT64_MAX : policy->ZONES_[zone + 1].since;
		const int64_t next =
			schedule_change(schedule, active, when, until, policy->ZONES_[zone].offset);

		if (next != until || last)
			return next;
		if (schedule_active(schedule, until + policy->ZONES_[zone + 1].offset) != active)
			return until;
		when = until;
	}
}

int64_t bh_context_at(const struct bh_policy *policy, int64_t when, struct bh_context *context)
{
	int64_t change = INT64_MAX;

	if (when > WHEN_MAX)
		when = WHEN_MAX;
	if (when < -WHEN_MAX)
		when = -WHEN_MAX;
	memset(context->schedules, 0, sizeof(context->schedules));
	for (uint64_t i = 0; i < policy->SCHEDULES_count; i++) {
		const struct bh_schedule *schedule = &policy->SCHEDULES_[i];
		const int64_t local = when + policy->ZONES_[zone_at(policy, when)].offset;
		const bool active = schedule_active(schedule, local);
		const int64_t next = schedule_next(policy, schedule, active, when);

		if (active)
			context->schedules[i / 64] |= UINT64_C(1) << i % 64;
		if (next < change)
			change = next;
	}
	return change;
}
