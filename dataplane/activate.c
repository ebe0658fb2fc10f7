/* SPDX-License-Identifier: BSD-3-Clause */
#include "activate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classify.h"
#include "dpi.h"
#include "ids.h"
#include "imagecopy.h"
#include "modules.h"
#include "tables.h"

/* A policy with what it stands on. */
struct force {
	struct policy policy;
	struct image_copy *image;
	struct module_set *modules; /* NULL: none could be had, applications are out of force */
	int64_t boundary;           /* Unix seconds: when its context is another */
};

struct activate {
	struct activate_need need;
	struct table_need tables;
	struct ids *ids;
	struct app_ids *apps;
	struct modules *modules;
	struct force *now;
	uint32_t generation;
};

struct activate *activate_new(const struct activate_need *need)
{
	struct activate *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->need = *need;
	a->tables = (struct table_need){
		.ports = need->ports,
		.port_count = need->port_count,
		.flows = need->sizes->flows,
		.macs = need->sizes->macs,
		.fragments = need->sizes->fragments,
		.replay = need->replay,
	};
	a->ids = ids_new(need->counters);
	a->apps = app_ids_new();
	a->modules = modules_new(need->workers, need->replay);
	if (a->ids && a->apps && a->modules)
		return a;
	activate_free(a);
	return NULL;
}

void activate_watch(struct activate *a, struct classifier *const *list)
{
	modules_watch(a->modules, list);
}

static void force_free(struct force *f)
{
	if (!f)
		return;
	app_ids_unbind(&f->policy);
	tables_free(&f->policy);
	modules_put(f->modules);
	image_copy_put(f->image);
	free(f);
}

void activate_free(struct activate *a)
{
	if (!a)
		return;
	force_free(a->now);
	modules_free(a->modules);
	app_ids_free(a->apps);
	ids_free(a->ids);
	free(a);
}

const struct policy *activate_policy(const struct activate *a)
{
	return a->now ? &a->now->policy : NULL;
}

int activate_descriptor(const struct activate *a)
{
	return a->now ? a->now->image->fd : -ENOENT;
}

/* ---- building ---- */

/* An image compiled against another library still gets modules: what they find is shown, and server names are in
 * force; only the ids of its applications mean nothing here. */
static int take_modules(struct activate *a, struct force *f, char *why, size_t why_size)
{
	bool foreign = f->policy.image.header->app_digest != dpi_catalogue_digest();

	f->policy.context.apps_out_of_force = foreign;
	f->modules = modules_get(a->modules, &f->policy.image, true, why, why_size);
	if (!f->modules && foreign)
		f->modules = modules_get(a->modules, &f->policy.image, false, why, why_size);
	if (!f->modules && !foreign)
		return -EINVAL;
	f->policy.modules = f->modules ? modules_list(f->modules) : NULL;
	return 0;
}

/* Everything beside the image. `fresh`: an image that was not in force before, whose names may need ids. */
static int build(struct activate *a, struct force *f, bool fresh, uint64_t now_us, char *why, size_t why_size)
{
	int error = bh_image_open(&f->policy.image, f->image->memory, f->image->size, why, why_size);

	if (error)
		return error;
	f->policy.memory = f->image->memory;
	f->policy.memory_size = f->image->size;
	error = tables_make(&f->policy, &a->tables, why, why_size);
	if (!error)
		error = take_modules(a, f, why, why_size);
	if (error)
		return error;
	if (fresh)
		ids_begin(a->ids);
	error = tables_name(&f->policy, &a->tables, a->ids, why, why_size);
	if (error)
		return error;
	error = app_ids_bind(a->apps, &f->policy);
	if (error) {
		snprintf(why, why_size, "the policy's own applications: %s", strerror(-error));
		return error;
	}
	f->boundary = bh_context_at(&f->policy.image, (int64_t)(now_us / 1000000), &f->policy.context);
	return 0;
}

/* NULL: one line in why, and its -errno in *error. Takes a hold of the image. */
static struct force *force_new(struct activate *a, struct image_copy *image, bool fresh, uint64_t now_us,
			       int *error, char *why, size_t why_size)
{
	struct force *f = calloc(1, sizeof(*f));

	if (!f) {
		snprintf(why, why_size, "no memory");
		*error = -ENOMEM;
		return NULL;
	}
	f->image = image_copy_hold(image);
	*error = build(a, f, fresh, now_us, why, why_size);
	if (!*error)
		return f;
	force_free(f);
	return NULL;
}

