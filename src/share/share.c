/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wiring: what starts, what each turn of the loop does, and how it ends. */
#include "share/share.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <mosquitto.h>
#include <synprint/async.h>

#include "share/catchup.h"
#include "share/hear.h"
#include "share/memory.h"
#include "share/words/local.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/loop.h"
#include "sys/notify.h"

#define LETTERS_PER_TURN 1024
#define TURN_US 500 /* while letters keep coming, those of so long are taken together */
#define OWN_EVERY_S 10 /* our addresses are looked up, and words that have expired dropped */
#define FIGURES_MAX 65536
#define SUBSCRIPTION_MAX 512

/* A sink with the subscription that feeds it. */
struct outlet {
	struct share *share;
	struct sink *sink;
	struct synprint_async *events;
};

struct share {
	struct notify notify;
	struct share_config *config;
	struct loop *loop;
	struct inbox *inbox;
	struct slots *slots;
	struct peers *peers;
	struct reports *reports;
	struct catchup *catchup;
	struct synprint_async *events;
	struct broker *brokers[SHARE_BROKERS_MAX];
	struct outlet outlets[SHARE_SINKS_MAX];
	struct accept_own own;
	struct share_counts counts;
	uint64_t own_until_s;
	uint64_t turn_us; /* when letters were taken last */
};

static uint64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec;
}

/* ---- to the others ---- */

static void mark(struct share *share, uint16_t slot)
{
	for (unsigned i = 0; i < share->config->broker_count; i++)
		broker_mark(share->brokers[i], slot);
}

static void pump(struct share *share)
{
	for (unsigned i = 0; i < share->config->broker_count; i++)
		broker_pump(share->brokers[i], share->slots, now_s());
}

static void mark_all(struct share *share, struct broker *broker)
{
	struct message message;
	uint32_t left_s;

	for (unsigned slot = 0; slot < MESSAGE_SLOTS; slot++)
		if (slots_get(share->slots, now_s(), (uint16_t)slot, &message, &left_s) == 0)
			broker_mark(broker, (uint16_t)slot);
}

static void take_event(void *ctx, const cJSON *event)
{
	struct share *share = ctx;
	struct message suspect;
	uint32_t expiry_s;
	uint16_t slot;

	switch (local_judge(share->config->publish, share->config->publish_count, event, &suspect,
			    &expiry_s)) {
	case LOCAL_NOTHING: return;
	case LOCAL_TELL:
		if (slots_put(share->slots, now_s(), &suspect, expiry_s, &slot) == 1)
			mark(share, slot);
		return;
	case LOCAL_TAKE_BACK:
		if (slots_withdraw(share->slots, now_s(), &suspect.addr, &slot) == 0)
			mark(share, slot);
		return;
	}
}

/* Return: the event, or NULL where it is none; what was missed is counted. */
static cJSON *read_event(struct share *share, int rc, const char *line)
{
	static struct log_limit limit;
	const cJSON *missed;
	cJSON *event;

	if (rc < 0) {
		if (line)
			log_limited(&limit, LOG_LEVEL_ERROR,
				    "synprintd refuses the subscription: %s", line);
		return NULL;
	}
	event = cJSON_Parse(line);
	missed = cJSON_GetObjectItemCaseSensitive(event, "missed");
	if (cJSON_IsNumber(missed) && missed->valuedouble > 0)
		share->counts.gaps += (uint64_t)missed->valuedouble;
	return event;
}

static void on_event(void *ctx, int rc, const char *line)
{
	struct share *share = ctx;
	uint64_t gaps = share->counts.gaps;
	cJSON *event = read_event(share, rc, line);

	if (rc < 0)
		reports_lost(share->reports);
	if (event)
		take_event(share, event);
	if (share->counts.gaps != gaps)
		catchup_begin(share->catchup);
	cJSON_Delete(event);
}

static void on_events(void *ctx)
{
	struct share *share = ctx;

	synprint_async_dispatch(share->events);
	pump(share);
}

static void on_catchup(void *ctx)
{
	struct share *share = ctx;

	catchup_dispatch(share->catchup);
	pump(share);
}

/* ---- from the others ---- */

static void take_message(struct share *share, const struct letter *letter)
{
	struct hearer hearer = {.config = share->config,
				.own = &share->own,
				.slots = share->slots,
				.peers = share->peers,
				.counts = &share->counts};
	struct broker *broker = share->brokers[letter->broker];
	struct heard heard;

	hear(&hearer, now_s(), letter, &heard);
	for (unsigned i = 0; i < heard.word_count; i++)
		reports_tell(share->reports, &heard.words[i]);
	if (heard.is_restored)
		mark(share, heard.slot);
	if (heard.is_mark && broker_is_synced(broker, now_s(), letter->payload, letter->len))
		mark_all(share, broker);
}

static void take_letter(struct share *share, const struct letter *letter)
{
	struct broker *broker = share->brokers[letter->broker];

	switch (letter->kind) {
	case LETTER_CONNECTED: broker_connected(broker, now_s()); return;
	case LETTER_DISCONNECTED: broker_disconnected(broker, now_s()); return;
	case LETTER_MESSAGE: take_message(share, letter); return;
	}
}

