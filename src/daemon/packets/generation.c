/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading, starting and stopping a generation; see generation.h. */
#include "daemon/packets/generation_marks.h"
#include "daemon/packets/reports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_rules.h"
#include "publish/ipset.h"
#include "publish/nftset.h"
#include "sys/clock.h"
#include "sys/log.h"

#define SHARED_SIZE_MIN 1024 /* smaller sets are not shared out: whoever comes first is in them */
#define LIVE_LOOK_MAX 8192 /* clients in a step of a refill, so that bursts do not wait for it */

static void format_error(const char *path, const struct text_error *error, char *buf, size_t size)
{
	struct knowledge_error where = {.path = path, .text = *error};

	knowledge_error_format(&where, buf, size);
}

static int load_databases(struct generation *generation, struct config *config, struct vocab *vocab,
			  bool may_rename, char *ret_error, size_t error_size)
{
	struct knowledge_params params = config_knowledge_params(config);
	struct knowledge_error error;
	struct text_error config_error = {.what = "out of memory"};
	int rc;

	params.may_rename = may_rename;
	rc = knowledge_load(&params, vocab, &error, &generation->knowledge);
	if (rc < 0) {
		knowledge_error_format(&error, ret_error, error_size);
		return rc;
	}
	rc = config_resolve(config, vocab, &config_error);
	if (rc < 0)
		format_error(generation->config->path, &config_error, ret_error, error_size);
	return rc;
}

static int make_memos(struct generation *generation, char *ret_error, size_t error_size)
{
	const struct sigdb *servers = generation->knowledge->servers;

	for (unsigned i = 0; i < generation->config->queue_count; i++) {
		generation->memos[i] = match_memo_new(generation->knowledge->sigdb);
		generation->server_memos[i] = servers ? match_memo_new(servers) : NULL;
		if (!generation->memos[i] || (servers && !generation->server_memos[i])) {
			snprintf(ret_error, error_size, "out of memory");
			return -ENOMEM;
		}
	}
	return 0;
}

/* What only a restart changes is as it was at the start. */
static int keep(struct generation *generation, struct config *config, const struct config *boot,
		char *ret_error, size_t error_size)
{
	struct text_error error = {0};
	int rc;

	generation->kept_count =
		config_keep(config, boot, generation->kept_keys, GENERATION_NOTES_MAX);
	rc = config_check_kept(config, &error);
	if (rc < 0)
		format_error(config->path, &error, ret_error, error_size);
	return rc;
}

int generation_load(const struct generation_source *source, struct vocab *vocab, char *ret_error,
		    size_t error_size, struct generation **ret_generation)
{
	struct generation *generation = calloc(1, sizeof(*generation));
	struct text_error error = {.what = "out of memory"};
	struct config *config = NULL;

	if (!generation || config_load(source->path, &error, &config) < 0) {
		format_error(source->path ? source->path : "built-in defaults", &error, ret_error,
			     error_size);
		free(generation);
		return -EINVAL;
	}
	generation->config = config;
	generation->vocab = vocab;
	if ((source->boot && keep(generation, config, source->boot, ret_error, error_size) < 0) ||
	    load_databases(generation, config, vocab, source->may_rename, ret_error, error_size) <
		    0 ||
	    make_memos(generation, ret_error, error_size) < 0) {
		generation_free(generation);
		return -EINVAL;
	}
	*ret_generation = generation;
	return 0;
}

/* A subnet that counts as one client has no address to publish; its next SYN brings it back. */
static bool is_live(const struct generation *generation, const struct config_set *set,
		    const struct client *client, const struct client_conn *conn)
{
	bool is_subnet = generation->config->ipv6_prefix < 128 && !addr_is_v4(&client->addr);

	return !is_subnet && !config_is_excepted(generation->config, &client->addr) &&
	       filter_match(&set->filter, generation->vocab, &client->addr, &conn->verdict);
}

