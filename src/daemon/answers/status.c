/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The status reply: what an administrator looks at first. */

#include <unistd.h>

#include "daemon/daemon.h"

static void put_duration(const char *name, const struct histogram *histogram,
			 struct text_buf *reply)
{
	text_putf(reply, ",\"%s\":{\"p50\":%u,\"p99\":%u}", name,
		  histogram_quantile_us(histogram, 500), histogram_quantile_us(histogram, 990));
}

static void put_queue(const struct daemon *daemon, unsigned number, struct text_buf *reply)
{
	unsigned queue = (unsigned)daemon->boot->queue_first + number;
	struct nfqueue_figures figures;
	struct worker_stats stats;

	worker_get_stats(daemon->workers[number], &stats);
	text_putf(reply,
		  "%s{\"queue\":%u,\"received\":%llu,\"bursts\":%llu,\"accept_failures\":%llu",
		  number ? "," : "", queue, (unsigned long long)stats.received,
		  (unsigned long long)stats.bursts, (unsigned long long)stats.accept_failures);
	put_duration("burst_us", &stats.burst, reply);
	if (nfqueue_proc_read(daemon->proc_fd, queue, &figures) == 0)
		text_putf(reply, ",\"waiting\":%u,\"dropped\":{\"kernel\":%llu,\"user\":%llu}",
			  figures.waiting, (unsigned long long)figures.queue_dropped,
			  (unsigned long long)figures.user_dropped);
	text_put_char(reply, '}');
}

static void put_queues(const struct daemon *daemon, struct text_buf *reply)
{
	text_put(reply, ",\"queues\":[");
	for (int i = 0; i < daemon->boot->queue_count; i++)
		put_queue(daemon, (unsigned)i, reply);
	text_put_char(reply, ']');
}

static void put_packets(const struct daemon *daemon, struct text_buf *reply)
{
	struct worker_stats sum;

	workers_sum_stats(daemon->workers, (unsigned)daemon->boot->queue_count, &sum);
	text_put(reply, ",\"packets\":{");
	for (unsigned r = 0; r < SYN_RESULT_COUNT; r++)
		text_putf(reply, "%s\"%s\":%llu", r ? "," : "", syn_result_name(r),
			  (unsigned long long)sum.results[r]);
	text_put(reply, "},\"flagged\":{");
	for (unsigned f = 0; f < VERDICT_FLAG_COUNT; f++)
		text_putf(reply, "%s\"%s\":%llu", f ? "," : "", verdict_flag_name(1u << f),
			  (unsigned long long)sum.flags[f]);
	text_put_char(reply, '}');
}

static void put_rules(const struct daemon *daemon, struct text_buf *reply)
{
	struct keeper_stats stats;

	keeper_get_stats(daemon->keeper, &stats);
	text_putf(reply,
		  ",\"rules\":{\"engine\":\"%s\",\"present\":%s,\"diverting\":%s,\"counted\":%llu,"
		  "\"unclassified\":%llu,\"restored\":%llu,\"heartbeats_withheld\":%llu}",
		  stats.has_rules ? rules_engine_name(stats.engine)
				  : rules_engine_name(daemon->generation->config->engine),
		  stats.has_rules ? "true" : "false", stats.is_diverting ? "true" : "false",
		  (unsigned long long)stats.counted, (unsigned long long)stats.unclassified,
		  (unsigned long long)stats.restored, (unsigned long long)stats.withheld);
}

static void put_sets(const struct daemon *daemon, struct text_buf *reply)
{
	struct publisher_stats stats = {0};
	struct worker_stats sum;

	workers_sum_stats(daemon->workers, (unsigned)daemon->boot->queue_count, &sum);
	if (daemon->generation->publisher)
		publisher_get_stats(daemon->generation->publisher, &stats);
	text_putf(reply,
		  ",\"publish\":{\"bursts\":%llu,\"late\":%llu,\"lost\":%llu,\"withheld\":%llu",
		  (unsigned long long)stats.bursts, (unsigned long long)stats.late,
		  (unsigned long long)stats.lost, (unsigned long long)sum.withheld);
	put_duration("commit_us", &stats.commit, reply);
	text_put(reply, ",\"sets\":[");
	for (unsigned i = 0; i < daemon->generation->config->set_count; i++) {
		const struct publisher_target_stats *set = &stats.targets[i];

		text_put(reply, i ? ",{\"name\":" : "{\"name\":");
		text_put_json(reply, daemon->generation->targets[i]->name);
		text_putf(reply,
			  ",\"added\":%llu,\"refreshed\":%llu,\"removed\":%llu,\"failed\":%llu,"
			  "\"refills\":%llu,\"quarantined\":%s}",
			  (unsigned long long)set->added, (unsigned long long)set->refreshed,
			  (unsigned long long)set->removed, (unsigned long long)set->failed,
			  (unsigned long long)set->refills, set->is_quarantined ? "true" : "false");
	}
	text_put(reply, "]}");
}

