/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet's journey: receive, parse, match, decide, observe, publish, accept, tell. */
#include "daemon/packets/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "config/ingress.h"
#include "daemon/packets/backlog.h"
#include "daemon/packets/generation_marks.h"
#include "daemon/packets/servers.h"
#include "daemon/packets/shares.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/slice.h"
#include "core/base/counter.h"

#define LOOPBACK_IFINDEX 1 /* net/net_namespace.h of Linux: lo is the first of each namespace */
#define DRAIN_MAX_MS 1000 /* the administrator's own rules may go on diverting */
#define RETRY_MS 10 /* after a failure of the socket */
#define DRAIN_MS 50 /* a queue that was silent so long after its rule went is empty */
#define PREFETCH_AHEAD 16 /* of 2, 4, 8 and 16 the best one with a million clients */

struct worker {
	struct pipeline *pipeline;
	unsigned number, queue_number;
	struct nfqueue *queue;
	pthread_t thread;
	bool is_started;
	struct ingress ingress;
	struct shares shares;
	struct backlog backlog;
	uint32_t length; /* of the queue now */
	bool must_stop; /* atomic */
	uint64_t ticks; /* atomic */
	struct worker_stats stats; /* written by the worker alone, read by anybody */
	uint32_t wanted; /* targets of which the publisher would like to see an element */
	uint32_t crowded; /* targets that are nearly full */
	uint32_t sighted; /* of these, where this element is once the burst is accepted */
	struct addr sighted_addr;
	uint16_t sighted_port;
	unsigned event_count;
	struct feed_event events[NFQUEUE_BURST_MAX];
};

/* A SYN of the burst, with what it alone says. */
struct judged {
	const struct nfqueue_packet *packet;
	struct syn syn;
	struct verdict verdict;
	struct client_key key;
	bool is_unknown;
};

_Static_assert(NFQUEUE_BURST_MAX <= PUBLISHER_ITEMS_MAX, "a burst of packets is one of items");

/*
 * Where this SYN may bring a new element. Elements with a port are new with each connection, and
 * where a subnet is one client, each of its SYNs may be from a new address.
 */
static uint32_t sets_of_change(const struct generation *generation, uint32_t met,
			       const struct change *change, const struct syn *syn)
{
	bool is_subnet = !addr_equal(&change->addr, &syn->src);

	if (is_subnet)
		return met;
	if (change->kind == CHANGE_REPEAT)
		return 0;
	if (change->kind == CHANGE_NEW || change->withheld & CLIENT_WITHHELD_ADDR)
		return met;
	if (change->kind == CHANGE_VERDICT)
		return met & (generation->port_sets |
			      ~generation_sets_of(generation, &syn->src, &change->old_verdict));
	return met & generation->port_sets;
}

static unsigned withheld_kinds(const struct generation *generation, uint32_t sets)
{
	return (sets & ~generation->port_sets ? CLIENT_WITHHELD_ADDR : 0) |
	       (sets & generation->port_sets ? CLIENT_WITHHELD_PORT : 0);
}

/* What is left of @sets when the shares are used up; then the next SYN tries again. */
static uint32_t sets_within_shares(struct worker *worker, const struct generation *generation,
				   uint64_t now_ms, uint32_t sets, const struct change *change,
				   const struct syn *syn)
{
	static struct log_limit limit;
	uint32_t taken = shares_take(&worker->shares, generation, sets, &syn->src,
				     change->syn_count == 1, now_ms);
	unsigned withheld = (change->withheld & ~withheld_kinds(generation, sets)) |
			    withheld_kinds(generation, sets & ~taken);

	if (withheld != change->withheld)
		clients_withhold(worker->pipeline->clients, &change->addr, withheld);
	if (taken != sets) {
		counter_add(&worker->stats.withheld, 1);
		log_limited(&limit, LOG_LEVEL_WARNING,
			    "many new clients: a set's share of those seen once, or of one "
			    "network, is used up; more are left out of it");
	}
	return taken;
}

