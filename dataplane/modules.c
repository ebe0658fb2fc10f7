/* SPDX-License-Identifier: BSD-3-Clause */
#include "modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bulkhead/counters.h"
#include "classify.h"
#include "dpi.h"

struct module_set {
	struct module_set *next;
	uint32_t users; /* policies */
	char *list;     /* the custom applications: name, NUL, rule, NUL, .. */
	size_t list_size;
	struct dpi_module *modules[BH_MAX_WORKERS];
};

struct modules {
	uint16_t count;
	bool shared;
	struct module_set *sets;
	struct classifier *const *classifiers;
};

struct modules *modules_new(uint16_t workers, bool shared)
{
	struct modules *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->count = workers;
	m->shared = shared;
	return m;
}

static void free_set(const struct modules *m, struct module_set *set)
{
	for (uint16_t i = 0; i < (m->shared ? 1 : m->count); i++)
		if (set->modules[i])
			dpi_module_free(set->modules[i]);
	free(set->list);
	free(set);
}

void modules_free(struct modules *m)
{
	if (!m)
		return;
	for (struct module_set *set; (set = m->sets);) {
		m->sets = set->next;
		free_set(m, set);
	}
	free(m);
}

void modules_watch(struct modules *m, struct classifier *const *list)
{
	m->classifiers = list;
}

/* The list of custom applications as one string of bytes, for comparing. */
static char *flatten(const struct bh_policy *image, uint64_t count, size_t *size)
{
	char *list, *at;

	*size = 0;
	for (uint64_t i = 0; i < count; i++)
		*size += strlen(bh_string(image, image->CUSTOM_APPS_[i].name)) +
			 strlen(bh_string(image, image->CUSTOM_APPS_[i].rule)) + 2;
	list = at = malloc(*size + 1);
	for (uint64_t i = 0; list && i < count; i++) {
		at = stpcpy(at, bh_string(image, image->CUSTOM_APPS_[i].name)) + 1;
		at = stpcpy(at, bh_string(image, image->CUSTOM_APPS_[i].rule)) + 1;
	}
	return list;
}

static bool make_modules(const struct modules *m, struct module_set *set, const struct bh_policy *image,
			 uint32_t count)
{
	struct dpi_custom *custom = calloc(count + 1, sizeof(*custom));
	bool made = custom;

	for (uint32_t i = 0; custom && i < count; i++) {
		custom[i].name = bh_string(image, image->CUSTOM_APPS_[i].name);
		custom[i].rule = bh_string(image, image->CUSTOM_APPS_[i].rule);
	}
	for (uint16_t i = 0; made && i < m->count; i++) {
		set->modules[i] = m->shared && i ? set->modules[0] : dpi_module_new(custom, count);
		made = set->modules[i];
	}
	free(custom);
	return made;
}

struct module_set *modules_get(struct modules *m, const struct bh_policy *image, bool custom, char *why,
			       size_t why_size)
{
	uint64_t count = custom ? image->CUSTOM_APPS_count : 0;
	size_t size;
	char *list = flatten(image, count, &size);
	struct module_set *set;

	for (set = m->sets; list && set; set = set->next)
		if (set->list_size == size && memcmp(set->list, list, size) == 0) {
			free(list);
			set->users++;
			return set;
		}
	set = list ? calloc(1, sizeof(*set)) : NULL;
	if (set) {
		set->list = list;
		set->list_size = size;
		set->users = 1;
		if (make_modules(m, set, image, (uint32_t)count)) {
			set->next = m->sets;
			m->sets = set;
			return set;
		}
		free_set(m, set);
	} else {
		free(list);
	}
	snprintf(why, why_size,
		 "the detection library refuses the policy's own applications, or has no memory");
	return NULL;
}

void modules_put(struct module_set *set)
{
	if (set)
		set->users--;
}

struct dpi_module **modules_list(struct module_set *set)
{
	return set->modules;
}

/* No session is under detection by it. Sessions begin to be by the policy in force only, so this does not change back. */
static bool is_idle(const struct modules *m, const struct module_set *set)
{
	for (uint16_t i = 0; m->classifiers && i < m->count; i++)
		if (m->classifiers[i] && !classifier_module_idle(m->classifiers[i], set->modules[i]))
			return false;
	return true;
}

void modules_reap(struct modules *m)
{
	for (struct module_set **link = &m->sets; *link;) {
		struct module_set *set = *link;

		if (set->users || !is_idle(m, set)) {
			link = &set->next;
			continue;
		}
		*link = set->next;
		free_set(m, set);
	}
}
