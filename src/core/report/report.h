/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An observation with its verdict as JSON: the one object that `synprint classify --json`, the
 * daemon's events and its verdict replies share (synprint-control(7)).
 */
#ifndef SYNPRINT_CORE_REPORT_REPORT_H
#define SYNPRINT_CORE_REPORT_REPORT_H

#include "core/verdict/verdict.h"

struct report {
	uint64_t now_ms; /* when the SYN was seen, Unix time */
	struct addr addr; /* the client */
	uint16_t port; /* its source port */
	const struct syn *syn; /* NULL where it is not kept any more: "syn" and "sig" are null */
	const struct match *match; /* NULL likewise: "classes" has the verdict's class alone */
	const struct link *link; /* NULL likewise: the MTU follows from the verdict's MSS */
	struct verdict verdict;
	uint16_t community_seed; /* of the Community ID */
};

/** report_put_members() - append its members, on one line, for an object that may have others. */
void report_put_members(const struct report *report, const struct vocab *vocab,
			struct text_buf *buf);

/**
 * report_put_observed(), report_put_judged() - report_put_members() in two pieces. The second one
 * says nothing of addresses, ports, times and numbers: SYNs of one shape with one verdict have the
 * same text.
 */
void report_put_observed(const struct report *report, struct text_buf *buf);
void report_put_judged(const struct report *report, const struct vocab *vocab,
		       struct text_buf *buf);

/** report_put_flags() - a member @key with a list of the names of flags, behind other members. */
void report_put_flags(const char *key, unsigned flags, struct text_buf *buf);

#endif