/* Where a client belongs, as one SYN of it tells. */
struct membership {
	uint32_t met; /* targets whose condition it meets, without those withheld */
	uint32_t new_sets; /* of these, where this may be a new element */
	uint32_t withheld; /* left out of these: the shares are used up */
	uint32_t crowded; /* of the latter, where others may make room */
	uint32_t by_mark; /* targets that the rules behind the queue fill, for this packet */
};

/* Only our own rules in front of the queue say that ours are behind it. */
static bool is_by_rules(const struct worker *worker, const struct generation *generation,
			const struct nfqueue_packet *packet)
{
	return packet->mark & generation->marks.diverted &&
	       __atomic_load_n(&worker->pipeline->has_rules, __ATOMIC_ACQUIRE);
}

static struct membership find_membership(struct worker *worker, const struct generation *generation,
					 uint64_t now_ms, const struct judged *judged,
					 const struct change *change)
{
	const struct syn *syn = &judged->syn;
	struct membership is = {.met = generation_sets_of(generation, &syn->src, &change->verdict)};

	if (is_by_rules(worker, generation, judged->packet))
		is.by_mark = generation->mark_sets & ~generation->served_sets;
	/* Of those that wait for a confirmation nothing is new yet, and nobody can fill them by SYNs. */
	is.new_sets = sets_of_change(generation, is.met & ~generation->served_sets, change, syn);
	if (change->kind == CHANGE_REPEAT && !is.new_sets)
		is.withheld =
			is.met & ~generation->served_sets &
			((change->withheld & CLIENT_WITHHELD_ADDR ? ~generation->port_sets : 0) |
			 (change->withheld & CLIENT_WITHHELD_PORT ? generation->port_sets : 0));
	else if (is.new_sets)
		is.withheld = is.new_sets & ~sets_within_shares(worker, generation, now_ms,
								is.new_sets, change, syn);
	is.met &= ~is.withheld;
	is.crowded = is.withheld & worker->shares.without_once;
	is.new_sets &= ~is.withheld;
	return is;
}

/*
 * What the publisher is to be told: of sets that packets do not fill. A client that is known and
 * has not changed is in them already.
 */
static void add_item(const struct generation *generation, const struct change *change,
		     const struct syn *syn, const struct membership *is,
		     struct publish_burst *burst)
{
	struct publish_item item = {.addr = syn->src, .port = syn->src_port};
	uint32_t sets = ~is->by_mark & ~generation->served_sets;

	if (change->kind == CHANGE_REPEAT)
		return;
	item.add = is->new_sets & sets;
	if (change->kind != CHANGE_NONE)
		item.refresh = is->met & ~is->new_sets & sets;
	if (change->kind == CHANGE_VERDICT)
		item.remove = generation_sets_left(generation, &syn->src, &change->old_verdict,
						   is->met | is->withheld) &
			      ~generation->served_sets & ~(is->by_mark & generation->removing_sets);
	if (!item.add && !item.refresh && !item.remove)
		return;
	item.comment = vocab_text(generation->vocab, VOCAB_LABEL, change->verdict.label);
	burst->items[burst->count++] = item;
}

/* Elements by which a flush is seen; one SYN of a burst is enough. */
static void note_sighting(struct worker *worker, uint32_t sets, const struct syn *syn)
{
	sets &= worker->wanted;
	if (!sets || worker->sighted)
		return;
	worker->sighted = sets;
	worker->sighted_addr = syn->src;
	worker->sighted_port = syn->src_port;
}

/* Where this one may have found no room: a set does not say whether it took an element. */
static void tell_crowd(struct worker *worker, const struct generation *generation,
		       const struct syn *syn, const struct membership *is)
{
	uint32_t sets = is->crowded | (is->new_sets & is->by_mark & worker->crowded);

	if (sets && generation->publisher)
		publisher_note(generation->publisher, PUBLISHER_NO_ROOM, sets, &syn->src,
			       syn->src_port);
}

