/* SPDX-License-Identifier: BSD-3-Clause */
/* What struct policy has beside the image: made before it is published, by the main thread. */
#ifndef DATAPLANE_TABLES_H
#define DATAPLANE_TABLES_H

#include <stddef.h>

#include "ids.h"
#include "policy.h"

struct table_need {
	const char *const *ports; /* names of the appliance's ports, by index */
	uint16_t port_count;
	uint32_t flows, macs, fragments; /* sizes of the tables, for percentages */
	bool replay;
};

/* Everything that may refuse an image, and the tables that need no ids. policy->image is open. 0 or -errno with one line
 * in why; call tables_free() in any case. */
int tables_make(struct policy *policy, const struct table_need *need, char *why, size_t why_size);
/* Give ids to what the image names and fill the tables that have them. 0, -ENOSPC or -ENOMEM with one line in why. */
int tables_name(struct policy *policy, const struct table_need *need, struct ids *ids, char *why,
		size_t why_size);
void tables_free(struct policy *policy);

#endif
