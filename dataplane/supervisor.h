/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SUPERVISOR_H
#define DATAPLANE_SUPERVISOR_H

/* sd_notify(3) in a few lines: tell the supervisor (NOTIFY_SOCKET), if there is one that wants to know. 0 or -errno */
int supervisor_tell(const char *state);

#endif
