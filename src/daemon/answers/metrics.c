/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures in the text format of Prometheus: each family with its help, then its samples. */
#include "daemon/answers/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void family(struct text_buf *out, const char *type, const char *name, const char *help)
{
	text_putf(out, "# HELP synprint_%s %s\n# TYPE synprint_%s %s\n", name, help, name, type);
}

static void family_of(struct text_buf *out, const struct figure *row)
{
	family(out, row->type == FIGURE_COUNTER ? "counter" : "gauge", row->metric, row->help);
}

/* Label values are escaped as the format wants it: backslash, quote and newline. */
static void labelled(struct text_buf *out, const char *name, const char *label, const char *text,
		     uint64_t value)
{
	text_putf(out, "synprint_%s{%s=\"", name, label);
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			text_put_char(out, '\\');
		text_put_char(out, *text == '\n' ? ' ' : *text);
	}
	text_putf(out, "\"} %llu\n", (unsigned long long)value);
}

static void of_queue(struct text_buf *out, const char *name, const struct figures_queue *queue,
		     uint64_t value)
{
	text_putf(out, "synprint_%s{queue=\"%u\"} %llu\n", name, queue->number,
		  (unsigned long long)value);
}

static void put_seconds(struct text_buf *out, uint64_t us)
{
	text_putf(out, "%llu.%06llu", (unsigned long long)(us / 1000000),
		  (unsigned long long)(us % 1000000));
}

static void durations(struct text_buf *out, const char *name, const char *help,
		      const struct histogram *histogram)
{
	uint64_t count = 0;

	family(out, "histogram", name, help);
	for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
		count += histogram->counts[i];
		text_putf(out, "synprint_%s_bucket{le=\"", name);
		put_seconds(out, histogram_bound_us(i));
		text_putf(out, "\"} %llu\n", (unsigned long long)count);
	}
	count += histogram->counts[HISTOGRAM_BOUNDS];
	text_putf(out, "synprint_%s_bucket{le=\"+Inf\"} %llu\nsynprint_%s_sum ", name,
		  (unsigned long long)count, name);
	put_seconds(out, histogram->sum_us);
	text_putf(out, "\nsynprint_%s_count %llu\n", name, (unsigned long long)count);
}

static void put_groups(const struct figures *figures, struct text_buf *out)
{
	for (unsigned g = 0; g < figure_group_count; g++) {
		const struct figure_group *group = &figure_groups[g];

		for (unsigned i = 0; i < group->count; i++) {
			const struct figure *row = &group->rows[i];

			if (!row->metric || !figure_group_is_there(group, figures))
				continue;
			family_of(out, row);
			text_putf(out, "synprint_%s %llu\n", row->metric,
				  (unsigned long long)figure_value(row, figures));
		}
	}
}

static void put_packets(const struct worker_stats *sum, struct text_buf *out)
{
	family(out, "counter", "packets_total", "packets from the queues, by what they were");
	for (unsigned r = 0; r < SYN_RESULT_COUNT; r++)
		labelled(out, "packets_total", "result", syn_result_name(r), sum->results[r]);
	family(out, "counter", "flagged_total", "SYNs whose verdict has the flag");
	for (unsigned f = 0; f < VERDICT_FLAG_COUNT; f++)
		labelled(out, "flagged_total", "flag", verdict_flag_name(1u << f), sum->flags[f]);
	durations(out, "burst_seconds", "from a burst's receipt to its acceptance", &sum->burst);
}

static void put_clocks(const struct figures *figures, struct text_buf *out)
{
	if (!figures->has_clocks)
		return;
	family(out, "counter", "clocks_results_total",
	       "connections by what became of their measurement");
	for (unsigned r = CLOCKS_MEASURED; r < CLOCKS_RESULT_COUNT; r++)
		labelled(out, "clocks_results_total", "result", clocks_result_name(r),
			 figures->timing.clocks.results[r]);
}

static void put_drops(const struct figures_queue *queue, const char *by, uint64_t dropped,
		      struct text_buf *out)
{
	text_putf(out, "synprint_queue_dropped_total{queue=\"%u\",by=\"%s\"} %llu\n", queue->number,
		  by, (unsigned long long)dropped);
}

static void put_kernel(const struct figures *figures, struct text_buf *out)
{
	family(out, "gauge", "queue_waiting", "packets in the kernel's queue now");
	for (unsigned i = 0; i < figures->queue_count; i++)
		if (figures->queues[i].has_kernel)
			of_queue(out, "queue_waiting", &figures->queues[i],
				 figures->queues[i].kernel.waiting);
	family(out, "counter", "queue_dropped_total",
	       "packets that found the queue or its socket full");
	for (unsigned i = 0; i < figures->queue_count; i++) {
		const struct figures_queue *queue = &figures->queues[i];

		if (!queue->has_kernel)
			continue;
		put_drops(queue, "kernel", queue->kernel.queue_dropped, out);
		put_drops(queue, "user", queue->kernel.user_dropped, out);
	}
}

static void put_queues(const struct figures *figures, struct text_buf *out)
{
	for (unsigned c = 0; c < figures_of_queue.count; c++) {
		const struct figure *row = &figures_of_queue.rows[c];

		family_of(out, row);
		for (unsigned i = 0; i < figures->queue_count; i++)
			of_queue(out, row->metric, &figures->queues[i],
				 figure_value(row, &figures->queues[i]));
	}
	if (figures->queues[0].has_kernel)
		put_kernel(figures, out);
}

static void put_sets(const struct figures *figures, struct text_buf *out)
{
	const struct generation *generation = figures->generation;
	unsigned count = generation->config->set_count;

	durations(out, "publish_seconds", "one round of commits to all sets",
		  &figures->publish.commit);
	for (unsigned c = 0; count && c < figures_of_set.count; c++) {
		const struct figure *row = &figures_of_set.rows[c];

		family_of(out, row);
		for (unsigned i = 0; i < count; i++)
			labelled(out, row->metric, "set", generation->targets[i]->name,
				 figure_value(row, &figures->publish.targets[i]));
	}
}

void metrics_put(const struct figures *figures, struct text_buf *out)
{
	family(out, "gauge", "build_info", "1, with the version as a label");
	labelled(out, "build_info", "version", SYNPRINT_VERSION, 1);
	put_groups(figures, out);
	put_packets(&figures->workers, out);
	put_clocks(figures, out);
	put_queues(figures, out);
	put_sets(figures, out);
}

int metrics_write(struct clerk *clerk, const char *path, const struct figures *figures)
{
	char *data = malloc(METRICS_BYTES_MAX);
	struct text_buf out;

	if (!data)
		return -ENOMEM;
	text_buf_init(&out, data, METRICS_BYTES_MAX);
	metrics_put(figures, &out);
	if (!out.overflow)
		return clerk_write(clerk, path, data, out.len);
	free(data);
	return -EFBIG;
}
