/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records found by a key: one writer, readers without a lock. The store knows only numbers of records; the
 * records themselves, their keys and their clocks are arrays of whoever uses it.
 *
 * A record that was removed keeps its way on, so that a reader who stands on it finds the end of its chain, and is not
 * given out again for STORE_QUARANTINE_NS: longer than a reader keeps what it found (a batch). A reader that must
 * be certain (store_version) looks at the version before and after.
 */
#ifndef DATAPLANE_STORE_H
#define DATAPLANE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define STORE_NONE UINT32_MAX
#define STORE_SLOTS 1024u                 /* of the wheel; one is 2^30 ns, so it reaches 18 minutes ahead */
#define STORE_QUARANTINE_NS 1000000000ull /* by the clock of the writer */

struct store_link {
	_Atomic uint32_t next;    /* of the chain: record + 1, 0: the end */
	_Atomic uint32_t version; /* odd: in use */
	uint32_t wheel_next;      /* of the wheel's slot or of the free list: record + 1 */
	uint32_t reserved;
	uint64_t freed_ns; /* 0: never used */
};

struct store {
	uint32_t capacity, mask;
	uint64_t seed; /* random: nobody outside can aim at one chain */
	_Atomic uint32_t *heads;
	struct store_link *links;
	_Atomic uint32_t count;
	/* the writer's */
	uint32_t free_first, free_last; /* record + 1 */
	uint64_t tick;                  /* slots up to this one were visited */
	uint32_t wheel[STORE_SLOTS];
};

/* 0, -EINVAL or -ENOMEM. capacity: 1 .. 2^24 records */
int store_init(struct store *s, uint32_t capacity, int socket);
void store_fini(struct store *s);

/* Any thread: the records whose key may be the one of `hash`, STORE_NONE at the end. */
static inline uint32_t store_first(const struct store *s, uint32_t hash)
{
	return atomic_load_explicit(&s->heads[hash & s->mask], memory_order_acquire) - 1;
}

static inline uint32_t store_next(const struct store *s, uint32_t record)
{
	return atomic_load_explicit(&s->links[record].next, memory_order_acquire) - 1;
}

static inline uint32_t store_version(const struct store *s, uint32_t record)
{
	return atomic_load_explicit(&s->links[record].version, memory_order_acquire);
}

/* Any thread; what was read of the record since `version` is whole. */
static inline bool store_unchanged(const struct store *s, uint32_t record, uint32_t version)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&s->links[record].version, memory_order_relaxed) == version;
}

static inline uint32_t store_count(const struct store *s)
{
	return atomic_load_explicit(&s->count, memory_order_relaxed);
}

/* Writer. A free record to fill, to be published next; STORE_NONE: all are used or in quarantine. */
uint32_t store_take(struct store *s, uint64_t now_ns);
/* Writer. Readers may find it from here on; it is due at due_ns. */
void store_publish(struct store *s, uint32_t record, uint32_t hash, uint64_t due_ns);
/* Writer. Visit it again at due_ns; only for a record that store_due() has just given. */
void store_arm(struct store *s, uint32_t record, uint64_t due_ns);
/* Writer. Only for a record that store_due() has just given. */
void store_remove(struct store *s, uint32_t record, uint32_t hash, uint64_t now_ns);
/* Writer. A record whose time may have come: the caller looks at its clock and arms or removes it. STORE_NONE: no
 * more by now. A record may be given early, never more than 2.2 s late. Bounded time. */
uint32_t store_due(struct store *s, uint64_t now_ns);

#endif
