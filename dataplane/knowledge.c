/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of a session's application, server name and risks: kept with the session, told to rules in the ids of their
 * image, and to people by name. Whatever rules can see of it is judged again when it changes (FLOW_RENAMED).
 */
#include <stdio.h>
#include <string.h>

#include "classifier.h"

/* Recognised by inspection, so that rules may see it. */
static const bool inspected[BH_CONFIDENCE_COUNT] = {
#define INSPECTED(symbol, name, by_inspection) [BH_CONFIDENCE_##symbol] = by_inspection,
	BH_CONFIDENCES(INSPECTED)
#undef INSPECTED
};

const char *classifier_name(const struct worker *w, const struct flow *flow)
{
	return name_pool_text(w->classifier->names, flow_cold(w->flows, flow)->name);
}

static uint16_t image_app(const struct policy *policy, uint16_t stable)
{
	if (policy->app_image)
		return stable < APP_STABLE_IDS ? policy->app_image[stable] : 0;
	return stable < dpi_builtin_count() ? stable : 0;
}

void classifier_knowledge(const struct worker *w, const struct flow *flow, const struct policy *policy,
			  struct bh_knowledge *knowledge)
{
	const struct flow_cold *cold = flow_cold(w->flows, flow);
	bool server = cold->name && !(flow->flags & FLOW_NAME_SHOWN_ONLY);

	*knowledge = (struct bh_knowledge){
		.app_known = (flow->flags & FLOW_APP_KNOWN) != 0,
		.name_known = (flow->flags & FLOW_NAME_KNOWN) != 0,
		.name_cut = (flow->flags & FLOW_NAME_CUT) != 0,
		.risks_known = (flow->flags & FLOW_DPI_DONE) != 0,
		.ech = (flow->flags & FLOW_ECH) != 0,
		.trust = (flow->flags & FLOW_TRUST) != 0,
		.name = server ? classifier_name(w, flow) : NULL,
		.risks = cold->risks,
	};
	if (!knowledge->app_known)
		return;
	if (!inspected[cold->confidence] && !policy->image.header->settings.guess) {
		if (flow->flags & FLOW_MASTER_INSPECTED) {
			knowledge->app = image_app(policy, cold->master);
			knowledge->category = (uint8_t)dpi_protocol_category(cold->master);
		}
		return;
	}
	knowledge->master = image_app(policy, cold->master);
	knowledge->app = image_app(policy, cold->app);
	knowledge->category = cold->category;
	if (!knowledge->app) { /* an application of another image: its carrier is still known */
		knowledge->app = knowledge->master;
		knowledge->master = 0;
	}
}

static bool same_knowledge(const struct bh_knowledge *a, const struct bh_knowledge *b)
{
	/* names are interned: one text, one pointer */
	return a->app_known == b->app_known && a->name_known == b->name_known && a->name_cut == b->name_cut &&
	       a->risks_known == b->risks_known && a->category == b->category && a->master == b->master &&
	       a->app == b->app && a->name == b->name && a->risks == b->risks && a->ech == b->ech;
}

static const char *app_name(const struct worker *w, uint16_t stable)
{
	const char *name = dpi_protocol_name(stable);

	if (!name && w->policy)
		name = app_ids_name(w->policy->apps, stable);
	return name ? name : "Unknown";
}

void classifier_application(const struct worker *w, uint16_t master, uint16_t app, char *text, size_t size)
{
	if (master)
		snprintf(text, size, "%s.%s", app_name(w, master), app_name(w, app));
	else
		snprintf(text, size, "%s", app_name(w, app));
}

void classifier_category(uint8_t category, char *text, size_t size)
{
	const char *name = dpi_category_name(category);

	snprintf(text, size, "%s", name ? name : "Unspecified");
}

/* ---- learning ---- */

/* The index of an application in the counters: its id in the image in force. */
static struct bh_app_counters *app_counters(struct worker *w, const struct flow_cold *cold)
{
	uint16_t id = w->policy ? image_app(w->policy, cold->app) : 0;

	return &w->counters->apps[id < BH_APP_IDS ? id : 0];
}

/* What was recognised is never given up for a guess, but a guess may refine it: then it stays known as the carrier. */
static void learn_app(struct worker *w, const struct context *context, const struct dpi_result *result)
{
	const struct contexts *contexts = w->classifier->contexts;
	struct flow_cold *cold = flow_cold(w->flows, context->flow);
	uint32_t *flags = &context->flow->flags;
	uint16_t master = context_app(contexts, context, result->master), app = result->app;

	if (!result->app)
		return;
	if (context->carrier) {
		app = result->master ? result->master : app;
		master = context->carrier;
	}
	if (inspected[result->confidence]) {
		*flags &= ~FLOW_MASTER_INSPECTED;
	} else if (inspected[cold->confidence]) {
		if (!master || master != cold->app)
			return;
		*flags |= FLOW_MASTER_INSPECTED;
	} else if (result->master_inspected) {
		*flags |= FLOW_MASTER_INSPECTED;
	}
	cold->master = master;
	cold->app = context_app(contexts, context, app);
	cold->category = result->category;
	cold->confidence = result->confidence;
}