/* One element for the client, or, with ports, one for each connection that is remembered. */
static unsigned put_live(const struct generation *generation, const struct config_set *set,
			 const struct client *client, struct publish_op ret_ops[CLIENT_CONNS])
{
	uint32_t now_s = clock_steady_s();
	uint32_t silent_s = now_s > client->last_seen_s ? now_s - client->last_seen_s : 0;
	unsigned conns = set->has_port ? client->conn_count : 1, count = 0;

	for (unsigned i = 0; silent_s < set->timeout_s && i < conns; i++) {
		const struct client_conn *conn =
			set->has_port ? &client->conns[i] : client_conn_find(client, 0);

		if (set->confirm == CONFIG_SERVED && !conn->is_confirmed)
			continue;
		if (is_live(generation, set, client, conn))
			ret_ops[count++] =
				(struct publish_op){.addr = client->addr,
						    .port = conn->src_port,
						    .kind = PUBLISH_REFRESH,
						    .timeout_s = set->timeout_s - silent_s,
						    .comment = vocab_text(generation->vocab,
									  VOCAB_LABEL,
									  conn->verdict.label)};
	}
	return count;
}

/*
 * A refill is no way around the shares: what was withheld still is, and where a set is new those
 * seen once do not fill it.
 */
static bool has_room(struct generation *generation, unsigned target, const struct client *client)
{
	uint32_t once_max = generation_share(generation, target, generation->config->once_percent);
	unsigned kind = generation->config->sets[target].has_port ? CLIENT_WITHHELD_PORT
								  : CLIENT_WITHHELD_ADDR;

	if (generation->served_sets >> target & 1)
		return true;
	if (client->withheld & kind)
		return false;
	if (client->syn_count != 1)
		return true;
	if (generation->filled_once[target] <= once_max / 2) {
		generation->filled_once[target]++;
		return true;
	}
	clients_withhold(generation->clients, &client->addr, client->withheld | kind);
	return false;
}

/* What a target should hold: the clients that meet its condition and were seen within its timeout. */
static unsigned live_elements(void *ctx, unsigned target, uint64_t *cursor,
			      struct publish_op *ret_ops, unsigned max)
{
	struct generation *generation = ctx;
	const struct config_set *set = &generation->config->sets[target];
	unsigned count = 0, looked = 0;

	if (!*cursor)
		generation->filled_once[target] = 0;
	do {
		struct client client;
		unsigned n;

		if (clients_page(generation->clients, *cursor, 1, &client, cursor) == 0)
			break;
		n = put_live(generation, set, &client, ret_ops + count);
		if (n && has_room(generation, target, &client))
			count += n;
	} while (*cursor && count + CLIENT_CONNS <= max && ++looked < LIVE_LOOK_MAX);
	return count;
}

static bool belongs(void *ctx, unsigned target, struct publish_op *op)
{
	const struct generation *generation = ctx;
	const struct config_set *set = &generation->config->sets[target];
	struct publish_op ops[CLIENT_CONNS];
	struct client client;
	unsigned count;

	if (clients_get(generation->clients, &op->addr, &client) < 0)
		return false;
	count = put_live(generation, set, &client, ops);
	for (unsigned i = 0; i < count; i++)
		if (!set->has_port || ops[i].port == op->port)
			return true;
	return false;
}

static enum publisher_rank rank(void *ctx, const struct addr *addr)
{
	const struct generation *generation = ctx;
	struct client client;

	if (clients_get(generation->clients, addr, &client) < 0)
		return PUBLISHER_SEEN_ONCE;
	if (client.is_confirmed)
		return PUBLISHER_STAYS;
	return client.syn_count > 1 ? PUBLISHER_CAME_BACK : PUBLISHER_SEEN_ONCE;
}

/* Sets that anybody can fill by a SYN, and by nothing else, are kept from being full. Packets may empty others. */
static void describe_sets(const struct generation *generation, struct publisher_params *params)
{
	uint32_t open = generation->mark_sets & ~generation->served_sets;

	for (unsigned i = 0; i < generation->config->set_count; i++) {
		const struct config_set *set = &generation->config->sets[i];

		if (open >> i & 1 && set->size >= SHARED_SIZE_MIN)
			params->sizes[i] = config_size_with_room(set->size);
		if (set->removes)
			params->emptied |= generation->mark_sets & UINT32_C(1) << i;
	}
}

