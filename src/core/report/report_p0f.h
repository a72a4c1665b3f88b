/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports as the lines that p0f 3.09b writes with -o, for what reads its log. */
#ifndef SYNPRINT_CORE_REPORT_REPORT_P0F_H
#define SYNPRINT_CORE_REPORT_REPORT_P0F_H

#include "core/report/report.h"

/**
 * report_p0f() - append the line of the SYN or SYN+ACK, and that of its MTU where it has an MSS.
 * @when: its time as p0f writes it, "2023/11/14 22:13:20"
 */
void report_p0f(const struct report *report, const struct vocab *vocab, const char *when,
		struct text_buf *buf);

#endif
