/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int highest = LOG_INFO;

void log_level(int level)
{
	highest = level;
}

static const char *level_name(int priority)
{
	static const char *const names[] = { "emergency", "alert",  "critical", "error",
					     "warning",   "notice", "info",     "debug" };

	return names[priority & LOG_PRIMASK];
}

void log_line(int priority, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	if (priority > highest)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* one write a line: lines of two processes on one terminal do not mix */
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>bulkhead-dataplane: %s\n", priority, text);
	else
		fprintf(stderr, "bulkhead-dataplane: %s: %s\n", level_name(priority), text);
}
