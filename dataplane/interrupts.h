/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive interrupts of ports, for workers that wait (wait.h). Main thread, but for interrupt_arm(). */
#ifndef DATAPLANE_INTERRUPTS_H
#define DATAPLANE_INTERRUPTS_H

#include "ports.h"
#include "wait.h"

/* Whether the device of a port is worth asking for them in its configuration (rte_eth_conf.intr_conf.rxq). */
bool interrupts_wanted(const char *device, const char *driver);

/* Before the first net_tap device is made: its driver's way to find out that frames wait is not ours. */
void interrupts_prepare(void);

/* Does a queue of a started port interrupt? Then it wakes the waiter from now on. 0, -ENOTSUP or another -errno */
int interrupts_add(struct port *port, uint16_t queue, struct waiter *waiter);

/* Ask the device for one interrupt, or for none any more. The queue is to be looked at after it was armed: what came before
 * may not interrupt. The queue's worker; does nothing where there is nothing to arm. */
void interrupt_arm(const struct port *port, uint16_t queue, bool on);

#endif
