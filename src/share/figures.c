/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program's figures in the text format of Prometheus, for node_exporter's textfile collector. */
#include "share/share.h"

static void put_head(struct text_buf *out, const char *name, const char *type, const char *help)
{
	text_putf(out, "# HELP synprint_share_%s %s\n# TYPE synprint_share_%s %s\n", name, help,
		  name, type);
}

static void put_one(struct text_buf *out, const char *name, const char *type, const char *help,
		    uint64_t value)
{
	put_head(out, name, type, help);
	text_putf(out, "synprint_share_%s %llu\n", name, (unsigned long long)value);
}

static void put_labelled(struct text_buf *out, const char *name, const char *label,
			 const char *text, uint64_t value)
{
	text_putf(out, "synprint_share_%s{%s=\"%s\"} %llu\n", name, label, text,
		  (unsigned long long)value);
}

static void put_heard(const struct share_counts *counts, struct text_buf *out)
{
	put_head(out, "messages_total", "counter",
		 "Messages of the brokers, by what they were; refused ones change nothing.");
	put_labelled(out, "messages_total", "result", "no_topic", counts->topics);
	for (int i = MESSAGE_TOO_LONG; i < MESSAGE_RESULT_COUNT; i++)
		put_labelled(out, "messages_total", "result",
			     message_result_name((enum message_result)i), counts->parsed[i]);
	for (int i = ACCEPT_FOREIGN; i < ACCEPT_RESULT_COUNT; i++)
		put_labelled(out, "messages_total", "result",
			     accept_result_name((enum accept_result)i), counts->accepted[i]);
	for (int i = PEERS_NEWS; i < PEERS_RESULT_COUNT; i++)
		put_labelled(out, "messages_total", "result",
			     peers_result_name((enum peers_result)i), counts->taken[i]);
}

static uint64_t broker_value(const struct broker_stats *stats, unsigned what)
{
	const uint64_t values[] = {stats->is_connected, stats->waiting, stats->published,
				   stats->refused, stats->connects};

	return values[what];
}

static void put_brokers(const struct share_figures *figures, struct text_buf *out)
{
	static const struct {
		const char *name, *type, *help;
	} families[] = {
		{"broker_up", "gauge", "Whether the broker is connected."},
		{"broker_waiting", "gauge", "Slots to be published there."},
		{"broker_published_total", "counter", "Slots handed over."},
		{"broker_refused_total", "counter", "Messages that the broker refused."},
		{"broker_connects_total", "counter", "Connections made."},
	};

	for (unsigned f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		put_head(out, families[f].name, families[f].type, families[f].help);
		for (unsigned i = 0; i < figures->config->broker_count; i++)
			text_putf(out, "synprint_share_%s{broker=\"%s:%d\"} %llu\n",
				  families[f].name, figures->config->brokers[i].host,
				  figures->config->brokers[i].port,
				  (unsigned long long)broker_value(&figures->brokers[i], f));
	}
}

static void put_sinks(const struct share_figures *figures, struct text_buf *out)
{
	static const char *const kinds[] = {"file", "journal", "list", "crowdsec"};

	if (!figures->config->sink_count)
		return;
	put_head(out, "sink_events_total", "counter", "Events by sink, and whether it took them.");
	for (unsigned i = 0; i < figures->config->sink_count; i++) {
		const char *kind = kinds[figures->config->sinks[i].kind];

		text_putf(out,
			  "synprint_share_sink_events_total{sink=\"%u %s\",result=\"taken\"} %llu\n"
			  "synprint_share_sink_events_total{sink=\"%u %s\",result=\"failed\"} "
			  "%llu\n",
			  i, kind, (unsigned long long)figures->sinks[i]->taken, i, kind,
			  (unsigned long long)figures->sinks[i]->failed);
	}
}

void figures_put(const struct share_figures *figures, struct text_buf *out)
{
	put_one(out, "own", "gauge", "Suspects of this gateway that the others are told.",
		figures->slots.used);
	put_one(out, "own_evicted_total", "counter",
		"Suspects that gave way because all slots were in use.", figures->slots.evicted);
	put_one(out, "peers", "gauge", "Slots of other gateways that are known.", figures->peers);
	put_one(out, "reports_total", "counter", "Words handed to synprintd.",
		figures->reports.told);
	put_one(out, "reports_refused_total", "counter", "Words that synprintd refused.",
		figures->reports.refused);
	put_one(out, "daemon_up", "gauge", "Whether synprintd answers.",
		figures->reports.is_connected);
	put_one(out, "missed_total", "counter", "Events that came faster than they were read.",
		figures->counts->gaps);
	put_heard(figures->counts, out);
	put_brokers(figures, out);
	put_sinks(figures, out);
}
