/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines: formatted in one buffer and written with one write(), so that threads do not mix.
 * Whether a write may wait is a property of the open file, which standard error shares with others
 * (a shell, its other programs): so pipes and terminals are opened once more for ourselves.
 */
#include "sys/clock.h"
#include "sys/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

enum sink { SINK_FILE, SINK_SOCKET };

static enum sink sink = SINK_FILE;
static int sink_fd = STDERR_FILENO;
static uint64_t unread; /* atomic; lines for which there was no room */
static int max_level /* atomic */ = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	__atomic_store_n(&max_level, (int)level, __ATOMIC_RELAXED);
}

/* syslog's numbers, as the journal reads them from "<N>" at the start of a line. */
static const char *level_prefix(enum log_level level)
{
	bool is_journal = getenv("JOURNAL_STREAM") != NULL;

	switch (level) {
	case LOG_LEVEL_ERROR: return is_journal ? "<3>" : "error: ";
	case LOG_LEVEL_WARNING: return is_journal ? "<4>" : "warning: ";
	case LOG_LEVEL_INFO: return is_journal ? "<6>" : "";
	case LOG_LEVEL_DEBUG: return is_journal ? "<7>" : "debug: ";
	}
	return "";
}

static int put_prefix(char *line, size_t size, enum log_level level)
{
	bool is_journal = getenv("JOURNAL_STREAM") != NULL;

	return snprintf(line, size, "%s%s%s", is_journal ? "" : program_invocation_short_name,
			is_journal ? "" : ": ", level_prefix(level));
}

void log_open(void)
{
	struct stat status;
	int fd;

	if (fstat(STDERR_FILENO, &status) < 0)
		return;
	if (S_ISSOCK(status.st_mode))
		sink = SINK_SOCKET;
	if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		sink_fd = fd;
}

/* A pipe takes a line of up to PIPE_BUF bytes whole or not at all (pipe(7)). */
static bool put(const char *text, size_t len)
{
	if (sink == SINK_SOCKET)
		return send(sink_fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	return write(sink_fd, text, len) >= 0 || errno != EAGAIN;
}

static void put_unread(void)
{
	unsigned long long count = __atomic_exchange_n(&unread, 0, __ATOMIC_RELAXED);
	char line[LINE_MAX_BYTES];
	int len;

	if (!count)
		return;
	len = put_prefix(line, sizeof(line), LOG_LEVEL_WARNING);
	len += snprintf(line + len, sizeof(line) - (size_t)len,
			"%llu lines are missing here: nobody read the log\n", count);
	if (!put(line, (size_t)len))
		__atomic_fetch_add(&unread, count, __ATOMIC_RELAXED);
}

/* Others' words may be in it: no second line of theirs, and nothing that a terminal acts on. */
static void blunt(char *text, int len)
{
	for (int i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
			text[i] = '?';
}

static void write_line(enum log_level level, const char *fmt, va_list args, uint64_t suppressed)
{
	char line[LINE_MAX_BYTES];
	size_t room = sizeof(line) - 1;
	int len = put_prefix(line, room, level);

	len += vsnprintf(line + len, room - (size_t)len, fmt, args);
	if (suppressed && (size_t)len < room)
		len += snprintf(line + len, room - (size_t)len, " (%llu like it left out)",
				(unsigned long long)suppressed);
	if ((size_t)len >= room)
		len = (int)room - 1;
	blunt(line, len);
	line[len++] = '\n';
	put_unread();
	if (!put(line, (size_t)len))
		__atomic_fetch_add(&unread, 1, __ATOMIC_RELAXED);
}

static bool is_hidden(enum log_level level)
{
	return (int)level > __atomic_load_n(&max_level, __ATOMIC_RELAXED);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list args;

	if (is_hidden(level))
		return;
	va_start(args, fmt);
	write_line(level, fmt, args, 0);
	va_end(args);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
{
	uint64_t now_ms, next_ms = __atomic_load_n(&limit->next_ms, __ATOMIC_RELAXED);
	va_list args;

	if (is_hidden(level))
		return;
	now_ms = clock_monotonic_ms();
	if (now_ms < next_ms ||
	    !__atomic_compare_exchange_n(&limit->next_ms, &next_ms, now_ms + LOG_INTERVAL_S * 1000,
					 false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(&limit->suppressed, 1, __ATOMIC_RELAXED);
		return;
	}
	va_start(args, fmt);
	write_line(level, fmt, args, __atomic_exchange_n(&limit->suppressed, 0, __ATOMIC_RELAXED));
	va_end(args);
}
