/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each figure is called: a member of the status reply, a metric, and what the metric means. */
#include "daemon/answers/figures.h"

#include <string.h>

#define AT(type, field) offsetof(type, field), sizeof(((type *)0)->field)
#define IN(field) AT(struct figures, field)
#define COUNT(rows) (sizeof(rows) / sizeof(rows[0]))

#define COUNTER FIGURE_COUNTER
#define GAUGE FIGURE_GAUGE

static const struct figure process[] = {
	{"uptime_s", "uptime_seconds", GAUGE, "since the start", IN(uptime_s)},
};

static const struct figure database[] = {
	{"signatures", "signatures", GAUGE, "signatures in the databases", IN(sigdb.sigs)},
	{"classes", NULL, GAUGE, NULL, IN(sigdb.classes)},
	{"links", "links", GAUGE, "rows of the link table", IN(links)},
	{"reloads", "reloads_total", COUNTER, "reloads that succeeded", IN(reloads)},
};

static const struct figure rules[] = {
	{"present", "rules_present", GAUGE, "1 where our rules are in the kernel",
	 IN(rules.has_rules)},
	{"diverting", "diverting", GAUGE, "1 while some queue gets SYNs", IN(rules.is_diverting)},
	{"counted", "syns_total", COUNTER, "inbound SYNs that the rules counted",
	 IN(rules.counted)},
	{"unclassified", "syns_unclassified_total", COUNTER,
	 "those of them that passed unclassified", IN(rules.unclassified)},
	{"restored", "rules_restored_total", COUNTER,
	 "how often somebody had deleted or changed the rules", IN(rules.restored)},
	{"skipped", "syns_skipped_total", COUNTER,
	 "SYNs of the same shape of a known client that passed unasked", IN(rules.skipped)},
	{"marked", "syns_marked_total", COUNTER,
	 "SYNs that passed because our bits of their mark were somebody else's", IN(rules.marked)},
	{"unanswered", "syns_unanswered_total", COUNTER,
	 "SYNs that passed because their queue did not answer", IN(rules.unanswered)},
	{"filled", "elements_filled_total", COUNTER, "elements that packets brought or refreshed",
	 IN(rules.filled)},
	{"refused", "elements_refused_total", COUNTER,
	 "elements that packets brought to a full set", IN(rules.refused)},
	{"forgotten", "queues_forgotten_total", COUNTER,
	 "queues that waited for a SYN that the kernel had dropped", IN(rules.forgotten)},
	{"trials", "harm_trials_total", COUNTER,
	 "how often half of the SYNs passed for some seconds, to see whether diverting does harm",
	 IN(rules.trials)},
	{"harmful", "harmful", GAUGE, "1 while nothing is diverted because that did harm",
	 IN(rules.is_harmful)},
};

static const struct figure clients[] = {
	{"used", "clients", GAUGE, "addresses in the client table", IN(clients.used)},
	{"capacity", "clients_capacity", GAUGE, "how many it has room for", IN(clients.capacity)},
	{"confirmed", "clients_confirmed", GAUGE, "those of whom a connection was confirmed",
	 IN(clients.confirmed)},
	{"evicted", "clients_evicted_total", COUNTER, "clients that gave way to others",
	 IN(clients.evicted)},
	{"memory_bytes", "clients_memory_bytes", GAUGE, "memory of the table",
	 IN(clients.memory_bytes)},
};

static const struct figure confirm[] = {
	{"on", "confirming", GAUGE, "1 where the rules see who finishes a handshake", IN(confirms)},
	{"candidates", "candidates_total", COUNTER, "SYNs whose verdict asked for a confirmation",
	 IN(workers.candidates)},
	{"connections", "confirmed_total", COUNTER, "connections that were confirmed",
	 IN(confirm.connections)},
	{"clients", "confirmed_clients_total", COUNTER,
	 "of clients of whom none was confirmed before", IN(confirm.clients)},
	{"forgotten", "confirmed_forgotten_total", COUNTER,
	 "confirmed connections that the client table did not remember", IN(confirm.forgotten)},
	{"lost", "confirmed_lost_total", COUNTER, "confirmations that were lost on the way",
	 IN(confirm.lost)},
	{"uncounted", "baseline_uncounted_total", COUNTER,
	 "confirmed clients left out of the baseline: their network had its share",
	 IN(confirm.uncounted)},
};