static void on_publisher_event(void *ctx, unsigned target, enum publisher_event event,
			       const char *what)
{
	static struct log_limit limits[PUBLISHER_EVENTS][CONFIG_SETS_MAX];
	const char *name = ((const struct generation *)ctx)->targets[target]->name;
	struct log_limit *limit = &limits[event][target];

	switch (event) {
	case PUBLISHER_FAILED:
		log_limited(limit, LOG_LEVEL_ERROR,
			    "%s takes no elements (%s); it is tried again later, others go on",
			    name, what);
		return;
	case PUBLISHER_RECOVERED:
		log_limited(limit, LOG_LEVEL_INFO, "%s takes elements again", name);
		return;
	case PUBLISHER_HALF:
		log_limited(limit, LOG_LEVEL_WARNING,
			    "%s is filled in part (%s); it is looked for again", name, what);
		return;
	case PUBLISHER_FULL:
		log_limited(limit, LOG_LEVEL_WARNING,
			    "%s is full: new clients are left out until some leave it; those who "
			    "are in it stay",
			    name);
		return;
	case PUBLISHER_RELIEVED:
		log_limited(limit, LOG_LEVEL_WARNING,
			    "%s is nearly full: the oldest that are not confirmed make room for "
			    "new ones",
			    name);
		return;
	case PUBLISHER_DRIFTED:
		log_limited(limit, LOG_LEVEL_WARNING,
			    "%s was changed by somebody (%s); it is filled again", name, what);
		return;
	case PUBLISHER_EVENTS: return;
	}
}

/* @is_kept: what is in it is right */
static int make_target(const struct config_set *set, bool is_kept, struct target **ret_target)
{
	bool is_ip = strncmp(set->table, "ip ", 3) == 0,
	     is_ip6 = strncmp(set->table, "ip6 ", 4) == 0;
	bool is_ipset = set->kind == CONFIG_IPSET;
	char name4[256], name6[256];
	struct target_params params = {.name4 = is_ip6 && !is_ipset ? NULL : name4,
				       .name6 = is_ip && !is_ipset ? NULL : name6,
				       .prefix6 = (unsigned)set->prefix6,
				       .timeout_s = (uint32_t)set->timeout_s,
				       .has_comment = set->has_comment,
				       .family = is_ip    ? TARGET_IP
						 : is_ip6 ? TARGET_IP6
							  : TARGET_INET,
				       .has_port = set->has_port,
				       .is_map = set->kind == CONFIG_NFTMAP,
				       .is_kept = is_kept,
				       .mark = set->mark};

	snprintf(name4, sizeof(name4), "%s4", set->name);
	snprintf(name6, sizeof(name6), "%s6", set->name);
	params.size = is_ipset ? set->size : config_size_with_room(set->size);
	if (is_ipset)
		return ipset_new(&params, ret_target);
	params.is_foreign = !set->is_own_table;
	params.table = set->is_own_table ? NULL : strchr(set->table, ' ') + 1;
	return nftset_new(&params, ret_target);
}

int generation_check_targets(const struct config *config,
			     void (*fn)(const char *name, const char *reason, void *ctx), void *ctx)
{
	for (unsigned i = 0; i < config->set_count; i++) {
		const struct config_set *set = &config->sets[i];
		struct text_error error = {.what = ""};
		struct target *target;
		bool is_created;
		int rc;

		if (set->is_own_table || set->kind == CONFIG_IPSET ||
		    make_target(set, true, &target) < 0)
			continue;
		rc = target_ensure(target, &is_created, &error);
		if (error.what[0] && rc != -EPERM)
			fn(target->name, error.what, ctx);
		target->type->free(target);
		if (rc == -EPERM)
			return rc;
	}
	return 0;
}

