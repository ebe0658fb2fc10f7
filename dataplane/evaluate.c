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
	const struct bh_rows *matrix;
	const uint64_t *summary; /* which words differ from the base */
	const uint64_t *packed;  /* differing words from summary word `at' on */
	uint32_t at;
};

/* Where a session's ends stand: OR of plain rows and of layers (segment AND address). */
struct side {
	uint32_t plain_count, layer_count;
	struct cursor plain[2];
	struct cursor layers[BH_MAX_LAYERS][2];
};

/* Finds the rules whose endpoints, service and source port match. */
struct finder {
	struct cursor service, source_port;
	struct side from, to;
};

/* False: the matrix has no such row, every bit is 0. */
static inline bool cursor_open(struct cursor *cursor, const struct bh_rows *matrix, uint32_t row)
{
	if (row >= matrix->count)
		return false;
	cursor->matrix = matrix;
	cursor->summary = matrix->summaries + (uint64_t)row * matrix->stride;
	cursor->packed = matrix->words + matrix->rows[row];
	cursor->at = 0;
	return true;
}

/* Words of a summary word that can be other than 0. */
static inline uint64_t cursor_words(const struct cursor *cursor, uint32_t summary_word)
{
	return cursor->summary[summary_word] | cursor->matrix->base_summary[summary_word];
}

/* Summary words are asked for in order; what the row has of differing words before is counted when one is read. */
static inline uint64_t cursor_word(struct cursor *cursor, uint32_t summary_word, uint32_t bit)
{
	const uint64_t summary = cursor->summary[summary_word];
	uint64_t word = cursor->matrix->base[summary_word * 64 + bit];

	if (!(summary >> bit & 1))
		return word;
	for (; cursor->at < summary_word; cursor->at++)
		cursor->packed += __builtin_popcountll(cursor->summary[cursor->at]);
	return word ^ cursor->packed[__builtin_popcountll(summary & ((UINT64_C(1) << bit) - 1))];
}

static inline uint64_t side_words(const struct side *side, uint32_t summary_word)
{
	uint64_t words = 0;

	for (uint32_t i = 0; i < side->plain_count; i++)
		words |= cursor_words(&side->plain[i], summary_word);
	for (uint32_t i = 0; i < side->layer_count; i++)
		words |= cursor_words(&side->layers[i][0], summary_word) &
			 cursor_words(&side->layers[i][1], summary_word);
	return words;
}

static inline uint64_t side_word(struct side *side, uint32_t summary_word, uint32_t bit)
{
	uint64_t word = 0;

	for (uint32_t i = 0; i < side->plain_count; i++)
		word |= cursor_word(&side->plain[i], summary_word, bit);
	for (uint32_t i = 0; i < side->layer_count; i++)
		word |= cursor_word(&side->layers[i][0], summary_word, bit) &
			cursor_word(&side->layers[i][1], summary_word, bit);
	return word;
}

