/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers that end at a page that nobody may touch: so that a library that is not instrumented can not read beyond a frame either. */
#ifndef TESTS_GUARDED_H
#define TESTS_GUARDED_H

#include <rte_mbuf.h>

/* Give an mbuf that was just allocated such a buffer; its first `length` bytes of data end where the page begins. */
void guarded_attach(struct rte_mbuf *m, uint16_t length);

#endif