/* The bit that asks for a confirmation. A SYN with data makes no candidate. */
static uint32_t ask(struct worker *worker, const struct generation *generation,
		    const struct syn *syn, const struct change *change)
{
	if (!change->asks || syn->payload_len)
		return 0;
	counter_add(&worker->stats.candidates, 1);
	return generation->marks.ask;
}

/*
 * Our bits of the packet's mark. Every SYN says where its client belongs: so an element is as fresh as
 * its client, and what a full set refused or somebody flushed comes back by itself. Only a client whose
 * confirmed elements have just been renewed does not need this connection to be confirmed as well.
 */
static uint32_t find_bits(struct worker *worker, const struct generation *generation,
			  uint64_t now_ms, const struct judged *judged, const struct change *change,
			  const struct membership *is)
{
	const struct syn *syn = &judged->syn;
	uint32_t bits =
		generation_bits_of(generation, syn, &change->verdict, is->met, is->withheld);

	if (bits & generation->served_bits && change->is_steady &&
	    generation_is_renewed(generation, &syn->src, is->met, now_ms)) {
		bits &= ~generation->served_bits;
		note_sighting(worker, is->met & generation->ct_sets, syn);
	}
	return bits | ask(worker, generation, syn, change);
}

/*
 * The sets that the client belongs in: by the rules behind the queue where these fill them, else as
 * an item for the publisher.
 */
static void publish_sets(struct worker *worker, const struct generation *generation,
			 uint64_t now_ms, const struct judged *judged, const struct change *change,
			 struct publish_burst *burst)
{
	const struct nfqueue_packet *packet = judged->packet;
	const struct syn *syn = &judged->syn;
	struct membership is = find_membership(worker, generation, now_ms, judged, change);
	uint32_t mark = packet->mark & ~generation->config->mark_mask;

	add_item(generation, change, syn, &is, burst);
	mark |= generation_mark_of(generation, &syn->src, &change->verdict);
	if (is_by_rules(worker, generation, packet))
		mark |= find_bits(worker, generation, now_ms, judged, change, &is);
	if (mark != packet->mark)
		nfqueue_mark(worker->queue, packet, mark);
	if (is.met & is.by_mark)
		publisher_count_marked(generation->publisher, is.new_sets & is.by_mark,
				       is.met & is.by_mark & ~is.new_sets);
	tell_crowd(worker, generation, syn, &is);
	note_sighting(worker, is.met & is.by_mark, syn);
}

static void add_event(struct worker *worker, uint64_t now_ms, const struct syn *syn,
		      const struct change *change)
{
	const struct pipeline *pipeline = worker->pipeline;

	if (change->kind == CHANGE_REPEAT || !pipeline->wants_event(pipeline->ctx, change->kind))
		return;
	worker->events[worker->event_count++] =
		(struct feed_event){.now_ms = now_ms,
				    .kind = change->kind,
				    .syn_count = change->syn_count,
				    .verdict = change->verdict,
				    .old_verdict = change->old_verdict,
				    .syn = *syn};
}

static void count_flags(struct worker_stats *stats, unsigned flags)
{
	for (; flags; flags &= flags - 1)
		counter_add(&stats->flags[__builtin_ctz(flags)], 1);
}

/* The only lock that all workers share, and taken only for what is unknown. */
static void count_unknown(struct tally *unknown, uint64_t now_ms, const struct syn *syn)
{
	struct sig shape;

	tally_shape(syn, &shape);
	tally_add(unknown, now_ms, &shape, 0, 1);
}

/* Only an MTU that says something is worth the look, and the lock. */
static uint64_t judge_network(const struct pipeline *pipeline, const struct netnames *names,
			      uint64_t now_ms, const struct syn *syn, const struct link *link)
{
	if (!pipeline->baseline || link->grade == LINK_NONE)
		return 0;
	return baseline_judge(pipeline->baseline, names, (uint32_t)(now_ms / 1000), &syn->src,
			      link->mtu, link->grade);
}

