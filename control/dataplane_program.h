/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DATAPLANE_PROGRAM_H
#define CONTROL_DATAPLANE_PROGRAM_H

/* The path of bulkhead-dataplane: $BULKHEAD_DATAPLANE, else beside this program, in the sbin beside its bin, or in the PATH.
 * malloc'ed; NULL: not found. */
char *dataplane_program(void);

#endif
