/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A capture through the stages: one frame at a time, on the capture's clock, through as many workers as asked, driven in
 * lock-step by one thread. The result depends on the capture and the image alone.
 */
#ifndef DATAPLANE_REPLAY_H
#define DATAPLANE_REPLAY_H

#include "options.h"

/* Returns the exit status: 0, or 1 with a line on standard error. */
int replay_run(const struct options *options);

#endif
