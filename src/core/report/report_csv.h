/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports as comma-separated values (RFC 4180), for tables and statistics. Columns are only ever
 * added behind the last one.
 */
#ifndef SYNPRINT_CORE_REPORT_REPORT_CSV_H
#define SYNPRINT_CORE_REPORT_REPORT_CSV_H

#include "core/report/report.h"

/** report_csv_header() - the columns' names and a newline; synprint(1) describes them. */
void report_csv_header(struct text_buf *buf);

/** report_csv() - one line. The report has its SYN, match and link. */
void report_csv(const struct report *report, const struct vocab *vocab, struct text_buf *buf);

/** report_csv_put_observed(), _put_judged() - a line in two pieces, as report.h has them. */
void report_csv_put_observed(const struct report *report, struct text_buf *buf);
void report_csv_put_judged(const struct report *report, const struct vocab *vocab,
			   struct text_buf *buf);

#endif