void knowledge_guess(struct worker *w, const struct context *context, const struct dpi_result *result)
{
	learn_app(w, context, result);
}

static void learn_name(struct worker *w, struct flow *flow, struct flow_cold *cold,
		       const struct dpi_result *result)
{
	struct name_pool *names = w->classifier->names;
	const char *old = name_pool_text(names, cold->name);

	if (result->name_carrier && result->name_cut)
		flow->flags |= FLOW_NAME_KNOWN | FLOW_NAME_CUT;
	if (!result->name[0])
		return;
	if (!old || strcmp(old, result->name)) {
		name_pool_release(names, cold->name);
		cold->name = name_pool_intern(names, result->name, w->seed);
	}
	flow->flags |= FLOW_NAME_SHOWN_ONLY;
	if (!result->name_carrier)
		return;
	flow->flags &= ~FLOW_NAME_SHOWN_ONLY;
	flow->flags |= FLOW_NAME_KNOWN;
	/* one there was no room for is treated like one that was cut: it matches no allow and every deny */
	if (!cold->name)
		flow->flags |= FLOW_NAME_CUT;
}

void knowledge_close(struct worker *w, struct flow *flow)
{
	if (!(flow->flags & (FLOW_DPI_DONE | FLOW_CHANGED)))
		app_counters(w, flow_cold(w->flows, flow))->flows++;
	flow->flags |= FLOW_DPI_DONE | FLOW_APP_KNOWN | FLOW_NAME_KNOWN;
}

void knowledge_learn(struct worker *w, const struct context *context, const struct dpi_result *result)
{
	struct flow *flow = context->flow;
	struct flow_cold *cold = flow_cold(w->flows, flow);
	bool guess = w->policy->image.header->settings.guess;
	struct bh_knowledge before, after;

	if (!result->app && !result->name[0] && !result->risks && !result->done)
		return; /* as mostly while the application is still unknown */
	classifier_knowledge(w, flow, w->policy, &before);
	learn_app(w, context, result);
	learn_name(w, flow, cold, result);
	if (context->tcp && client_hello_has_ech(&context->tcp->hello))
		flow->flags |= FLOW_ECH;
	if (result->name_settled)
		flow->flags |= FLOW_NAME_KNOWN;
	/* what a mere guess brings along is for rules no more than the guess */
	if (!result->app || inspected[result->confidence] || guess)
		cold->risks |= result->risks;
	if (result->app && (inspected[result->confidence] || (flow->flags & FLOW_MASTER_INSPECTED))) {
		flow->flags |= FLOW_APP_KNOWN;
		if (!result->name_carrier)
			flow->flags |= FLOW_NAME_KNOWN;
	}
	if (result->done)
		knowledge_close(w, flow);
	classifier_knowledge(w, flow, w->policy, &after);
	if (!same_knowledge(&before, &after))
		flow->flags |= FLOW_RENAMED;
}

void knowledge_inspected(const struct worker *w, const struct flow *flow, uint16_t *master, uint16_t *app)
{
	const struct flow_cold *cold = flow_cold(w->flows, flow);

	*master = *app = 0;
	if (inspected[cold->confidence]) {
		*master = cold->master;
		*app = cold->app;
	} else if (flow->flags & FLOW_MASTER_INSPECTED) {
		*app = cold->master;
	}
}

void knowledge_change(struct worker *w, const struct context *context, const struct dpi_result *result)
{
	struct flow *flow = context->flow;
	struct flow_cold *cold = flow_cold(w->flows, flow);

	classifier_forget_name(w, flow);
	cold->master = cold->app = 0;
	cold->confidence = BH_CONFIDENCE_UNKNOWN;
	flow->flags &= ~(FLOW_DPI_DONE | FLOW_APP_KNOWN | FLOW_NAME_KNOWN | FLOW_NAME_CUT |
			 FLOW_NAME_SHOWN_ONLY | FLOW_MASTER_INSPECTED | FLOW_ECH);
	flow->flags |= FLOW_CHANGED | FLOW_RENAMED;
	worker_count(w, BH_WORKER_APP_CHANGES, 1);
	knowledge_learn(w, context, result);
}

void classifier_forget_name(struct worker *w, struct flow *flow)
{
	struct flow_cold *cold = flow_cold(w->flows, flow);

	name_pool_release(w->classifier->names, cold->name);
	cold->name = 0;
}

void classifier_account(struct worker *w, const struct flow *flow)
{
	struct bh_app_counters *counters = app_counters(w, flow_cold(w->flows, flow));

	if (!(flow->flags & (FLOW_DPI_DONE | FLOW_CHANGED)))
		counters->flows++;
	counters->packets += flow->packets[0] + flow->packets[1];
	counters->bytes += flow->bytes[0] + flow->bytes[1];
}