/* What the clocks of its connections have said of a client with this shape. */
static void judge_clocks(struct evidence_table *evidence, uint64_t now_ms, const struct syn *syn,
			 struct verdict *verdict)
{
	if (!evidence || !evidence_has_likely(evidence) ||
	    !evidence_is_likely(evidence, (uint32_t)(now_ms / 1000), &syn->src, clocks_shape(syn)))
		return;
	verdict->flags |= VERDICT_PROXY;
	verdict->reasons |= reason_bit(REASON_CLOCKS);
}

/* Nobody is answered there; and in a set it would cut this machine off from itself. */
static bool is_nobodys(const struct nfqueue_packet *packet, const struct syn *syn)
{
	return packet->in_ifindex != LOOPBACK_IFINDEX && addr_is_nobodys(&syn->src);
}

/* Return: whether it is a SYN. */
static bool judge(struct worker *worker, struct generation *generation, uint64_t now_ms,
		  const struct nfqueue_packet *packet, struct judged *ret)
{
	const struct knowledge *knowledge = generation->knowledge;
	const struct config *config = generation->config;
	const struct match *match;
	struct link link;
	enum syn_result result = syn_parse(packet->data, packet->len, &ret->syn);

	if (result == SYN_OK && is_nobodys(packet, &ret->syn))
		result = SYN_BAD_IP;
	if (result == SYN_OK && packet->needs_sum &&
	    !syn_has_good_sum(packet->data, packet->len, &ret->syn))
		result = SYN_BAD_SUM;
	counter_add(&worker->stats.results[result], 1);
	if (result == SYN_NOT_SYN)
		servers_note(worker->pipeline, generation, worker->number, now_ms, packet);
	if (result != SYN_OK)
		return false;
	ret->packet = packet;
	match = match_memo_syn(generation->memos[worker->number], &ret->syn);
	ret->is_unknown = match->unknown;
	link_judge(knowledge->linkdb, &ret->syn, config->local_clamp, &link);
	link.reasons |= judge_network(worker->pipeline, knowledge->names, now_ms, &ret->syn, &link);
	ret->verdict = verdict_decide(&ret->syn, match, &link, config->link_threshold);
	judge_clocks(__atomic_load_n(&generation->evidence, __ATOMIC_ACQUIRE), now_ms, &ret->syn,
		     &ret->verdict);
	ret->verdict.interface = ingress_number(&worker->ingress, generation->vocab,
						worker->pipeline->interfaces, packet->in_ifindex) &
				 0xf;
	return true;
}

static void record(struct worker *worker, const struct generation *generation, uint64_t now_ms,
		   const struct judged *judged, struct publish_burst *burst)
{
	const struct pipeline *pipeline = worker->pipeline;
	const struct syn *syn = &judged->syn;
	struct change change;

	clients_observe(pipeline->clients, &judged->key, now_ms, syn, &judged->verdict, &change);
	count_flags(&worker->stats, change.verdict.flags);
	if (judged->is_unknown && change.kind != CHANGE_REPEAT)
		count_unknown(pipeline->unknown, now_ms, syn);
	if (change.kind == CHANGE_REPEAT)
		counter_add(&worker->stats.repeats, 1);
	publish_sets(worker, generation, now_ms, judged, &change, burst);
	add_event(worker, now_ms, syn, &change);
}

