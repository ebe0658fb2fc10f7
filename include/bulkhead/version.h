/* SPDX-License-Identifier: BSD-3-Clause */
/* What --version prints, of all three programs. */
#ifndef BULKHEAD_VERSION_H
#define BULKHEAD_VERSION_H

#define BULKHEAD_VERSION "Bulkhead 0.4"

#endif
