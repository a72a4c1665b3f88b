/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect_times serve PORT: accepts connections and closes them.
 * connect_times ADDRESS PORT COUNT: opens COUNT connections one after the other, and prints the
 * 50th, 99th and 99.9th percentile of the time that connect() took, in nanoseconds.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int serve(uint16_t port)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    listen(listener, 4096) < 0) {
		perror("connect_times");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		close(accept(listener, NULL, NULL));
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* A reset instead of the usual end leaves no state behind. */
static uint64_t connect_once(const struct sockaddr_in *to)
{
	struct linger linger = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t start_ns = now_ns(), end_ns;

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		perror("connect_times");
		exit(1);
	}
	end_ns = now_ns();
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
	return end_ns - start_ns;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	uint64_t *times;
	size_t count;

	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve((uint16_t)atoi(argv[2]));
	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || atoi(argv[3]) < 1) {
		fprintf(stderr, "usage: connect_times serve PORT | ADDRESS PORT COUNT\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	count = strtoul(argv[3], NULL, 10);
	times = calloc(count, sizeof(*times));
	for (size_t i = 0; times && i < count; i++)
		times[i] = connect_once(&to);
	if (!times)
		return 1;
	qsort(times, count, sizeof(*times), compare);
	printf("%llu %llu %llu\n", (unsigned long long)times[count / 2],
	       (unsigned long long)times[count * 99 / 100],
	       (unsigned long long)times[count * 999 / 1000]);
	free(times);
	return 0;
}
