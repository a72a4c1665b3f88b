/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/answers/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "sys/file.h"
#include "sys/log.h"

enum type { COUNTER, GAUGE, HISTOGRAM };

static void family(struct text_buf *out, enum type type, const char *name, const char *help)
{
	static const char *const names[] = {"counter", "gauge", "histogram"};

	text_putf(out, "# HELP synprint_%s %s\n# TYPE synprint_%s %s\n", name, help, name,
		  names[type]);
}

static void sample(struct text_buf *out, const char *name, uint64_t value)
{
	text_putf(out, "synprint_%s %llu\n", name, (unsigned long long)value);
}

static void single(struct text_buf *out, enum type type, const char *name, const char *help,
		   uint64_t value)
{
	family(out, type, name, help);
	sample(out, name, value);
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

static void numbered(struct text_buf *out, const char *name, const char *label, unsigned number,
		     uint64_t value)
{
	text_putf(out, "synprint_%s{%s=\"%u\"} %llu\n", name, label, number,
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

	family(out, HISTOGRAM, name, help);
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

static void put_process(const struct daemon *daemon, struct text_buf *out)
{
	struct sigdb_stats sigdb;

	sigdb_get_stats(daemon->generation->knowledge->sigdb, &sigdb);
	family(out, GAUGE, "build_info", "1, with the version as a label");
	labelled(out, "build_info", "version", SYNPRINT_VERSION, 1);
	single(out, GAUGE, "uptime_seconds", "since the start",
	       daemon_clock_s() - daemon->started_s);
	single(out, COUNTER, "reloads_total", "reloads that succeeded", daemon->reloads);
	single(out, GAUGE, "signatures", "signatures in the databases", sigdb.sigs);
	single(out, GAUGE, "links", "rows of the link table",
	       linkdb_count(daemon->generation->knowledge->linkdb));
}

static void put_packets(const struct worker_stats *sum, struct text_buf *out)
{
	family(out, COUNTER, "packets_total", "packets from the queues, by what they were");
	for (unsigned r = 0; r < SYN_RESULT_COUNT; r++)
		labelled(out, "packets_total", "result", syn_result_name(r), sum->results[r]);
	family(out, COUNTER, "flagged_total", "SYNs whose verdict has the flag");
	for (unsigned f = 0; f < VERDICT_FLAG_COUNT; f++)
		labelled(out, "flagged_total", "flag", verdict_flag_name(1u << f), sum->flags[f]);
	durations(out, "burst_seconds", "from a burst's receipt to its acceptance", &sum->burst);
}

static void put_kernel_queue(const struct daemon *daemon, unsigned queue, struct text_buf *out)
{
	struct nfqueue_figures figures;

	if (nfqueue_proc_read(daemon->proc_fd, queue, &figures) < 0)
		return;
	numbered(out, "queue_waiting", "queue", queue, figures.waiting);
}

static void put_kernel_drops(const struct daemon *daemon, unsigned queue, struct text_buf *out)
{
	struct nfqueue_figures figures;

	if (nfqueue_proc_read(daemon->proc_fd, queue, &figures) < 0)
		return;
	text_putf(out, "synprint_queue_dropped_total{queue=\"%u\",by=\"kernel\"} %llu\n", queue,
		  (unsigned long long)figures.queue_dropped);
	text_putf(out, "synprint_queue_dropped_total{queue=\"%u\",by=\"user\"} %llu\n", queue,
		  (unsigned long long)figures.user_dropped);
}

static void put_queues(const struct daemon *daemon, struct text_buf *out)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} counters[] = {
		{"queue_received_total", "packets received from the queue",
		 offsetof(struct worker_stats, received)},
		{"queue_bursts_total", "bursts they came in",
		 offsetof(struct worker_stats, bursts)},
		{"queue_accept_failures_total", "verdicts that the kernel did not take at once",
		 offsetof(struct worker_stats, accept_failures)},
	};
	unsigned count = (unsigned)daemon->boot->queue_count;
	unsigned first = (unsigned)daemon->boot->queue_first;

	for (size_t c = 0; c < sizeof(counters) / sizeof(counters[0]); c++) {
		family(out, COUNTER, counters[c].name, counters[c].help);
		for (unsigned i = 0; i < count; i++) {
			struct worker_stats stats;

			worker_get_stats(daemon->workers[i], &stats);
			numbered(out, counters[c].name, "queue", first + i,
				 *(const uint64_t *)((const char *)&stats + counters[c].offset));
		}
	}
	if (daemon->proc_fd < 0)
		return;
	family(out, GAUGE, "queue_waiting", "packets in the kernel's queue now");
	for (unsigned i = 0; i < count; i++)
		put_kernel_queue(daemon, first + i, out);
	family(out, COUNTER, "queue_dropped_total",
	       "packets that found the queue or its socket full");
	for (unsigned i = 0; i < count; i++)
		put_kernel_drops(daemon, first + i, out);
}

static void put_rules(const struct daemon *daemon, struct text_buf *out)
{
	struct keeper_stats stats;

	keeper_get_stats(daemon->keeper, &stats);
	single(out, GAUGE, "rules_present", "1 where our rules are in the kernel", stats.has_rules);
	single(out, GAUGE, "diverting", "1 while the dead-man's switch is on", stats.is_diverting);
	single(out, COUNTER, "syns_total", "inbound SYNs that the rules counted", stats.counted);
	single(out, COUNTER, "syns_unclassified_total", "those of them that passed unclassified",
	       stats.unclassified);
	single(out, COUNTER, "rules_restored_total", "how often somebody had deleted the rules",
	       stats.restored);
	single(out, COUNTER, "heartbeats_withheld_total",
	       "heartbeats left out because a worker stood still", stats.withheld);
}

static void put_baseline(const struct daemon *daemon, struct text_buf *out)
{
	struct baseline_stats stats;

	if (!daemon->pipeline.baseline)
		return;
	baseline_get_stats(daemon->pipeline.baseline, &stats);
	single(out, GAUGE, "baseline_networks", "networks in the baseline", stats.used);
	single(out, GAUGE, "baseline_capacity", "how many it has room for", stats.capacity);
	single(out, COUNTER, "baseline_evicted_total", "networks that gave way to others",
	       stats.evicted);
}

static void put_clients(const struct daemon *daemon, struct text_buf *out)
{
	struct tally_stats unknown, learned;
	struct clients_stats stats;

	clients_get_stats(daemon->pipeline.clients, &stats);
	tally_get_stats(daemon->pipeline.unknown, &unknown);
	single(out, GAUGE, "clients", "addresses in the client table", stats.used);
	single(out, GAUGE, "clients_capacity", "how many it has room for", stats.capacity);
	single(out, GAUGE, "clients_memory_bytes", "memory of the table", stats.memory_bytes);
	single(out, COUNTER, "clients_evicted_total", "clients that gave way to others",
	       stats.evicted);
	single(out, GAUGE, "unknown_shapes",
	       "kinds of SYN that nothing in the databases looks like", unknown.used);
	single(out, COUNTER, "unknown_syns_total", "SYNs of these kinds", unknown.total);
	if (!daemon->learned)
		return;
	learn_get_stats(learned_learn(daemon->learned), &learned);
	single(out, GAUGE, "learned_shapes", "kinds of SYN learned from User-Agents", learned.used);
	single(out, COUNTER, "learned_syns_total", "SYNs of these kinds, counted for a system",
	       learned.total);
}

static void put_sets(const struct daemon *daemon, const struct publisher_stats *stats,
		     struct text_buf *out)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} counters[] = {
		{"set_added_total", "elements handed to the set",
		 offsetof(struct publisher_target_stats, added)},
		{"set_refreshed_total", "elements whose timeout was begun anew",
		 offsetof(struct publisher_target_stats, refreshed)},
		{"set_removed_total", "elements taken out of the set",
		 offsetof(struct publisher_target_stats, removed)},
		{"set_failed_total", "elements that the set did not take",
		 offsetof(struct publisher_target_stats, failed)},
		{"set_refills_total", "how often the set was filled again",
		 offsetof(struct publisher_target_stats, refills)},
	};
	const struct generation *generation = daemon->generation;

	for (size_t c = 0; c < sizeof(counters) / sizeof(counters[0]); c++) {
		family(out, COUNTER, counters[c].name, counters[c].help);
		for (unsigned i = 0; i < generation->config->set_count; i++)
			labelled(out, counters[c].name, "set", generation->targets[i]->name,
				 *(const uint64_t *)((const char *)&stats->targets[i] +
						     counters[c].offset));
	}
	family(out, GAUGE, "set_quarantined", "1 while the set takes no elements");
	for (unsigned i = 0; i < generation->config->set_count; i++)
		labelled(out, "set_quarantined", "set", generation->targets[i]->name,
			 stats->targets[i].is_quarantined);
}

