/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For LD_PRELOAD: a disk that stands still, for one process. Whoever ends a file's writing waits for
 * somebody to open the other end of the FIFO that SLOW_DISK names; without the FIFO nobody waits.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void wait_for_the_disk(void)
{
	int fd = open(getenv("SLOW_DISK"), O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
}

int fsync(int fd)
{
	int (*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	wait_for_the_disk();
	return real(fd);
}

int fchmod(int fd, mode_t mode)
{
	int (*real)(int, mode_t);

	*(void **)&real = dlsym(RTLD_NEXT, "fchmod");
	wait_for_the_disk();
	return real(fd, mode);
}
