/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's figures in the text format of Prometheus, on request and as a file for
 * node_exporter's textfile collector.
 */
#ifndef SYNPRINT_DAEMON_ANSWERS_METRICS_H
#define SYNPRINT_DAEMON_ANSWERS_METRICS_H

#include "daemon/answers/figures.h"
#include "sys/clerk.h"

#define METRICS_BYTES_MAX (128 * 1024) /* with 16 queues and 32 sets of long names about 100 KiB */

/** metrics_put() - all of them. */
void metrics_put(const struct figures *figures, struct text_buf *out);

/** metrics_write() - have the clerk write them into a file. Return: 0 or -errno of handing them over. */
int metrics_write(struct clerk *clerk, const char *path, const struct figures *figures);

#endif