static void put_publishing(const struct daemon *daemon, uint64_t withheld, struct text_buf *out)
{
	struct publisher_stats stats = {.bursts = 0};

	if (!daemon->generation->publisher)
		return;
	publisher_get_stats(daemon->generation->publisher, &stats);
	single(out, COUNTER, "publish_bursts_total", "bursts with something to publish",
	       stats.bursts);
	single(out, COUNTER, "publish_late_total",
	       "bursts that were let go before they were published", stats.late);
	single(out, COUNTER, "publish_withheld_total",
	       "SYNs left out of a set whose share of their kind was used up", withheld);
	single(out, COUNTER, "publish_lost_total", "bursts left to the repair", stats.lost);
	durations(out, "publish_seconds", "one round of commits to all sets", &stats.commit);
	put_sets(daemon, &stats, out);
}

static void put_sockets(const struct daemon *daemon, struct text_buf *out)
{
	struct server_stats stats;
	struct p0f_server_stats p0f;

	server_get_stats(daemon->server, &stats);
	single(out, GAUGE, "control_connections", "open connections of the control socket",
	       stats.conns);
	single(out, GAUGE, "control_subscribers", "those of them that get events",
	       stats.subscribers);
	single(out, COUNTER, "control_refused_total", "connections refused: too many",
	       stats.refused);
	single(out, COUNTER, "control_gave_way_total", "connections ended for other users' sake",
	       stats.gave_way);
	single(out, COUNTER, "control_requests_total", "requests", stats.requests);
	single(out, COUNTER, "control_errors_total", "requests that were refused", stats.errors);
	single(out, COUNTER, "control_events_sent_total", "events sent to subscribers",
	       stats.events_sent);
	single(out, COUNTER, "control_events_missed_total", "events that subscribers missed",
	       stats.events_missed);
	if (!daemon->p0f)
		return;
	p0f_server_get_stats(daemon->p0f, &p0f);
	single(out, GAUGE, "p0f_connections", "open connections of the p0f socket", p0f.conns);
	single(out, COUNTER, "p0f_refused_total", "connections refused: too many", p0f.refused);
	single(out, COUNTER, "p0f_queries_total", "queries", p0f.queries);
	single(out, COUNTER, "p0f_bad_queries_total", "queries that were none", p0f.bad_queries);
}

void metrics_put(const struct daemon *daemon, struct text_buf *out)
{
	struct worker_stats sum;

	workers_sum_stats(daemon->workers, (unsigned)daemon->boot->queue_count, &sum);
	put_process(daemon, out);
	put_rules(daemon, out);
	put_packets(&sum, out);
	put_queues(daemon, out);
	put_clients(daemon, out);
	put_baseline(daemon, out);
	put_publishing(daemon, sum.withheld, out);
	put_sockets(daemon, out);
}

void metrics_tick(struct daemon *daemon)
{
	static struct log_limit limit;
	static char data[METRICS_BYTES_MAX];
	const struct config *config = daemon->generation->config;
	struct text_buf out;
	int rc;

	if (!config->metrics_file || daemon->seconds % (unsigned)config->metrics_interval_s)
		return;
	text_buf_init(&out, data, sizeof(data));
	metrics_put(daemon, &out);
	rc = out.overflow ? -EFBIG : file_replace(config->metrics_file, out.data, out.len, false);
	if (rc < 0)
		log_limited(&limit, LOG_LEVEL_WARNING, "cannot write %s (%s); it is tried again",
			    config->metrics_file, strerror(-rc));
}