/* A turn for each letter would wake synprintd for each. After a quiet moment nothing waits. */
static void let_letters_gather(struct share *share)
{
	uint64_t now_us = clock_monotonic_us();

	if (now_us < share->turn_us + TURN_US)
		usleep((useconds_t)(share->turn_us + TURN_US - now_us));
	share->turn_us = clock_monotonic_us();
}

static void on_inbox(void *ctx)
{
	struct share *share = ctx;
	struct letter letter;
	unsigned taken = 0;

	let_letters_gather(share);
	inbox_quiet(share->inbox);
	while (reports_have_room(share->reports) && taken < LETTERS_PER_TURN &&
	       inbox_take(share->inbox, &letter)) {
		take_letter(share, &letter);
		taken++;
	}
	if (taken == LETTERS_PER_TURN)
		inbox_ring(share->inbox);
	reports_dispatch(share->reports, now_s());
	pump(share);
}

static void on_reports(void *ctx)
{
	struct share *share = ctx;

	reports_dispatch(share->reports, now_s());
	inbox_ring(share->inbox); /* it may have waited for room */
}

/* ---- sinks ---- */

static void on_sink_event(void *ctx, int rc, const char *line)
{
	struct outlet *outlet = ctx;
	cJSON *tree = read_event(outlet->share, rc, line);
	struct sink_event event = {.line = line, .tree = tree};

	if (tree) {
		event.len = strlen(line);
		outlet->sink->type->take(outlet->sink, now_s(), &event);
	}
	cJSON_Delete(tree);
}

static void on_outlet(void *ctx)
{
	struct outlet *outlet = ctx;

	synprint_async_dispatch(outlet->events);
}

static void on_reopen(void *ctx)
{
	struct share *share = ctx;

	for (unsigned i = 0; i < share->config->sink_count; i++) {
		struct sink *sink = share->outlets[i].sink;

		if (sink->type->reopen)
			sink->type->reopen(sink);
	}
}

static int open_outlet(struct share *share, unsigned number, struct text_error *ret_error)
{
	const struct sink_config *config = &share->config->sinks[number];
	struct outlet *outlet = &share->outlets[number];
	char options[SUBSCRIPTION_MAX];
	struct text_buf buf;
	int rc = sink_type_of(config->kind)->open(config, ret_error, &outlet->sink);

	if (rc < 0)
		return rc;
	outlet->share = share;
	text_buf_init(&buf, options, sizeof(options));
	local_subscription(&config->rule, 1, config->syns, &buf);
	rc = synprint_async_new(share->config->control, 0, &outlet->events);
	rc = rc ? rc : synprint_async_subscribe(outlet->events, options, on_sink_event, outlet);
	return rc ? rc
		  : loop_add_fd(share->loop, synprint_async_fd(outlet->events), on_outlet, outlet);
}

/* ---- once a second ---- */

static void write_figures(const struct share *share)
{
	static struct log_limit limit;
	static char text[FIGURES_MAX];
	const struct sink *sinks[SHARE_SINKS_MAX];
	struct share_figures figures = {.config = share->config,
					.counts = &share->counts,
					.peers = peers_count(share->peers),
					.sinks = sinks};
	struct text_buf buf;
	int rc;

	if (!share->config->textfile)
		return;
	slots_get_stats(share->slots, &figures.slots);
	reports_get_stats(share->reports, &figures.reports);
	for (unsigned i = 0; i < share->config->broker_count; i++)
		broker_get_stats(share->brokers[i], &figures.brokers[i]);
	for (unsigned i = 0; i < share->config->sink_count; i++)
		sinks[i] = share->outlets[i].sink;
	text_buf_init(&buf, text, sizeof(text));
	figures_put(&figures, &buf);
	rc = file_replace(share->config->textfile, text, buf.len, false);
	if (rc < 0)
		log_limited(&limit, LOG_LEVEL_WARNING, "%s cannot be written: %s",
			    share->config->textfile, file_error_text(rc));
}

static void look_after(struct share *share)
{
	if (now_s() < share->own_until_s)
		return;
	share->own_until_s = now_s() + OWN_EVERY_S;
	accept_find_own(&share->own);
	if (!reports_are_in_round(share->reports))
		peers_expire(share->peers, now_s());
	write_figures(share);
}

static void on_second(void *ctx)
{
	struct share *share = ctx;

	slots_expire(share->slots, now_s());
	look_after(share);
	for (unsigned i = 0; i < share->config->broker_count; i++)
		if (broker_is_synced(share->brokers[i], now_s(), NULL, 0))
			mark_all(share, share->brokers[i]);
	for (unsigned i = 0; i < share->config->sink_count; i++) {
		struct sink *sink = share->outlets[i].sink;

		if (sink->type->tick)
			sink->type->tick(sink, now_s());
	}
	reports_tick(share->reports, now_s());
	inbox_ring(share->inbox); /* it may have waited for room */
	catchup_tick(share->catchup);
	pump(share);
}

