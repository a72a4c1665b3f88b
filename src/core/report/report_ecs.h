/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports in the Elastic Common Schema (version 8.11): where and when in the schema's own fields,
 * and what was found below "synprint", as report.h writes it.
 */
#ifndef SYNPRINT_CORE_REPORT_REPORT_ECS_H
#define SYNPRINT_CORE_REPORT_REPORT_ECS_H

#include "core/report/report.h"

/** report_ecs() - append the object, on one line, without a newline. The report has its SYN. */
void report_ecs(const struct report *report, const struct vocab *vocab, struct text_buf *buf);

#endif
