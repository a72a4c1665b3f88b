/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wire with delay, jitter and loss between two network namespaces, for kernels without netem:
 *
 *	wire NAMESPACE DEVICE NAMESPACE DEVICE PREFIX/LENGTH:RTT:JITTER:LOSS[:mobile] ...
 *
 * Each end is a TUN device. The first line whose prefix holds one of a packet's two addresses says
 * what happens to it: half of RTT (ms) in each direction, jitter (ms) that is exponential with that
 * mean and only ever adds, and loss (percent). `mobile`: one packet in a hundred is held for another
 * 30 to 130 ms, and its connection with it. The packets of a connection keep their order. Prints
 * "ready", and when it is ended how late it was with its own packets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PACKETS 16384 /* on their way at once */
#define BYTES 1600 /* of a packet; a TUN device has an MTU of 1500 */
#define FLOWS 65536
#define LINES_MAX 256
#define NS_PER_MS 1000000.0
#define NS_PER_S 1000000000ull
#define LATE_US 10 /* a step of the histogram */
#define LATE_STEPS 10000
#define AT_ONCE 64 /* packets read before due ones are looked after */
#define PRIORITY 20 /* SCHED_FIFO */

struct line {
	int family;
	uint8_t prefix[16];
	unsigned bits;
	double rtt_ms, jitter_ms, loss_percent;
	bool is_mobile;
};

struct packet {
	uint64_t due_ns, number;
	uint16_t len;
	uint8_t to; /* which end */
	uint8_t data[BYTES];
};

static struct packet packets[PACKETS];
static uint32_t heap[PACKETS], unused[PACKETS];
static unsigned heap_count, unused_count;
static uint64_t last_due_ns[2][FLOWS];
static struct line lines[LINES_MAX];
static unsigned line_count;
static int ends[2];
static uint64_t numbers, sent, lost, refused;
static uint32_t late[LATE_STEPS];

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- what happens to a packet ---- */

static bool has_prefix(const uint8_t *addr, const uint8_t *prefix, unsigned bits)
{
	unsigned rest = bits % 8;

	if (memcmp(addr, prefix, bits / 8) != 0)
		return false;
	return !rest || (addr[bits / 8] ^ prefix[bits / 8]) >> (8 - rest) == 0;
}

static const struct line *line_of(const uint8_t *data)
{
	bool is4 = data[0] >> 4 == 4;
	const uint8_t *src = data + (is4 ? 12 : 8), *dst = src + (is4 ? 4 : 16);

	for (unsigned i = 0; i < line_count; i++) {
		const struct line *line = &lines[i];

		if (line->family == (is4 ? AF_INET : AF_INET6) &&
		    (has_prefix(src, line->prefix, line->bits) ||
		     has_prefix(dst, line->prefix, line->bits)))
			return line;
	}
	return NULL;
}

/* The addresses, and the two ports where there are no options before them (FNV-1a). */
static unsigned flow_of(const uint8_t *data, size_t len)
{
	bool is4 = data[0] >> 4 == 4;
	size_t at = is4 ? 12 : 8, end = is4 ? 24 : 44;
	uint32_t hash = 2166136261u;

	for (; at < end && at < len; at++)
		hash = (hash ^ data[at]) * 16777619u;
	return (hash ^ hash >> 16) % FLOWS;
}

static uint64_t delay_ns(const struct line *line)
{
	double ms = line->rtt_ms / 2;

	ms -= line->jitter_ms * log(1 - drand48());
	if (line->is_mobile && drand48() < 0.01)
		ms += 30 + 100 * drand48();
	return (uint64_t)(ms * NS_PER_MS);
}

/* ---- packets by the time at which they are due ---- */

static bool is_before(uint32_t a, uint32_t b)
{
	if (packets[a].due_ns != packets[b].due_ns)
		return packets[a].due_ns < packets[b].due_ns;
	return packets[a].number < packets[b].number;
}

