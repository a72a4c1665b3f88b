/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules in the kernel that are not those of the synprintd that runs, as `synprint rules apply` can put
 * them there: it has no reason to restore its own.
 */
#ifndef SYNPRINT_CLI_RULES_DIFFER_H
#define SYNPRINT_CLI_RULES_DIFFER_H

#include <cjson/cJSON.h>

#include "input/rules.h"

#define RULES_DIFFER_MAX 3 /* queues, interfaces that are missing, and others */

struct rules_differ {
	char lines[RULES_DIFFER_MAX][512]; /* the rules are what they begin to speak of */
	unsigned count; /* 0: all is as synprintd is configured */
};

/**
 * rules_differ_find() - in words, what does not match, what follows, and what to do.
 * @status: synprintd's reply; one older than its member rules.interfaces is asked for queues alone
 */
void rules_differ_find(const struct rules_status *rules, const cJSON *status,
		       struct rules_differ *ret_differ);

#endif
