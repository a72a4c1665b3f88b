/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect_times serve PORT: accepts connections, greets and closes them.
 * connect_times ADDRESS PORT COUNT: opens COUNT connections one after the other, and prints the
 * 50th, 99th and 99.9th percentile of the time that connect() took, in nanoseconds.
 * connect_times ADDRESS PORT COUNT read: from 1,000 addresses of 198.18.0.0/16 in turn (RFC 2544),
 * each waits for the greeting too; prints the nanoseconds of CPU time that each took here.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
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

static uint64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
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
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		send(fd, "hello", 5, MSG_NOSIGNAL);
		close(fd);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* A reset instead of the usual end leaves no state behind. */
static int new_socket(bool is_bound)
{
	static unsigned number;
	struct sockaddr_in from = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	from.sin_addr.s_addr = htonl(0xc6120000 + 256 + number++ % 1000);
	if (is_bound && bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		perror("connect_times: bind");
	return fd;
}

static uint64_t connect_once(const struct sockaddr_in *to, bool must_read)
{
	char greeting[5];
	struct linger linger = {.l_onoff = 1};
	int fd = new_socket(must_read);
	uint64_t start_ns = now_ns(), end_ns;

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		perror("connect_times");
		exit(1);
	}
	end_ns = now_ns();
	if (must_read && recv(fd, greeting, sizeof(greeting), 0) < 1) {
		perror("connect_times: greeting");
		exit(1);
	}
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
	return end_ns - start_ns;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	uint64_t *times;
	size_t count;
	bool must_read;

	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve((uint16_t)atoi(argv[2]));
	must_read = argc == 5 && strcmp(argv[4], "read") == 0;
	if ((argc != 4 && !must_read) || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 ||
	    atoi(argv[3]) < 1) {
		fprintf(stderr, "usage: connect_times serve PORT | ADDRESS PORT COUNT [read]\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	count = strtoul(argv[3], NULL, 10);
	times = calloc(count, sizeof(*times));
	for (size_t i = 0; times && i < count; i++)
		times[i] = connect_once(&to, must_read);
	if (!times)
		return 1;
	if (must_read) {
		printf("%llu\n", (unsigned long long)(cpu_ns() / count));
		free(times);
		return 0;
	}
	qsort(times, count, sizeof(*times), compare);
	printf("%llu %llu %llu\n", (unsigned long long)times[count / 2],
	       (unsigned long long)times[count * 99 / 100],
	       (unsigned long long)times[count * 999 / 1000]);
	free(times);
	return 0;
}
