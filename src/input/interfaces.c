/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libnfnetlink's table of interfaces, with a lock around it. */
#include "input/interfaces.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <libnfnetlink/libnfnetlink.h>

struct interfaces {
	struct nlif_handle *table;
	pthread_mutex_t lock; /* of the table */
	uint32_t epoch; /* atomic */
};

int interfaces_new(struct interfaces **ret_interfaces)
{
	struct interfaces *interfaces = calloc(1, sizeof(*interfaces));
	int fd, rc = -ENOMEM;

	if (!interfaces)
		return rc;
	interfaces->table = nlif_open();
	if (!interfaces->table || nlif_query(interfaces->table) < 0) {
		rc = errno ? -errno : -EIO;
		if (interfaces->table)
			nlif_close(interfaces->table);
		free(interfaces);
		return rc;
	}
	fd = nlif_fd(interfaces->table);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	pthread_mutex_init(&interfaces->lock, NULL);
	interfaces->epoch = 1;
	*ret_interfaces = interfaces;
	return 0;
}

void interfaces_free(struct interfaces *interfaces)
{
	if (!interfaces)
		return;
	nlif_close(interfaces->table);
	pthread_mutex_destroy(&interfaces->lock);
	free(interfaces);
}

int interfaces_fd(const struct interfaces *interfaces)
{
	return nlif_fd(interfaces->table);
}

/* After lost notices the table is asked for whole. */
void interfaces_dispatch(struct interfaces *interfaces)
{
	pthread_mutex_lock(&interfaces->lock);
	if (nlif_catch(interfaces->table) < 0 && errno == ENOBUFS)
		nlif_query(interfaces->table);
	pthread_mutex_unlock(&interfaces->lock);
	__atomic_add_fetch(&interfaces->epoch, 1, __ATOMIC_RELEASE);
}

uint32_t interfaces_epoch(const struct interfaces *interfaces)
{
	return __atomic_load_n(&interfaces->epoch, __ATOMIC_ACQUIRE);
}

int interfaces_name(struct interfaces *interfaces, unsigned index, char ret_name[IF_NAMESIZE])
{
	int rc;

	pthread_mutex_lock(&interfaces->lock);
	rc = nlif_index2name(interfaces->table, index, ret_name);
	pthread_mutex_unlock(&interfaces->lock);
	return rc < 0 ? -ENOENT : 0;
}