/* A target's name says what it is in the kernel: kind, table and sets. */
static struct target *find_target(const struct generation *generation, const char *name)
{
	for (unsigned i = 0; i < GENERATION_TARGETS_MAX; i++)
		if (generation->targets[i] && strcmp(generation->targets[i]->name, name) == 0)
			return generation->targets[i];
	return NULL;
}

/* Instead of the one of the same name in @old. */
static int add_target(struct generation *generation, const struct generation *old, unsigned number,
		      const struct config_set *set, bool is_kept)
{
	struct target **target = &generation->targets[number], *before;
	int rc = make_target(set, is_kept, target);

	before = rc == 0 && old ? find_target(old, (*target)->name) : NULL;
	if (before && before->type->inherit)
		before->type->inherit(*target, before);
	return rc;
}

static int start_reports(struct generation *generation, const struct generation *old,
			 struct reported *reported)
{
	const struct config *config = generation->config;
	int rc = 0;

	generation->reported = reported;
	for (unsigned i = 0; rc == 0 && i < config->report_set_count; i++)
		rc = add_target(generation, old, CONFIG_SETS_MAX + i, &config->report_sets[i].set,
				false);
	return rc ? rc : reports_start(generation);
}

int generation_start(struct generation *generation, const struct generation *old, uint64_t seed,
		     struct clients *clients, struct reported *reported)
{
	const struct config *config = generation->config;
	struct publisher_params params = {.name = "publisher",
					  .targets = generation->targets,
					  .target_count = config->set_count,
					  .worker_count = config->queue_count + 1,
					  .deadline_ms = config->deadline_ms,
					  .marked = generation->mark_sets,
					  .ctx = generation,
					  .live = live_elements,
					  .belongs = belongs,
					  .rank = rank,
					  .event = on_publisher_event};
	uint32_t kept = generation_kept(generation, old);
	int rc = 0;

	generation->clients = clients;
	if (generation->ct_sets)
		generation->renewed = renewed_new(seed, clock_steady_ms());
	describe_sets(generation, &params);
	for (unsigned i = 0; rc == 0 && i < config->set_count; i++) {
		rc = add_target(generation, old, i, &config->sets[i], kept >> i & 1);
		generation->port_sets |= (uint32_t)config->sets[i].has_port << i;
	}
	if (rc == 0 && config->set_count)
		rc = publisher_start(&params, &generation->publisher);
	return rc ? rc : start_reports(generation, old, reported);
}

void generation_sweep(const struct generation *generation)
{
	const struct addr all[] = {addr_from_v4((const uint8_t[4]){0}),
				   addr_from_v6((const uint8_t[16]){0})};
	uint32_t own = 0;

	for (unsigned i = 0; i < generation->config->set_count; i++)
		own |= (uint32_t)config_fills_by_packet(&generation->config->sets[i]) << i;
	for (unsigned i = 0; generation->publisher && i < 2; i++)
		publisher_note(generation->publisher, PUBLISHER_SWEEP, own, &all[i], 0);
}

void generation_settled(void *ctx)
{
	struct generation *generation = ctx;

	if (generation->publisher && generation->late_sets)
		publisher_refill(generation->publisher, generation->late_sets);
}

/* What the next one has goes on; what it has not is removed. */
static void hand_over(struct target *target, const struct generation *next)
{
	struct target *heir = next ? find_target(next, target->name) : NULL;

	if (!heir)
		target_remove(target);
	else if (target->type->adopt)
		target->type->adopt(heir, target);
}

void generation_retire(struct generation *generation)
{
	publisher_retire(generation->publisher);
	publisher_retire(generation->reports);
}

void generation_stop(struct generation *generation, const struct generation *next)
{
	publisher_stop(generation->publisher, next ? next->publisher : NULL);
	publisher_stop(generation->reports, next ? next->reports : NULL);
	generation->publisher = generation->reports = NULL;
	for (unsigned i = 0; i < GENERATION_TARGETS_MAX; i++)
		if (generation->targets[i])
			hand_over(generation->targets[i], next);
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	for (unsigned i = 0; i < GENERATION_TARGETS_MAX; i++)
		if (generation->targets[i])
			generation->targets[i]->type->free(generation->targets[i]);
	for (unsigned i = 0; i < CONFIG_QUEUES_MAX; i++) {
		match_memo_free(generation->memos[i]);
		match_memo_free(generation->server_memos[i]);
	}
	renewed_free(generation->renewed);
	knowledge_free(generation->knowledge);
	config_free(generation->config);
	free(generation);
}

