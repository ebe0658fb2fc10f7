/* SPDX-License-Identifier: BSD-3-Clause */
/* Ids of applications that outlive an image: sessions keep these, and each policy translates. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify.h"
#include "dpi.h"

/* Names are only added, before a policy that uses them is published: readers need no lock. */
struct app_ids {
	uint32_t count;
	char names[APP_CUSTOM_MAX][BH_NAME_MAX + 1];
};

struct app_ids *app_ids_new(void)
{
	return calloc(1, sizeof(struct app_ids));
}

void app_ids_free(struct app_ids *ids)
{
	free(ids);
}

const char *app_ids_name(const struct app_ids *ids, uint16_t stable)
{
	if (!ids || stable < APP_CUSTOM_FIRST || stable - APP_CUSTOM_FIRST >= (int)APP_CUSTOM_MAX ||
	    !ids->names[stable - APP_CUSTOM_FIRST][0])
		return NULL;
	return ids->names[stable - APP_CUSTOM_FIRST];
}

static int intern(struct app_ids *ids, const char *name)
{
	for (uint32_t i = 0; i < ids->count; i++)
		if (!strcmp(ids->names[i], name))
			return (int)(APP_CUSTOM_FIRST + i);
	if (ids->count == APP_CUSTOM_MAX)
		return -ENOSPC;
	strncpy(ids->names[ids->count], name, BH_NAME_MAX);
	return (int)(APP_CUSTOM_FIRST + ids->count++);
}

static int bind_custom(struct app_ids *ids, struct policy *policy)
{
	uint32_t next = dpi_builtin_count();

	for (uint64_t i = 0; i < policy->image.CUSTOM_APPS_count; i++) {
		int stable = intern(ids, bh_string(&policy->image, policy->image.CUSTOM_APPS_[i].name));
		if (stable < 0)
			return stable;
		if (policy->app_image[stable])
			continue; /* another pattern of a name that was seen */
		if (next >= BH_APP_IDS)
			return -E2BIG;
		policy->app_image[stable] = (uint16_t)next;
		policy->app_stable[next++] = (uint16_t)stable;
	}
	return 0;
}

int app_ids_bind(struct app_ids *ids, struct policy *policy)
{
	policy->apps = ids;
	policy->app_stable = calloc(BH_APP_IDS, sizeof(*policy->app_stable));
	policy->app_image = calloc(APP_STABLE_IDS, sizeof(*policy->app_image));
	int error = policy->app_stable && policy->app_image ? 0 : -ENOMEM;

	for (uint32_t id = 0; !error && id < dpi_builtin_count(); id++)
		policy->app_stable[id] = policy->app_image[id] = (uint16_t)id;
	if (!error)
		error = bind_custom(ids, policy);
	if (error)
		app_ids_unbind(policy);
	return error;
}

void app_ids_unbind(struct policy *policy)
{
	free(policy->app_stable);
	free(policy->app_image);
	policy->app_stable = policy->app_image = NULL;
	policy->apps = NULL;
}