/* Each client is fetched from memory while the SYNs before it are at work. */
static void handle_packets(struct worker *worker, struct generation *generation, uint64_t now_ms,
			   const struct nfqueue_packet *packets, unsigned n,
			   struct publish_burst *burst)
{
	const struct clients *clients = worker->pipeline->clients;
	struct judged judged[NFQUEUE_BURST_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		if (judge(worker, generation, now_ms, &packets[i], &judged[count])) {
			clients_locate(clients, &judged[count].syn, &judged[count].key);
			count++;
		}
	for (unsigned i = 0; i < count + PREFETCH_AHEAD; i++) {
		if (i < count && !clients_prefetch(clients, &judged[i].key))
			shares_prefetch(&worker->shares, &judged[i].syn.src);
		if (i >= PREFETCH_AHEAD)
			record(worker, generation, now_ms, &judged[i - PREFETCH_AHEAD], burst);
	}
}

static void accept_burst(struct worker *worker)
{
	static struct log_limit limit;
	int rc = nfqueue_accept(worker->queue);

	if (rc < 0) {
		counter_add(&worker->stats.accept_failures, 1);
		log_limited(&limit, LOG_LEVEL_WARNING,
			    "queue %u: the kernel did not take a verdict (%d); it is sent again",
			    worker->queue_number, -rc);
	}
}

static void tell(struct worker *worker)
{
	struct feed *feed = worker->pipeline->feed;

	for (unsigned i = 0; i < worker->event_count; i++)
		feed_push(feed, worker->number, &worker->events[i]);
	if (worker->event_count)
		feed_wake(feed);
	worker->event_count = 0;
}

/* Beyond its places SYNs pass unclassified, as the kernel's fail-open has it. */
static void fit_queue(struct worker *worker, unsigned count)
{
	static struct log_limit limit;
	bool has_stood = worker->backlog.is_standing;
	uint32_t length = backlog_note(&worker->backlog, count, nfqueue_is_dry(worker->queue),
				       clock_monotonic_ms());

	if (worker->backlog.is_standing && !has_stood) {
		counter_add(&worker->stats.backlogs, 1);
		log_limited(&limit, LOG_LEVEL_WARNING,
			    "queue %u: more SYNs come than are answered; until that ends %u of "
			    "them wait, and others pass unclassified",
			    worker->queue_number, length);
	}
	if (length != worker->length && nfqueue_set_length(worker->queue, length) == 0)
		worker->length = length;
}

static void handle_burst(struct worker *worker, const struct nfqueue_packet *packets, unsigned n)
{
	struct generation *generation =
		__atomic_load_n(worker->pipeline->generation, __ATOMIC_SEQ_CST);
	struct publisher *publisher = generation->publisher;
	struct publish_burst items;
	uint64_t now_ms = clock_steady_ms(), start_us = clock_monotonic_us();

	counter_add(&worker->stats.received, n);
	counter_add(&worker->stats.bursts, 1);
	items.count = 0;
	worker->sighted = 0;
	worker->wanted = publisher ? publisher_wants(publisher) : 0;
	worker->crowded = publisher ? publisher_crowded(publisher) : 0;
	handle_packets(worker, generation, now_ms, packets, n, &items);
	/*
	 * It waits, so that elements are in their sets before the SYN goes on. Those to be refreshed
	 * too: a client that comes back after the timeout is in no set any more; and who leaves one, by
	 * a rule that drops what is in it, would lose this very SYN.
	 */
	if (publisher && items.count)
		publisher_publish(publisher, worker->number, &items, true);
	accept_burst(worker);
	if (worker->sighted)
		publisher_note(publisher, PUBLISHER_SEEN, worker->sighted, &worker->sighted_addr,
			       worker->sighted_port);
	histogram_add(&worker->stats.burst, clock_monotonic_us() - start_us);
	tell(worker);
}

/* One turn of the loop. Return: how many packets it was, or -errno. */
static int turn(struct worker *worker, int timeout_ms)
{
	static struct log_limit limit;
	struct nfqueue_packet packets[NFQUEUE_BURST_MAX];
	int n = nfqueue_receive(worker->queue, timeout_ms, packets);

	if (n > 0)
		handle_burst(worker, packets, (unsigned)n);
	else if (nfqueue_must_accept(worker->queue))
		accept_burst(worker);
	if (n < 0)
		log_limited(&limit, LOG_LEVEL_ERROR, "queue %u: cannot receive (%d)",
			    worker->queue_number, -n);
	else /* without packets, too: the next ones are to find all places */
		fit_queue(worker, (unsigned)n);
	return n;
}

/* How long a turn waits for packets: until there is one, where nothing else is to be done. */
static int wait_ms(const struct worker *worker, bool must_stop)
{
	if (must_stop)
		return DRAIN_MS;
	return nfqueue_must_accept(worker->queue) ? 0 : -1;
}

/* A turn that failed is no progress: without it the switch lapses, and SYNs pass by. */
static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	uint64_t stop_ms = 0;
	char name[16]; /* TASK_COMM_LEN */