static const struct figure clocks[] = {
	{"connections", "clocks_connections_total", COUNTER, "connections that were looked at",
	 IN(timing.clocks.connections)},
	{"pending", "clocks_pending", GAUGE, "those that are being measured",
	 IN(timing.clocks.results[CLOCKS_PENDING])},
	{"copies", "clocks_copies_total", COUNTER, "copies of packets that were read",
	 IN(timing.copies)},
	{"lost", "clocks_lost_total", COUNTER, "copies that nobody read in time", IN(timing.lost)},
	{"unreadable", "clocks_unreadable_total", COUNTER,
	 "copies without a TCP packet or without a time", IN(timing.unreadable)},
	{"clients", "clocks_clients", GAUGE, "clients and shapes with evidence", IN(evidence.used)},
	{"capacity", NULL, GAUGE, NULL, IN(evidence.capacity)},
	{"likely", "clocks_likely", GAUGE, "those that are likely proxies",
	 IN(evidence.graded[EVIDENCE_LIKELY])},
	{"suspected", "clocks_suspected", GAUGE, "those that may be proxies",
	 IN(evidence.graded[EVIDENCE_SUSPECTED])},
	{"split", "clocks_split", GAUGE, "those with something on the way that ends TCP",
	 IN(evidence.graded[EVIDENCE_SPLIT])},
	{"evicted", "clocks_evicted_total", COUNTER, "clients whose evidence gave way",
	 IN(evidence.evicted)},
	{"memory_bytes", NULL, GAUGE, NULL, IN(evidence.memory_bytes)},
};

static const struct figure baseline[] = {
	{"networks", "baseline_networks", GAUGE, "networks in the baseline", IN(baseline.used)},
	{"capacity", "baseline_capacity", GAUGE, "how many it has room for", IN(baseline.capacity)},
	{"evicted", "baseline_evicted_total", COUNTER, "networks that gave way to others",
	 IN(baseline.evicted)},
	{"memory_bytes", NULL, GAUGE, NULL, IN(baseline.memory_bytes)},
};

static const struct figure unknown[] = {
	{"shapes", "unknown_shapes", GAUGE, "kinds of SYN that nothing in the databases looks like",
	 IN(unknown.used)},
	{"capacity", NULL, GAUGE, NULL, IN(unknown.capacity)},
	{"syns", "unknown_syns_total", COUNTER, "SYNs of these kinds", IN(unknown.total)},
};

static const struct figure learned[] = {
	{"shapes", "learned_shapes", GAUGE, "kinds of SYN learned from User-Agents",
	 IN(learned.used)},
	{"capacity", NULL, GAUGE, NULL, IN(learned.capacity)},
	{"syns", "learned_syns_total", COUNTER, "SYNs of these kinds, counted for a system",
	 IN(learned.total)},
};

static const struct figure reported[] = {
	{"used", "reports", GAUGE, "words of other gateways about addresses", IN(reported.used)},
	{"capacity", NULL, GAUGE, NULL, IN(reported.capacity)},
	{"refused", "reports_refused_total", COUNTER, "words for which there was no room",
	 IN(reported.refused)},
	{"commits", "reports_commits_total", COUNTER,
	 "transactions that brought such words into sets", IN(reports.commits)},
	{"failed", "reports_commits_failed_total", COUNTER, "those that failed",
	 IN(reports.failed)},
};

static const struct figure publish[] = {
	{"bursts", "publish_bursts_total", COUNTER, "bursts with something to publish",
	 IN(publish.bursts)},
	{"late", "publish_late_total", COUNTER,
	 "bursts that were let go before they were published", IN(publish.late)},
	{"lost", "publish_lost_total", COUNTER, "bursts left to the repair", IN(publish.lost)},
	{"withheld", "publish_withheld_total", COUNTER,
	 "SYNs left out of a set whose share of their kind was used up", IN(workers.withheld)},
};

static const struct figure control[] = {
	{"connections", "control_connections", GAUGE, "open connections of the control socket",
	 IN(control.conns)},
	{"subscribers", "control_subscribers", GAUGE, "those of them that get events",
	 IN(control.subscribers)},
	{"accepted", NULL, COUNTER, NULL, IN(control.accepted)},
	{"refused", "control_refused_total", COUNTER, "connections refused: too many",
	 IN(control.refused)},
	{"gave_way", "control_gave_way_total", COUNTER, "connections ended for other users' sake",
	 IN(control.gave_way)},
	{"requests", "control_requests_total", COUNTER, "requests", IN(control.requests)},
	{"errors", "control_errors_total", COUNTER, "requests that were refused",
	 IN(control.errors)},
	{"events_sent", "control_events_sent_total", COUNTER, "events sent to subscribers",
	 IN(control.events_sent)},
	{"events_missed", "control_events_missed_total", COUNTER, "events that subscribers missed",
	 IN(control.events_missed)},
	{"events_held", "control_events_held_total", COUNTER,
	 "changes of a client's verdict that waited, or gave way to newer ones", IN(events_held)},
};