static void put_clients(const struct daemon *daemon, struct text_buf *reply)
{
	struct clients_stats stats;

	clients_get_stats(daemon->pipeline.clients, &stats);
	text_putf(reply,
		  ",\"clients\":{\"used\":%zu,\"capacity\":%zu,\"evicted\":%llu,\"memory_bytes\":%"
		  "zu}",
		  stats.used, stats.capacity, (unsigned long long)stats.evicted,
		  stats.memory_bytes);
}

static void put_baseline(const struct daemon *daemon, struct text_buf *reply)
{
	struct baseline_stats stats;

	if (!daemon->pipeline.baseline)
		return;
	baseline_get_stats(daemon->pipeline.baseline, &stats);
	text_putf(reply,
		  ",\"baseline\":{\"networks\":%zu,\"capacity\":%zu,\"evicted\":%llu,"
		  "\"memory_bytes\":%zu}",
		  stats.used, stats.capacity, (unsigned long long)stats.evicted,
		  stats.memory_bytes);
}

static void put_tally(const char *name, const struct tally_stats *stats, struct text_buf *reply)
{
	text_putf(reply, ",\"%s\":{\"shapes\":%zu,\"capacity\":%zu,\"syns\":%llu}", name,
		  stats->used, stats->capacity, (unsigned long long)stats->total);
}

static void put_shapes(const struct daemon *daemon, struct text_buf *reply)
{
	struct tally_stats stats;

	tally_get_stats(daemon->pipeline.unknown, &stats);
	put_tally("unknown", &stats, reply);
	if (!daemon->learned)
		return;
	learn_get_stats(learned_learn(daemon->learned), &stats);
	put_tally("learned", &stats, reply);
}

static void put_control(const struct daemon *daemon, struct text_buf *reply)
{
	struct server_stats stats;

	server_get_stats(daemon->server, &stats);
	text_putf(reply,
		  ",\"control\":{\"connections\":%u,\"subscribers\":%u,\"accepted\":%llu,"
		  "\"refused\":%llu,\"gave_way\":%llu,\"requests\":%llu,\"errors\":%llu,\"events_"
		  "sent\":%llu,"
		  "\"events_missed\":%llu}",
		  stats.conns, stats.subscribers, (unsigned long long)stats.accepted,
		  (unsigned long long)stats.refused, (unsigned long long)stats.gave_way,
		  (unsigned long long)stats.requests, (unsigned long long)stats.errors,
		  (unsigned long long)stats.events_sent, (unsigned long long)stats.events_missed);
}

void status_put(struct daemon *daemon, struct text_buf *reply)
{
	struct sigdb_stats sigdb;

	sigdb_get_stats(daemon->generation->knowledge->sigdb, &sigdb);
	text_put(reply, ",\"version\":\"" SYNPRINT_VERSION "\",\"config\":");
	text_put_json(reply, daemon->generation->config->path);
	text_putf(reply, ",\"pid\":%d,\"uptime_s\":%llu", (int)getpid(),
		  (unsigned long long)(daemon_clock_s() - daemon->started_s));
	put_rules(daemon, reply);
	put_queues(daemon, reply);
	put_packets(daemon, reply);
	put_clients(daemon, reply);
	put_baseline(daemon, reply);
	put_shapes(daemon, reply);
	put_sets(daemon, reply);
	text_putf(
		reply,
		",\"database\":{\"signatures\":%zu,\"classes\":%zu,\"links\":%zu,\"reloads\":%llu}",
		sigdb.sigs, sigdb.classes, linkdb_count(daemon->generation->knowledge->linkdb),
		(unsigned long long)daemon->reloads);
	put_control(daemon, reply);
}
