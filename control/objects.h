/* SPDX-License-Identifier: BSD-3-Clause */
/* What an image holds besides rules: networks, segments, bindings, mirrors, applications, ethertypes, time zone. */
#ifndef CONTROL_OBJECTS_H
#define CONTROL_OBJECTS_H

#include <stdint.h>

#include "model.h"
#include "sections.h"

/* created: as of policy_compile(). 0, -ENOMEM, or -E2BIG, -ENOENT, -EINVAL with a problem added. */
int objects_write(struct sections *sections, const struct policy_model *model, int64_t created,
		  struct problems *problems);

#endif