static const struct figure p0f[] = {
	{"connections", "p0f_connections", GAUGE, "open connections of the p0f socket",
	 IN(p0f.conns)},
	{"refused", "p0f_refused_total", COUNTER, "connections refused: too many", IN(p0f.refused)},
	{"queries", "p0f_queries_total", COUNTER, "queries", IN(p0f.queries)},
	{"bad_queries", "p0f_bad_queries_total", COUNTER, "queries that were none",
	 IN(p0f.bad_queries)},
};

#define HAS(field) offsetof(struct figures, field)

const struct figure_group figure_groups[] = {
	{"", process, COUNT(process), 0},
	{"rules", rules, COUNT(rules), 0},
	{"clients", clients, COUNT(clients), 0},
	{"confirm", confirm, COUNT(confirm), 0},
	{"clocks", clocks, COUNT(clocks), HAS(has_clocks)},
	{"baseline", baseline, COUNT(baseline), HAS(has_baseline)},
	{"unknown", unknown, COUNT(unknown), 0},
	{"learned", learned, COUNT(learned), HAS(has_learned)},
	{"reports", reported, COUNT(reported), 0},
	{"publish", publish, COUNT(publish), 0},
	{"database", database, COUNT(database), 0},
	{"control", control, COUNT(control), 0},
	{"p0f", p0f, COUNT(p0f), HAS(has_p0f)},
};

const unsigned figure_group_count = COUNT(figure_groups);

#define OF_QUEUE(field) AT(struct figures_queue, field)

static const struct figure queue[] = {
	{"received", "queue_received_total", COUNTER, "packets received from the queue",
	 OF_QUEUE(worker.received)},
	{"bursts", "queue_bursts_total", COUNTER, "bursts they came in", OF_QUEUE(worker.bursts)},
	{"accept_failures", "queue_accept_failures_total", COUNTER,
	 "verdicts that the kernel did not take at once", OF_QUEUE(worker.accept_failures)},
	{"backlogs", "queue_backlogs_total", COUNTER,
	 "times more SYNs came than were answered, and others passed unclassified",
	 OF_QUEUE(worker.backlogs)},
	{"stalled", "queue_stalled", GAUGE, "1 where the worker makes no progress",
	 OF_QUEUE(is_stalled)},
};

const struct figure_group figures_of_queue = {NULL, queue, COUNT(queue), 0};

#define OF_SET(field) AT(struct publisher_target_stats, field)

static const struct figure set[] = {
	{"added", "set_added_total", COUNTER, "elements handed to the set", OF_SET(added)},
	{"refreshed", "set_refreshed_total", COUNTER, "elements whose timeout was begun anew",
	 OF_SET(refreshed)},
	{"removed", "set_removed_total", COUNTER, "elements taken out of the set", OF_SET(removed)},
	{"failed", "set_failed_total", COUNTER, "elements that the set did not take",
	 OF_SET(failed)},
	{"refills", "set_refills_total", COUNTER, "how often the set was filled again",
	 OF_SET(refills)},
	{"refused", "set_refused_total", COUNTER, "commits with new elements that had no room",
	 OF_SET(refused)},
	{"relieved", "set_relieved_total", COUNTER,
	 "elements that made room in a set that was nearly full", OF_SET(relieved)},
	{"waiting", "set_waiting", GAUGE, "removals that the set could not take yet",
	 OF_SET(waiting)},
	{"full", "set_full", GAUGE, "1 while the set has no room for new elements",
	 OF_SET(is_full)},
	{"quarantined", "set_quarantined", GAUGE, "1 while the set takes no elements",
	 OF_SET(is_quarantined)},
};

const struct figure_group figures_of_set = {NULL, set, COUNT(set), 0};

uint64_t figure_value(const struct figure *figure, const void *of)
{
	const uint8_t *at = (const uint8_t *)of + figure->offset;
	uint64_t big = 0;
	uint32_t small = 0;

	if (figure->size == sizeof(bool))
		return *at;
	if (figure->size == sizeof(small)) {
		memcpy(&small, at, sizeof(small));
		return small;
	}
	memcpy(&big, at, figure->size);
	return big;
}

bool figure_group_is_there(const struct figure_group *group, const struct figures *figures)
{
	return !group->has_offset || *(const bool *)((const uint8_t *)figures + group->has_offset);
}