/* matrices: of addresses, of segments; layers: of the first layer's segments, its addresses, the second's segments, .. */
static void side_open(struct side *side, const struct bh_rows *matrices, const struct bh_rows *layers,
		      uint32_t layer_count, uint32_t segment, uint32_t address_class)
{
	side->plain_count = side->layer_count = 0;
	if (cursor_open(&side->plain[0], &matrices[0], address_class))
		side->plain_count++;
	if (cursor_open(&side->plain[side->plain_count], &matrices[1], segment))
		side->plain_count++;
	for (uint32_t i = 0; i < layer_count; i++) {
		struct cursor *layer = side->layers[side->layer_count];

		if (cursor_open(&layer[0], &layers[2 * i], segment) &&
		    cursor_open(&layer[1], &layers[2 * i + 1], address_class))
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

#define SPREAD 0x9e3779b97f4a7c15u

/* Neighbours go to places of their own. */
static uint32_t spread(uint64_t key)
{
	return (uint32_t)(key * SPREAD >> 32);
}

static uint32_t address_row(const struct bh_policy *policy, uint64_t high, uint64_t low)
{
	if (high == 0 && low >> 32 == 0xffff)
		return class32_find(policy->ADDRESSES4_, policy->ADDRESSES4_count, (uint32_t)low);
	return class128_find(policy->ADDRESSES6_, policy->ADDRESSES6_count, high, low);
}

/* Row of an address in the matrices: remembered, or by the search. */
static uint32_t address_class(const struct bh_policy *policy, struct bh_memo *memo, const uint8_t address[16])
{
	uint64_t high = load_big_endian(address), low = load_big_endian(address + 8);
	struct bh_memo_address *kept;

	if (memo == NULL)
		return address_row(policy, high, low);
	kept = &memo->addresses[spread(low ^ high * SPREAD) % BH_MEMO_ADDRESSES];
	if (kept->generation != memo->generation || kept->low != low || kept->high != high)
		*kept = (struct bh_memo_address){ high, low, address_row(policy, high, low),
						  memo->generation };
	return kept->row;
}

static uint32_t service_class(const struct bh_policy *policy, struct bh_memo *memo, uint32_t key)
{
	struct bh_memo_service *kept;

	if (memo == NULL)
		return class32_find(policy->SERVICES_, policy->SERVICES_count, key);
	kept = &memo->services[spread(key) % BH_MEMO_SERVICES];
	if (kept->generation != memo->generation || kept->key != key)
		*kept = (struct bh_memo_service){
			key, class32_find(policy->SERVICES_, policy->SERVICES_count, key), memo->generation
		};
	return kept->row;
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
			const struct bh_session *session, struct bh_memo *memo)
{
	const uint8_t protocol = session->protocol;
	const uint32_t service =
		(uint32_t)protocol << 16 | (has_service_key(protocol) ? session->service : 0);
	const uint32_t source = has_ports(protocol) ? (uint32_t)protocol << 16 | session->source_port : 0;
	const uint32_t service_row = service_class(policy, memo, service);
	const uint32_t source_row = class32_find(policy->SOURCE_PORTS_, policy->SOURCE_PORTS_count, source);

	if (!cursor_open(&finder->service, &policy->rows[BH_MATRIX_SERVICE], service_row) ||
	    !cursor_open(&finder->source_port, &policy->rows[BH_MATRIX_SOURCE_PORT], source_row))
		return false;
	side_open(&finder->from, &policy->rows[BH_MATRIX_FROM_ADDRESS], &policy->rows[BH_MATRIX_FROM_LAYERS],
		  policy->layers[0], session->from_segment, address_class(policy, memo, session->from));
	side_open(&finder->to, &policy->rows[BH_MATRIX_TO_ADDRESS], &policy->rows[BH_MATRIX_TO_LAYERS],
		  policy->layers[1], session->to_segment, address_class(policy, memo, session->to));
	return true;
}

/* Words of a summary word that can have a rule that matches. */
static inline uint64_t finder_words(const struct finder *finder, uint32_t summary_word)
{
	uint64_t words = cursor_words(&finder->service, summary_word) &
			 cursor_words(&finder->source_port, summary_word);

	if (words != 0)
		words &= side_words(&finder->from, summary_word);
	if (words != 0)
		words &= side_words(&finder->to, summary_word);
	return words;
}

/* The rules of a word that match. */
static inline uint64_t finder_word(struct finder *finder, uint32_t summary_word, uint32_t bit)
{
	uint64_t rules = cursor_word(&finder->service, summary_word, bit) &
			 cursor_word(&finder->source_port, summary_word, bit);

	if (rules != 0)
		rules &= side_word(&finder->from, summary_word, bit);
	if (rules != 0)
		rules &= side_word(&finder->to, summary_word, bit);
	return rules;
}

/* ---- what is not known at the first packet ---- */

/* Does a part of a rule's condition hold: for no outcome that remains, for some, for all? */
enum part { PART_NONE, PART_SOME, PART_ALL };

struct walk {
	const struct bh_policy *policy;
	const struct bh_context *context;
	const struct bh_session *session;
	struct bh_answer *answer;
	struct bh_app_set settled; /* outcomes that earlier rules took out of the question; if `narrowed' */
	bool narrowed;
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
	static const struct bh_app_set none;
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
	return outcomes_part(walk->narrowed ? &walk->settled : &none, set);
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

/* Field by field: the sets are large, and most sessions never ask for them. */
static void walk_begin(struct walk *walk, const struct bh_policy *policy, const struct bh_context *context,
		       const struct bh_session *session, struct bh_answer *answer)
{
	walk->policy = policy;
	walk->context = context;
	walk->session = session;
	walk->answer = answer;
	walk->narrowed = false;
	walk->seen = 0;
	walk->last_action = 0;
	walk->last_rule = BH_NONE;
}

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
	if (!walk->narrowed) {
		walk->settled = *set;
		walk->narrowed = true;
		return;
	}
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

/* Look at the rules that match, in order. True: one matches for all that remains. */
static bool walk_rules(struct walk *walk, struct finder *finder)
{
	const struct bh_policy *policy = walk->policy;

	for (uint32_t i = 0; i < policy->summary_words; i++) {
		for (uint64_t words = finder_words(finder, i); words != 0; words &= words - 1) {
			uint32_t bit = (uint32_t)__builtin_ctzll(words);
			uint64_t rules = finder_word(finder, i, bit);

			for (; rules != 0; rules &= rules - 1) {
				uint32_t rule = (i * 64 + bit) * 64 + (uint32_t)__builtin_ctzll(rules);

				if (rule >= policy->RULES_count)
					return false;
				if (walk_rule(walk, rule))
					return true;
			}
		}
	}
	return false;
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

void bh_evaluate_memo(const struct bh_policy *policy, const struct bh_context *context,
		      const struct bh_session *session, struct bh_memo *memo, struct bh_answer *answer)
{
	struct finder finder;
	struct walk walk;

	*answer = (struct bh_answer){ .verdict = BH_VERDICT_DENY, .rule = BH_NONE };
	if (session->from_segment >= policy->SEGMENTS_count || session->to_segment >= policy->SEGMENTS_count)
		return; /* not of this image: refused, whatever the default */
	if (session->knowledge.ech && policy->header->settings.ech == BH_ECH_DENY) {
		answer->log = policy->header->settings.default_log;
		return;
	}
	walk_begin(&walk, policy, context, session, answer);
	if (!finder_open(&finder, policy, session, memo) || !walk_rules(&walk, &finder))
		walk_add(&walk, policy->header->settings.default_action, BH_NONE);
	walk_conclude(&walk);
}

void bh_evaluate(const struct bh_policy *policy, const struct bh_context *context,
		 const struct bh_session *session, struct bh_answer *answer)
{
	bh_evaluate_memo(policy, context, session, NULL, answer);
}
