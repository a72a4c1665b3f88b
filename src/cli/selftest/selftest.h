/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of `synprint selftest` share. Each says one line or more, and gives nothing back. */
#ifndef SYNPRINT_CLI_SELFTEST_SELFTEST_H
#define SYNPRINT_CLI_SELFTEST_SELFTEST_H

#include "cli/ask.h"
#include "config/config.h"

enum outcome { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_SKIPPED };

struct selftest {
	const struct cli *cli;
	const struct config *config; /* the daemon's file, as it is now; NULL: it cannot be read */
	struct ask ask;
	cJSON *status;
	cJSON *results; /* for --json */
	bool must_stop, has_failed;
};

/* ---- selftest_tell.c ---- */

/** selftest_tell() - one line: what was looked at, and cause and remedy where it is not well. */
void selftest_tell(struct selftest *test, enum outcome outcome, const char *what, const char *fmt,
		   ...) __attribute__((format(printf, 4, 5)));

/** selftest_read_status() - the daemon's status anew; false where it does not answer. */
bool selftest_read_status(struct selftest *test);

void selftest_sleep_ms(unsigned ms);

/* ---- selftest_config.c: the daemon's configuration, and what it meets on this machine ---- */

/** selftest_load_config() - the file that the daemon says it has. @ret_config: to be freed */
void selftest_load_config(struct selftest *test, struct config **ret_config);
void selftest_check_config(struct selftest *test);
void selftest_check_advice(struct selftest *test);

/* ---- selftest_rules.c: rules and queues in the kernel ---- */

void selftest_check_rules(struct selftest *test);
void selftest_check_queues(struct selftest *test);

/* ---- selftest_probe.c: what is sent, and how long it takes ---- */

void selftest_check_p0f(struct selftest *test);
void selftest_check_probe(struct selftest *test);
void selftest_check_stopped(struct selftest *test);

#endif
