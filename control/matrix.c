/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The classes are walked twice in the order in which the sweep found them, so that each step only toggles the rules of
 * the sets that differ. The first walk counts for each rule in how many classes it holds: the majority makes the base
 * row. The second writes the rows as differences from it, equal ones once.
 */
#include "matrix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int literals_add(struct literals *literals, uint32_t rule, uint32_t set, bool negate)
{
	if (literals->count == literals->room) {
		uint64_t room = literals->room * 2 + 64;
		struct literal *list = realloc(literals->list, room * sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		literals->list = list;
		literals->room = room;
	}
	literals->list[literals->count++] = (struct literal){ rule, set, negate };
	return 0;
}

void literals_free(struct literals *literals)
{
	free(literals->list);
	*literals = (struct literals){ 0 };
}

struct builder {
	struct sections *sections;
	const struct matrix_source *source;
	uint32_t words, summary_words;
	uint64_t *uses_first; /* set -> its literals: uses[uses_first[set] .. uses_first[set + 1]) */
	uint32_t *uses;       /* index in literals */
	bool *literal_holds;
	uint32_t *holding;       /* by rule: how many of its literals hold; the rule holds if any */
	uint32_t *since, *total; /* by rule: class at which it began to hold, classes in which it held */
	uint64_t *base, *differs,
		*summary;     /* the base row, the current row XOR base, which words of it are not 0 */
	uint32_t *class_rows; /* class -> index in WORDS */
	uint64_t *class_summaries;
	struct intern index; /* class by hash of its row */
};

static bool builder_alloc(struct builder *b)
{
	const struct matrix_source *source = b->source;
	const uint64_t literals = source->literals->count;

	b->uses_first = calloc((uint64_t)source->set_count + 2, sizeof(*b->uses_first));
	b->uses = calloc(literals + 1, sizeof(*b->uses));
	b->literal_holds = calloc(literals + 1, sizeof(*b->literal_holds));
	b->holding = calloc(source->rule_count + 1u, sizeof(*b->holding));
	b->since = calloc(source->rule_count + 1u, sizeof(*b->since));
	b->total = calloc(source->rule_count + 1u, sizeof(*b->total));
	b->base = calloc(b->words + 1u, sizeof(*b->base));
	b->differs = calloc(b->words + 1u, sizeof(*b->differs));
	b->summary = calloc(b->summary_words + 1u, sizeof(*b->summary));
	b->class_rows = calloc(source->classes->count + 1u, sizeof(*b->class_rows));
	b->class_summaries =
		calloc((uint64_t)source->classes->count * b->summary_words + 1, sizeof(*b->class_summaries));
	return b->uses_first && b->uses && b->literal_holds && b->holding && b->since && b->total &&
	       b->base && b->differs && b->summary && b->class_rows && b->class_summaries;
}

static void builder_free(struct builder *b)
{
	free(b->uses_first);
	free(b->uses);
	free(b->literal_holds);
	free(b->holding);
	free(b->since);
	free(b->total);
	free(b->base);
	free(b->differs);
	free(b->summary);
	free(b->class_rows);
	free(b->class_summaries);
	intern_free(&b->index);
}

/* Which literals are of which set: a counting sort. */
static void builder_uses(struct builder *b)
{
	const struct literals *literals = b->source->literals;
	uint64_t *first = b->uses_first;

	for (uint64_t i = 0; i < literals->count; i++)
		if (literals->list[i].set != SET_EVERYTHING)
			first[literals->list[i].set + 2]++;
	for (uint64_t set = 2; set < (uint64_t)b->source->set_count + 2; set++)
		first[set] += first[set - 1];
	/* first[set + 1] is where the set's uses begin, and when they are placed where they end */
	for (uint64_t i = 0; i < literals->count; i++)
		if (literals->list[i].set != SET_EVERYTHING)
			b->uses[first[literals->list[i].set + 1]++] = (uint32_t)i;
}

/* As it is outside of every set. */
static void builder_rewind(struct builder *b)
{
	const struct literals *literals = b->source->literals;

	memset(b->holding, 0, b->source->rule_count * sizeof(*b->holding));
	for (uint64_t i = 0; i < literals->count; i++) {
		const struct literal *literal = &literals->list[i];

		b->literal_holds[i] = literal->set == SET_EVERYTHING || literal->negate;
		b->holding[literal->rule] += b->literal_holds[i];
	}
}

static void rule_count(struct builder *b, uint32_t rule, bool holds, uint32_t class)
{
	if (holds)
		b->since[rule] = class;
	else
		b->total[rule] += class - b->since[rule];
}

static void rule_flip(struct builder *b, uint32_t rule, bool holds, uint32_t class)
{
	const uint32_t word = rule / 64;
	const uint64_t bit = UINT64_C(1) << word % 64;

	(void)holds;
	(void)class;
	b->differs[word] ^= UINT64_C(1) << rule % 64;
	if (b->differs[word] != 0)
		b->summary[word / 64] |= bit;
	else
		b->summary[word / 64] &= ~bit;
}

typedef void (*rule_changed)(struct builder *b, uint32_t rule, bool holds, uint32_t class);

/* Go on to the next class: tell which rules begin or cease to hold. */
static void builder_step(struct builder *b, uint32_t class, rule_changed changed)
{
	const struct classes *classes = b->source->classes;

	for (uint64_t t = classes->toggle_first[class]; t < classes->toggle_first[class + 1]; t++) {
		const uint32_t set = classes->toggles[t];

		for (uint64_t u = b->uses_first[set]; u < b->uses_first[set + 1]; u++) {
			const uint32_t literal = b->uses[u];
			const uint32_t rule = b->source->literals->list[literal].rule;

			b->literal_holds[literal] = !b->literal_holds[literal];
			if (b->literal_holds[literal]) {
				if (b->holding[rule]++ == 0)
					changed(b, rule, true, class);
			} else if (--b->holding[rule] == 0) {
				changed(b, rule, false, class);
			}
		}
	}
}

/* The base row: each rule as it is in most classes, so that `not` and `any` cost no more than names. */
static void builder_base(struct builder *b)
{
	const uint32_t class_count = b->source->classes->count;

	builder_rewind(b);
	for (uint32_t class = 0; class < class_count; class ++)
		builder_step(b, class, rule_count);
	for (uint32_t rule = 0; rule < b->source->rule_count; rule++) {
		if (b->holding[rule] != 0)
			rule_count(b, rule, false, class_count);
		if (b->total[rule] > class_count / 2)
			b->base[rule / 64] |= UINT64_C(1) << rule % 64;
	}
}

static bool row_equal(const struct builder *b, uint32_t class, const uint64_t *packed, uint32_t count)
{
	const uint64_t *words = b->sections->list[BH_SECTION_WORDS].data;

	return memcmp(b->class_summaries + (uint64_t) class * b->summary_words, b->summary,
		      b->summary_words * sizeof(*b->summary)) == 0 &&
	       (count == 0 || memcmp(words + b->class_rows[class], packed, count * sizeof(*packed)) == 0);
}

/* Write the current row as that of a class, or find it again. `packed` has room for a whole row. */
static int builder_row(struct builder *b, uint32_t class, uint64_t *packed)
{
	uint32_t count = 0, at = 0, equal;
	uint64_t hash, *added;

	for (uint32_t i = 0; i < b->summary_words; i++)
		for (uint64_t left = b->summary[i]; left != 0; left &= left - 1)
			packed[count++] = b->differs[i * 64 + (uint32_t)__builtin_ctzll(left)];
	hash = intern_hash(b->summary, b->summary_words * sizeof(*b->summary), INTERN_SEED);
	hash = intern_hash(packed, count * sizeof(*packed), hash);
	memcpy(b->class_summaries + (uint64_t) class * b->summary_words, b->summary,
	       b->summary_words * sizeof(*b->summary));
	while (intern_next(&b->index, hash, &at, &equal))
		if (row_equal(b, equal, packed, count)) {
			b->class_rows[class] = b->class_rows[equal];
			return 0;
		}
	b->class_rows[class] = (uint32_t)b->sections->list[BH_SECTION_WORDS].count;
	added = sections_add(b->sections, BH_SECTION_WORDS, count);
	if (added == NULL)
		return b->sections->error;
	memcpy(added, packed, count * sizeof(*packed));
	return intern_add(&b->index, hash, class);
}

static int builder_rows(struct builder *b)
{
	uint64_t *packed = malloc((b->words + 1u) * sizeof(*packed));
	int error = packed == NULL ? -ENOMEM : 0;

	builder_rewind(b);
	memcpy(b->differs, b->base, b->words * sizeof(*b->base));
	for (uint32_t word = 0; word < b->words; word++)
		b->summary[word / 64] |= (uint64_t)(b->differs[word] != 0) << word % 64;
	for (uint32_t rule = 0; rule < b->source->rule_count; rule++)
		if (b->holding[rule] != 0)
			rule_flip(b, rule, true, 0);
	for (uint32_t class = 0; error == 0 && class < b->source->classes->count; class ++) {
		builder_step(b, class, rule_flip);
		error = builder_row(b, class, packed);
	}
	free(packed);
	return error;
}

/* The tables of the matrix: for each row its words and its summary, and the base row. */
static int builder_write(struct builder *b, struct bh_matrix *matrix)
{
	struct sections *sections = b->sections;
	const uint32_t rows = b->source->row_count;
	uint64_t *summaries, *base;
	uint32_t *indices;

	matrix->row_count = rows;
	matrix->rows = (uint32_t)sections->list[BH_SECTION_ROWS].count;
	matrix->base = (uint32_t)sections->list[BH_SECTION_WORDS].count;
	matrix->summaries = sections->list[BH_SECTION_SUMMARIES].count;
	base = sections_add(sections, BH_SECTION_WORDS, b->words);
	indices = sections_add(sections, BH_SECTION_ROWS, rows);
	summaries = sections_add(sections, BH_SECTION_SUMMARIES, ((uint64_t)rows + 1) * b->summary_words);
	if (sections->error != 0)
		return sections->error;
	memcpy(base, b->base, b->words * sizeof(*base));
	for (uint32_t row = 0; row < rows; row++, summaries += b->summary_words) {
		const uint32_t class = b->source->row_classes == NULL ? row : b->source->row_classes[row];

		indices[row] = b->class_rows[class];
		memcpy(summaries, b->class_summaries + (uint64_t) class * b->summary_words,
		       b->summary_words * sizeof(*summaries));
	}
	for (uint32_t word = 0; word < b->words; word++)
		summaries[word / 64] |= (uint64_t)(b->base[word] != 0) << word % 64;
	return 0;
}

int matrix_make(struct sections *sections, const struct matrix_source *source, struct bh_matrix *matrix)
{
	struct builder b = { .sections = sections, .source = source };
	int error = -ENOMEM;

	*matrix = (struct bh_matrix){ 0 };
	if (source->literals->count == 0 || source->row_count == 0)
		return 0;
	b.words = (source->rule_count + 63) / 64;
	b.summary_words = (b.words + 63) / 64;
	if (!builder_alloc(&b))
		goto out;
	builder_uses(&b);
	builder_base(&b);
	error = builder_rows(&b);
	if (error == 0)
		error = builder_write(&b, matrix);
out:
	builder_free(&b);
	return error;
}
