/* SPDX-License-Identifier: BSD-3-Clause */
#include "daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_INHERITED 3 /* sd_listen_fds(3): the first descriptor */
#define LISTEN_BACKLOG 128
#define LISTEN_GROUPS 256

/* A socket of a dead predecessor is removed, one that somebody listens on is not. */
static int remove_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	close(fd);
	if (error == ENOENT)
		return 0;
	if (error == ECONNREFUSED)
		return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
	return error && error != EAGAIN ? -error : -EADDRINUSE;
}

static int inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	int listening = 0;
	socklen_t size = sizeof(listening);

	if (!pid || !count || strtol(pid, NULL, 10) != getpid() || strtol(count, NULL, 10) < 1)
		return -ENOENT;
	if (getsockopt(LISTEN_INHERITED, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening)
		return -EINVAL;
	return LISTEN_INHERITED;
}

int listen_open(const char *run, uid_t uid, gid_t gid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	int fd = inherited();
	if (fd != -ENOENT)
		return fd;
	int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/bulkheadd.sock", run);
	if (length < 0 || (size_t)length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	int error = remove_stale(&address);
	if (error)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* nobody may connect before owner and mode are as they should be */
	mode_t mask = umask(0177);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (error)
		goto err_close;
	if ((geteuid() == 0 && lchown(address.sun_path, uid, gid) < 0) || chmod(address.sun_path, 0660) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0) {
		error = -errno;
		goto err_unlink;
	}
	return fd;
err_unlink:
	unlink(address.sun_path);
err_close:
	close(fd);
	return error;
}

/* The mode of the socket says the same; but a socket handed down may have another. */
bool listen_permits(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	gid_t groups[LISTEN_GROUPS];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid() || peer.gid == getegid())
		return true;
	size = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++) {
		if (groups[i] == getegid())
			return true;
	}
	return false;
}
