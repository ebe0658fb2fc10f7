/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines for people on standard error; main thread only, never on the way of a frame. */
#ifndef DATAPLANE_LOG_H
#define DATAPLANE_LOG_H

#include <syslog.h>

#include "bulkhead/events.h"

/* Lines of a priority above `level` (syslog(3): LOG_ERR .. LOG_DEBUG) are not written. Starts with LOG_INFO. */
void log_level(int level);

/* One line. Under systemd it begins with the priority as sd-daemon(3) has it. */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How a module of the main thread tells what the control socket's clients and the log should know. */
typedef void (*notice_function)(void *opaque, enum bh_notice_kind kind, const char *text);

#endif
