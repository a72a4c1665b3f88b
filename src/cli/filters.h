/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options that narrow `watch` and `clients`, turned into members of a request. */
#ifndef SYNPRINT_CLI_FILTERS_H
#define SYNPRINT_CLI_FILTERS_H

#include <cjson/cJSON.h>

#include "cli/cli.h"

enum {
	FILTER_OPT_FLAG = CLI_OPT_OWN + 0x100,
	FILTER_OPT_CLASS,
	FILTER_OPT_FAMILY,
	FILTER_OPT_MIN_CONFIDENCE,
	FILTER_OPT_GRADE,
	FILTER_OPT_NET,
};

#define FILTER_OPTIONS                                                                             \
	{"flag", required_argument, NULL, FILTER_OPT_FLAG},                                        \
		{"class", required_argument, NULL, FILTER_OPT_CLASS},                              \
		{"family", required_argument, NULL, FILTER_OPT_FAMILY},                            \
		{"min-confidence", required_argument, NULL, FILTER_OPT_MIN_CONFIDENCE},            \
		{"grade", required_argument, NULL, FILTER_OPT_GRADE},                              \
	{                                                                                          \
		"net", required_argument, NULL, FILTER_OPT_NET                                     \
	}

#define FILTER_ARGUMENTS "[FILTER ...]"
#define FILTER_HELP                                                                                \
	"Filters; each may be given several times where it says `or`:\n"                           \
	"  --flag FLAG            vpn, tunnel, scanner, os_mismatch, inconsistent, shared,\n"      \
	"                         mss_clamped, unknown, malformed or proxy\n"                      \
	"  --class CLASS          this class of system, or that one\n"                             \
	"  --family FAMILY        this family of systems, or that one\n"                           \
	"  --min-confidence P     0 to 1\n"                                                        \
	"  --grade GRADE          link evidence at least access, possible or likely\n"             \
	"  --net PREFIX           clients in 203.0.113.0/24, 2001:db8::/32, ...\n"

/**
 * filters_add() - add what one option says to a request; what it means is checked by the daemon.
 * Return: 0, or -EINVAL where the option's value cannot be one.
 */
int filters_add(cJSON *request, int option, const char *value);

/** filters_set() - a member that is true, however often its option is given. */
void filters_set(cJSON *request, const char *name);

#endif
