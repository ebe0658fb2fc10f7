/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FAULT_COUNT] = {
#define FAULT_NAME(symbol, name) [FAULT_##symbol] = name,
	FAULTS(FAULT_NAME)
#undef FAULT_NAME
};

/* One NAME=N; returns what follows it, or NULL. */
static const char *read_one(const char *text, uint32_t every[FAULT_COUNT])
{
	size_t length = strcspn(text, "=");
	char *end;

	for (unsigned int i = 0; i < FAULT_COUNT && text[length]; i++) {
		if (strlen(names[i]) != length || memcmp(names[i], text, length) != 0)
			continue;
		unsigned long n = strtoul(text + length + 1, &end, 10);
		if (end == text + length + 1 || text[length + 1] == '-' || !n || n > UINT32_MAX)
			return NULL;
		every[i] = (uint32_t)n;
		return *end == ',' ? end + 1 : *end ? NULL : end;
	}
	return NULL;
}

int fault_arm(const char *list)
{
	uint32_t every[FAULT_COUNT] = { 0 };

	while (list && *list) {
		list = read_one(list, every);
		if (!list)
			return -EINVAL;
	}
	for (unsigned int i = 0; i < FAULT_COUNT; i++) {
		faults[i].every = every[i];
		atomic_store_explicit(&faults[i].seen, 0, memory_order_relaxed);
	}
	return 0;
}
