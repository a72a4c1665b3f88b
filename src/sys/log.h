/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line for each thing that an administrator should know, on standard error; under systemd
 * with the journal's priority prefix (sd-daemon(3)). A site that may repeat itself has a
 * limiter of its own, so nobody outside can fill the log. Nobody waits for who reads it: a line
 * for which there is no room is left out, and counted in the next one that finds room.
 */
#ifndef SYNPRINT_SYS_LOG_H
#define SYNPRINT_SYS_LOG_H

#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Static, one for each place that logs; lets one line through in LOG_INTERVAL_S seconds. */
struct log_limit {
	uint64_t next_ms; /* atomic; CLOCK_MONOTONIC */
	uint64_t suppressed; /* atomic */
};

#define LOG_INTERVAL_S 10

/**
 * log_open() - never wait for standard error from here on; until then lines are written as they
 * come. Best called before privileges are given up. Without it nothing is lost but that promise.
 */
void log_open(void);

/** log_set_level() - print lines of this level and the more important ones; at start, INFO. */
void log_set_level(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** log_limited() - as log_line(), at most once in LOG_INTERVAL_S; says how many were left out. */
void log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
