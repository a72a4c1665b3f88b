/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RLIMIT_DATA, which counts what is private and writable, and not the addresses that malloc reserves. */
#include "share/memory.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Pages of data and stack: the sixth number (proc(5), statm). */
static int read_data_pages(unsigned long *ret_pages)
{
	FILE *file = fopen("/proc/self/statm", "re");
	int read;

	if (!file)
		return -errno;
	read = fscanf(file, "%*u %*u %*u %*u %*u %lu", ret_pages);
	fclose(file);
	return read == 1 ? 0 : -EIO;
}

int memory_limit(void)
{
	struct rlimit limit;
	unsigned long pages = 0;
	rlim_t most;
	int rc = read_data_pages(&pages);

	if (rc < 0)
		return rc;
	if (getrlimit(RLIMIT_DATA, &limit) < 0)
		return -errno;
	most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MEMORY_SPARE_BYTES;
	if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < most)
		return 0;
	limit.rlim_cur = most;
	return setrlimit(RLIMIT_DATA, &limit) < 0 ? -errno : 0;
}