static void on_stop(void *ctx)
{
	struct share *share = ctx;

	notify_send(&share->notify, "STOPPING=1");
	if (share->config->textfile) /* nobody is to take it for the figures of now */
		unlink(share->config->textfile);
	loop_stop(share->loop);
}

/* ---- start and stop ---- */

static int start_tables(struct share *share)
{
	struct share_config *config = share->config;
	char options[SUBSCRIPTION_MAX];
	struct text_buf buf;
	uint64_t seed;
	int rc;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint64_t)time(NULL);
	share->loop = loop_new();
	share->inbox = inbox_new();
	share->slots = slots_new(seed);
	share->peers = peers_new((uint32_t)config->entries, seed);
	if (!share->loop || !share->inbox || !share->slots || !share->peers)
		return -ENOMEM;
	slots_set_epoch(share->slots, (uint64_t)time(NULL));
	accept_find_own(&share->own);
	text_buf_init(&buf, options, sizeof(options));
	local_subscription(config->publish, config->publish_count, true, &buf);
	rc = catchup_new(&(struct catchup_params){.control = config->control,
						  .rules = config->publish,
						  .rule_count = config->publish_count,
						  .take = take_event,
						  .ctx = share},
			 &share->catchup);
	rc = rc ? rc : reports_new(config->control, share->peers, &share->reports);
	rc = rc ? rc : synprint_async_new(config->control, 0, &share->events);
	return rc ? rc : synprint_async_subscribe(share->events, options, on_event, share);
}

static int start_loop(struct share *share)
{
	struct loop *loop = share->loop;
	int rc = loop_add_signal(loop, SIGINT, on_stop, share);

	rc = rc ? rc : loop_add_signal(loop, SIGTERM, on_stop, share);
	rc = rc ? rc : loop_add_signal(loop, SIGHUP, on_reopen, share);
	rc = rc ? rc : loop_add_timer(loop, 1000, on_second, share);
	rc = rc ? rc : loop_add_fd(loop, inbox_fd(share->inbox), on_inbox, share);
	rc = rc ? rc : loop_add_fd(loop, reports_fd(share->reports), on_reports, share);
	rc = rc ? rc : loop_add_fd(loop, catchup_fd(share->catchup), on_catchup, share);
	rc = rc ? rc : loop_add_fd(loop, synprint_async_fd(share->events), on_events, share);
	return rc;
}

static int start_brokers(struct share *share, struct text_error *ret_error)
{
	const struct share_config *config = share->config;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < config->broker_count; i++) {
		const struct share_broker *broker = &config->brokers[i];
		struct broker_params params = {.number = i,
					       .gateway = config->gateway,
					       .host = broker->host,
					       .port = broker->port,
					       .ca = broker->ca,
					       .cert = broker->cert,
					       .key = broker->key,
					       .user = broker->user,
					       .password = broker->password,
					       .inbox = share->inbox,
					       .sign_key = config->sign_key};

		rc = broker_new(&params, ret_error, &share->brokers[i]);
	}
	return rc;
}

static int start(struct share *share, struct text_error *ret_error)
{
	int rc = start_tables(share);

	rc = rc ? rc : start_loop(share);
	for (unsigned i = 0; rc == 0 && i < share->config->sink_count; i++)
		rc = open_outlet(share, i, ret_error);
	rc = rc ? rc : start_brokers(share, ret_error);
	if (rc < 0 && rc != -EINVAL)
		text_error_set(ret_error, 0, 0, "%s", strerror(-rc));
	return rc;
}

static void stop(struct share *share)
{
	if (share->inbox)
		inbox_close(share->inbox);
	for (unsigned i = 0; i < share->config->broker_count; i++)
		broker_free(share->brokers[i]);
	for (unsigned i = 0; i < share->config->sink_count; i++) {
		struct outlet *outlet = &share->outlets[i];

		synprint_async_free(outlet->events);
		if (outlet->sink)
			outlet->sink->type->free(outlet->sink);
	}
	synprint_async_free(share->events);
	reports_free(share->reports);
	catchup_free(share->catchup);
	peers_free(share->peers);
	slots_free(share->slots);
	inbox_free(share->inbox);
	loop_free(share->loop);
}

int share_run(struct share_config *config)
{
	struct text_error error = {.what = ""};
	struct share *share = calloc(1, sizeof(*share));
	int rc = -ENOMEM;

	if (!share)
		return 1;
	share->config = config;
	notify_init(&share->notify);
	mosquitto_lib_init();
	rc = start(share, &error);
	if (rc == 0) {
		if (memory_limit() < 0)
			log_line(LOG_LEVEL_WARNING, "memory is not limited: /proc is missing");
		reports_tick(share->reports, now_s());
		notify_send(&share->notify, "READY=1");
		log_line(LOG_LEVEL_INFO, "ready: gateway %s, %u broker(s), %u sink(s)",
			 config->gateway, config->broker_count, config->sink_count);
		rc = loop_run(share->loop);
	} else {
		log_line(LOG_LEVEL_ERROR, "%s", error.what);
	}
	stop(share);
	mosquitto_lib_cleanup();
	notify_done(&share->notify);
	free(share);
	return rc == 0 ? 0 : 1;
}