static void heap_put(uint32_t packet)
{
	unsigned at = heap_count++;

	for (; at && is_before(packet, heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = packet;
}

static uint32_t heap_take(void)
{
	uint32_t first = heap[0], last = heap[--heap_count];
	unsigned at = 0, child;

	while ((child = 2 * at + 1) < heap_count) {
		child += child + 1 < heap_count && is_before(heap[child + 1], heap[child]);
		if (!is_before(heap[child], last))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = last;
	return first;
}

/* ---- in and out ---- */

static void take_packet(unsigned from, uint32_t index, size_t len)
{
	struct packet *packet = &packets[index];
	const struct line *line = line_of(packet->data);
	unsigned to = 1 - from;
	uint64_t *last = &last_due_ns[to][flow_of(packet->data, len)];

	if (line && drand48() * 100 < line->loss_percent) {
		lost++;
		unused[unused_count++] = index;
		return;
	}
	packet->due_ns = now_ns() + (line ? delay_ns(line) : 0);
	if (packet->due_ns < *last)
		packet->due_ns = *last;
	*last = packet->due_ns;
	packet->number = numbers++;
	packet->len = (uint16_t)len;
	packet->to = (uint8_t)to;
	heap_put(index);
}

static void read_end(unsigned from)
{
	for (unsigned i = 0; i < AT_ONCE; i++) {
		uint8_t nowhere[BYTES];
		uint32_t index = unused_count ? unused[unused_count - 1] : 0;
		ssize_t len = read(ends[from], unused_count ? packets[index].data : nowhere, BYTES);

		if (len < 20)
			return;
		if (!unused_count) {
			refused++;
			continue;
		}
		unused_count--;
		take_packet(from, index, (size_t)len);
	}
}

static void write_due(void)
{
	while (heap_count && packets[heap[0]].due_ns <= now_ns()) {
		uint32_t index = heap_take();
		struct packet *packet = &packets[index];
		uint64_t step = (now_ns() - packet->due_ns) / (LATE_US * 1000);

		if (write(ends[packet->to], packet->data, packet->len) < 0)
			refused++;
		late[step < LATE_STEPS ? step : LATE_STEPS - 1]++;
		sent++;
		unused[unused_count++] = index;
	}
}

static void set_timer(int timer)
{
	struct itimerspec at = {0};

	if (heap_count) {
		at.it_value.tv_sec = (time_t)(packets[heap[0]].due_ns / NS_PER_S);
		at.it_value.tv_nsec = (long)(packets[heap[0]].due_ns % NS_PER_S);
	}
	timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static unsigned late_us(double share)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < LATE_STEPS; i++) {
		count += late[i];
		if ((double)count >= share * (double)sent)
			return (i + 1) * LATE_US;
	}
	return LATE_STEPS * LATE_US;
}

/* ---- the ends ---- */

static int open_end(const char *namespace, const char *device)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail(path);
	close(fd);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		fail("/dev/net/tun");
	return fd;
}

static void read_line(char *text)
{
	struct line *line = &lines[line_count++];
	char *slash = strchr(text, '/'), mobile[8] = "";

	if (line_count > LINES_MAX || !slash)
		fail(text);
	*slash = '\0';
	line->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(line->family, text, line->prefix) != 1 ||
	    sscanf(slash + 1, "%u:%lf:%lf:%lf:%7s", &line->bits, &line->rtt_ms, &line->jitter_ms,
		   &line->loss_percent, mobile) < 4)
		fail(text);
	line->is_mobile = strcmp(mobile, "mobile") == 0;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void watch(int epoll, int fd, uint32_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		fail("epoll");
}

static void run(int epoll, int timer)
{
	struct epoll_event events[4];
	uint64_t expired;

	for (;;) {
		int count = epoll_wait(epoll, events, 4, -1);

		for (int i = 0; i < count; i++)
			if (events[i].data.u32 < 2)
				read_end(events[i].data.u32);
			else if (events[i].data.u32 == 3)
				return;
			else if (read(timer, &expired, sizeof(expired)) < 0 && errno != EAGAIN)
				fail("timer");
		write_due();
		set_timer(timer);
	}
}

int main(int argc, char **argv)
{
	struct sched_param priority = {.sched_priority = PRIORITY};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (argc < 6)
		return 2;
	for (int i = 5; i < argc; i++)
		read_line(argv[i]);
	for (unsigned i = 0; i < 2; i++)
		ends[i] = open_end(argv[1 + 2 * i], argv[2 + 2 * i]);
	for (uint32_t i = 0; i < PACKETS; i++)
		unused[unused_count++] = i;
	srand48(1);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	sched_setscheduler(0, SCHED_FIFO, &priority);
	watch(epoll, ends[0], 0);
	watch(epoll, ends[1], 1);
	watch(epoll, timer, 2);
	watch(epoll, open_signals(), 3);
	puts("ready");
	fflush(stdout);
	run(epoll, timer);
	printf("%llu packets, %llu lost, %llu refused; late by %u us (median), %u us (99 %%), "
	       "%u us (99.9 %%)\n",
	       (unsigned long long)sent, (unsigned long long)lost, (unsigned long long)refused,
	       late_us(.5), late_us(.99), late_us(.999));
	return 0;
}
