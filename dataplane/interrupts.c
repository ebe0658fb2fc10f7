/* SPDX-License-Identifier: BSD-3-Clause */
#include "interrupts.h"

#include <errno.h>
#include <limits.h>
#include <rte_ethdev.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"

/*
 * PCI devices are asked; of the others only those that have them, since ethdev logs an error for each that has not. memif
 * has the function, and says at each call that it can not.
 *
 * Link changes stay polled (ports_watch_links): a device with one vector has it for queues or for its link, not for both, and
 * a link is looked at ten times a second by the main thread anyway. So intr_conf.lsc is never asked for.
 */
bool interrupts_wanted(const char *device, const char *driver)
{
	return environment_is_pci(device) || strcmp(driver, "net_tap") == 0 ||
	       strcmp(driver, "net_virtio_user") == 0;
}

/*
 * net_tap reads a queue only after a signal of its own, one for each frame, has come to any thread: a worker that its
 * descriptor woke would find nothing until, say, the main thread has been scheduled; and real-time signals queue up,
 * until the kernel falls back to SIGIO, which ends the process. Where no signal is free the driver reads at each poll.
 * Nothing else here uses them.
 */
void interrupts_prepare(void)
{
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		signal(number, SIG_IGN);
}

/*
 * By what the descriptor is, drivers do not tell:
 *
 * - an eventfd: MSI-X by vfio, or vhost's; the device is armed for each interrupt.
 * - the tap device's: readable while frames wait, there is nothing to arm.
 * - uio's has one vector for everything, must be read, and with INTx enabled again after each interrupt, which vmxnet3's driver
 *   does not do: it would interrupt once. Such a port is polled.
 */
static int kind_of(int fd, enum wait_kind *kind)
{
	char path[64], target[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	if (strcmp(target, "anon_inode:[eventfd]") == 0)
		*kind = WAIT_EVENT;
	else if (strcmp(target, "/dev/net/tun") == 0)
		*kind = WAIT_DATA;
	else
		return -ENOTSUP;
	return 0;
}

int interrupts_add(struct port *port, uint16_t queue, struct waiter *waiter)
{
	/* first of all: a driver that has no vectors may not be told to arm one */
	int fd = port->interrupts ? rte_eth_dev_rx_intr_ctl_q_get_fd(port->id, queue) : -1, error;
	enum wait_kind kind;

	if (fd < 0)
		return -ENOTSUP;
	error = kind_of(fd, &kind);
	if (error)
		return error;
	if (kind == WAIT_EVENT) {
		if (rte_eth_dev_rx_intr_enable(port->id, queue) ||
		    rte_eth_dev_rx_intr_disable(port->id, queue))
			return -ENOTSUP;
		port->arms = true;
	}
	return wait_add(waiter, fd, kind);
}

void interrupt_arm(const struct port *port, uint16_t queue, bool on)
{
	if (!port->arms)
		return;
	if (on)
		rte_eth_dev_rx_intr_enable(port->id, queue);
	else
		rte_eth_dev_rx_intr_disable(port->id, queue);
}