/* ---- publishing ---- */

static void publish(struct activate *a, struct force *f)
{
	struct force *old = a->now;

	ids_commit(a->ids);
	f->policy.generation = ++a->generation;
	a->now = f;
	a->need.publish(a->need.opaque, &f->policy);
	/* nobody reads it any more */
	force_free(old);
	modules_reap(a->modules);
}

/* `generation` is written last: a reader that sees it sees the rest. */
static void tell_counters(struct activate *a, uint64_t now_us)
{
	struct bh_counters *c = a->need.counters;
	const struct policy *p = &a->now->policy;

	c->apps_out_of_force = p->context.apps_out_of_force;
	c->accepted_us = now_us;
	c->image_size = p->memory_size;
	c->source_digest = p->image.header->source_digest;
	snprintf(c->policy, sizeof(c->policy), "%.*s", BH_NAME_MAX, p->image.header->name);
	atomic_thread_fence(memory_order_release);
	c->generation = p->generation;
}

static void refuse(struct activate *a, char *text, size_t text_size, const char *why)
{
	char line[192];

	snprintf(text, text_size, "%s", why);
	snprintf(line, sizeof(line), "image refused: %.170s", why);
	a->need.notice(a->need.opaque, BH_NOTICE_IMAGE_REFUSED, line);
}

static void tell_accepted(struct activate *a, char *text, size_t text_size)
{
	const struct policy *p = &a->now->policy;
	bool foreign = p->context.apps_out_of_force;

	snprintf(text, text_size, "policy %.63s (%" PRIu64 " rules) in force as generation %u%s",
		 p->image.header->name, p->image.RULES_count, p->generation,
		 foreign ? "; its application rules are OUT OF FORCE: compiled for another detection library"
			 : "");
	a->need.notice(a->need.opaque, BH_NOTICE_IMAGE_ACCEPTED, text);
	if (foreign)
		a->need.notice(
			a->need.opaque, BH_NOTICE_APPLICATIONS,
			"the image was compiled for another version of the detection library: rules with "
			"applications do not allow, but deny, until a new image comes");
}

int activate_image(struct activate *a, int fd, uint64_t now_us, char *text, size_t text_size)
{
	char why[192] = "";
	struct image_copy *image = image_copy_new(fd, why, sizeof(why));
	struct force *f;
	int error = -EINVAL;

	f = image ? force_new(a, image, true, now_us, &error, why, sizeof(why)) : NULL;
	image_copy_put(image);
	if (!f) {
		modules_reap(a->modules);
		refuse(a, text, text_size, why);
		return error;
	}
	publish(a, f);
	tell_counters(a, now_us);
	tell_accepted(a, text, text_size);
	return 0;
}

/* The boundary of a schedule counts as a reload. */
static void turn_schedule(struct activate *a, uint64_t now_us)
{
	char why[192] = "", text[192];
	int error;
	struct force *f = force_new(a, a->now->image, false, now_us, &error, why, sizeof(why));

	if (!f) {
		/* rules of the hour before stay in force: say so, and try again in a second */
		snprintf(text, sizeof(text), "the schedule could not be turned: %.140s", why);
		a->now->boundary = (int64_t)(now_us / 1000000) + 1;
		a->need.notice(a->need.opaque, BH_NOTICE_EXHAUSTED, text);
		return;
	}
	publish(a, f);
	atomic_thread_fence(memory_order_release);
	a->need.counters->generation = f->policy.generation;
	snprintf(text, sizeof(text), "schedules have changed: policy %.63s in force as generation %u",
		 f->policy.image.header->name, f->policy.generation);
	a->need.notice(a->need.opaque, BH_NOTICE_SCHEDULE, text);
}

void activate_tick(struct activate *a, uint64_t now_us)
{
	if (a->now && (int64_t)(now_us / 1000000) >= a->now->boundary)
		turn_schedule(a, now_us);
	modules_reap(a->modules);
}