	snprintf(name, sizeof(name), "queue %u", worker->queue_number);
	prctl(PR_SET_NAME, name);
	slice_shorten();
	for (;;) {
		bool must_stop = __atomic_load_n(&worker->must_stop, __ATOMIC_ACQUIRE);
		int n = turn(worker, wait_ms(worker, must_stop));

		if (must_stop && !stop_ms)
			stop_ms = clock_monotonic_us() / 1000 + DRAIN_MAX_MS;
		if (must_stop && (n == 0 || clock_monotonic_us() / 1000 >= stop_ms))
			return NULL;
		if (n < 0 || nfqueue_must_accept(worker->queue))
			usleep(RETRY_MS * 1000);
		else
			__atomic_store_n(&worker->ticks, worker->ticks + 1, __ATOMIC_SEQ_CST);
	}
}

int worker_new(struct pipeline *pipeline, const struct config *config, unsigned number,
	       struct text_error *ret_error, struct worker **ret_worker)
{
	struct nfqueue_params params = {.queue = (uint16_t)(config->queue_first + number),
					.length = config->queue_length,
					.receive_buffer = config->receive_buffer};
	struct worker *worker = calloc(1, sizeof(*worker));
	int rc;

	if (!worker) {
		text_error_set(ret_error, 0, 0, "out of memory");
		return -ENOMEM;
	}
	worker->pipeline = pipeline;
	worker->shares.seed = pipeline->seed;
	worker->number = number;
	worker->queue_number = params.queue;
	worker->backlog.length = worker->length = params.length;
	rc = nfqueue_open(&params, ret_error, &worker->queue);
	if (rc < 0) {
		free(worker);
		return rc;
	}
	*ret_worker = worker;
	return 0;
}

int worker_start(struct worker *worker)
{
	int rc = -pthread_create(&worker->thread, NULL, worker_main, worker);

	worker->is_started = rc == 0;
	return rc;
}

void worker_stop(struct worker *worker)
{
	if (!worker)
		return;
	__atomic_store_n(&worker->must_stop, true, __ATOMIC_RELEASE);
	worker_wake(worker);
	if (worker->is_started)
		pthread_join(worker->thread, NULL);
	nfqueue_close(worker->queue);
	free(worker);
}

void worker_wake(struct worker *worker)
{
	nfqueue_wake(worker->queue);
}

uint64_t worker_ticks(const struct worker *worker)
{
	return __atomic_load_n(&worker->ticks, __ATOMIC_SEQ_CST);
}

static void add_stats(const struct worker *worker, struct worker_stats *stats)
{
	histogram_merge(&stats->burst, &worker->stats.burst);
	stats->received += counter_read(&worker->stats.received);
	stats->bursts += counter_read(&worker->stats.bursts);
	stats->backlogs += counter_read(&worker->stats.backlogs);
	stats->accept_failures += counter_read(&worker->stats.accept_failures);
	stats->withheld += counter_read(&worker->stats.withheld);
	stats->repeats += counter_read(&worker->stats.repeats);
	stats->candidates += counter_read(&worker->stats.candidates);
	for (unsigned i = 0; i < SYN_RESULT_COUNT; i++)
		stats->results[i] += counter_read(&worker->stats.results[i]);
	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++)
		stats->flags[i] += counter_read(&worker->stats.flags[i]);
}

void workers_sum_stats(struct worker *const *workers, unsigned count_of_workers,
		       struct worker_stats *ret_stats)
{
	*ret_stats = (struct worker_stats){.received = 0};
	for (unsigned w = 0; w < count_of_workers; w++)
		add_stats(workers[w], ret_stats);
}