uint32_t generation_sets_of(const struct generation *generation, const struct addr *addr,
			    const struct verdict *verdict)
{
	const struct config *config = generation->config;
	uint32_t sets = 0;

	if (config_is_excepted(config, addr))
		return 0;
	for (unsigned i = 0; i < config->set_count; i++)
		if (filter_match(&config->sets[i].filter, generation->vocab, addr, verdict))
			sets |= UINT32_C(1) << i;
	return sets;
}

uint32_t generation_sets_left(const struct generation *generation, const struct addr *addr,
			      const struct verdict *old_verdict, uint32_t met)
{
	const struct config *config = generation->config;
	uint32_t sets = 0;

	for (unsigned i = 0; i < config->set_count; i++)
		if (config->sets[i].removes && !(met >> i & 1) &&
		    filter_match(&config->sets[i].filter, generation->vocab, addr, old_verdict))
			sets |= UINT32_C(1) << i;
	return sets;
}

int generation_publish_all(const struct generation *generation, const struct publish_item *items,
			   unsigned count)
{
	struct publish_burst burst = {.count = count};

	if (!generation->publisher || !count)
		return 0;
	memcpy(burst.items, items, count * sizeof(*items));
	return publisher_publish(generation->publisher, generation->config->queue_count, &burst,
				 false);
}

/* The rules have filled these sets: that is counted, and by such elements a flush is seen. */
static void take_filled(const struct generation *generation, const struct addr *addr,
			const struct client_confirmed *confirmed, uint32_t sets)
{
	uint32_t wanted = sets & publisher_wants(generation->publisher);

	publisher_count_marked(generation->publisher, confirmed->is_first ? sets : 0,
			       confirmed->is_first ? 0 : sets);
	if (wanted)
		publisher_note(generation->publisher, PUBLISHER_SEEN, wanted, addr, 0);
}

bool generation_confirm(const struct generation *generation, const struct addr *addr,
			const struct client_confirmed *confirmed, struct publish_item *ret_item)
{
	const struct config *config = generation->config;
	uint32_t met = generation_sets_of(generation, addr, &confirmed->verdict);
	uint32_t sets = generation->served_sets & ~generation->ct_sets;
	struct publish_item item = {.addr = *addr,
				    .add = met & sets,
				    .comment = vocab_text(generation->vocab, VOCAB_LABEL,
							  confirmed->verdict.label)};

	if (generation->publisher && generation->confirms)
		take_filled(generation, addr, confirmed, met & generation->ct_sets);
	generation_note_renewed(generation, addr, met, confirmed->seen_ms);
	for (unsigned i = 0; i < config->set_count; i++)
		if (config->sets[i].removes)
			item.remove |= UINT32_C(1) << i & sets & ~met;
	if (!item.add && !item.remove)
		return false;
	*ret_item = item;
	return true;
}

uint32_t generation_share(const struct generation *generation, unsigned target, unsigned percent)
{
	const struct config *config = generation->config;
	uint64_t size = config->sets[target].size;

	if (size < SHARED_SIZE_MIN || percent == 100)
		return INT32_MAX;
	return (uint32_t)(size * percent / 100);
}

uint32_t generation_mark_of(const struct generation *generation, const struct addr *addr,
			    const struct verdict *verdict)
{
	const struct config *config = generation->config;
	uint32_t mark = config->mark_seen;

	if (config_is_excepted(config, addr))
		return mark;
	for (unsigned i = 0; i < config->mark_count; i++)
		if (filter_match(&config->marks[i].filter, generation->vocab, addr, verdict))
			mark |= config->marks[i].mark;
	return mark;
}
