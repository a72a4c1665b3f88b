/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests over libsynprint-client, pipelined; an answer that is missing breaks the connection. */
#include "share/reports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <synprint/async.h>

#include "core/verdict/verdict.h"
#include "sys/log.h"

#define TIMEOUT_MS 2000
#define WAITING_MAX 2048
#define ROUND_STEP 1024 /* words of a round handed over in one turn */

struct reports {
	struct synprint_async *async;
	const char *control;
	const struct peers *peers;
	unsigned waiting;
	bool is_connected; /* the last answer came */
	bool in_round;
	bool is_missed; /* it was logged that nobody answers */
	uint32_t cursor; /* of the round */
	uint64_t told, refused;
};

static void on_answer(void *ctx, int rc, const char *line)
{
	static struct log_limit limit;
	struct reports *reports = ctx;

	reports->waiting--;
	if (rc < 0) {
		reports->is_connected = reports->in_round = false;
		return;
	}
	if (strncmp(line, "{\"ok\":true", 10) == 0)
		return;
	reports->refused++;
	log_limited(&limit, LOG_LEVEL_WARNING, "synprintd refuses a report: %s", line);
}

static int ask(struct reports *reports, const char *request)
{
	int rc = synprint_async_request(reports->async, request, on_answer, reports);

	if (rc == 0)
		reports->waiting++;
	else
		reports->is_connected = reports->in_round = false;
	return rc;
}

static void note_missed(struct reports *reports, int rc)
{
	if (rc < 0 && rc != -ECANCELED && !reports->is_missed)
		log_line(LOG_LEVEL_WARNING,
			 "%s: no synprintd answers (%s); it is asked again each second",
			 reports->control, strerror(-rc));
	reports->is_missed = rc < 0;
}

static void on_begun(void *ctx, int rc, const char *line)
{
	static struct log_limit limit;
	struct reports *reports = ctx;

	reports->waiting--;
	note_missed(reports, rc);
	if (rc == 0 && strncmp(line, "{\"ok\":true", 10) != 0)
		log_limited(&limit, LOG_LEVEL_WARNING, "synprintd takes no reports: %s", line);
	else if (rc == 0)
		reports->is_connected = reports->in_round = true;
}

int reports_new(const char *control, const struct peers *peers, struct reports **ret_reports)
{
	struct reports *reports = calloc(1, sizeof(*reports));
	int rc = reports ? synprint_async_new(control, TIMEOUT_MS, &reports->async) : -ENOMEM;

	if (rc < 0) {
		free(reports);
		return rc;
	}
	reports->peers = peers;
	reports->control = control;
	*ret_reports = reports;
	return 0;
}

void reports_free(struct reports *reports)
{
	if (!reports)
		return;
	synprint_async_free(reports->async);
	free(reports);
}

int reports_fd(const struct reports *reports)
{
	return synprint_async_fd(reports->async);
}

bool reports_have_room(const struct reports *reports)
{
	return reports->waiting + 2 <= WAITING_MAX;
}

bool reports_are_in_round(const struct reports *reports)
{
	return reports->in_round;
}

static void put_flags(unsigned flags, struct text_buf *out)
{
	const char *comma = "";

	for (; flags; flags &= flags - 1, comma = ",")
		text_putf(out, "%s\"%s\"", comma,
			  verdict_flag_name((enum verdict_flag)(flags & -flags)));
}

void reports_put(const struct peers_word *word, struct text_buf *out)
{
	const struct message *message = &word->message;
	char ip[ADDR_TEXT_MAX];

	addr_format(&message->addr, ip);
	text_putf(out, "{\"op\":\"report\",\"ip\":\"%s\",\"origin\":\"%s\",\"left_s\":%u", ip,
		  word->origin, word->left_s);
	if (word->left_s) {
		text_put(out, ",\"flags\":[");
		put_flags(message->flags, out);
		text_put(out, "],\"label\":");
		text_put_json(out, message->label);
		text_put(out, ",\"confidence\":");
		text_put_permille(out, message->confidence_permille);
	}
	text_put_char(out, '}');
}

static void tell(struct reports *reports, const struct peers_word *word)
{
	char request[REPORTS_REQUEST_MAX];
	struct text_buf buf;

	text_buf_init(&buf, request, sizeof(request));
	reports_put(word, &buf);
	if (!buf.overflow && ask(reports, request) == 0)
		reports->told++;
}

/* A step of the round; words that come meanwhile are told as well, and the newest is the last. */
static void go_round(struct reports *reports, uint64_t now_s)
{
	struct peers_word word;

	for (unsigned i = 0; i < ROUND_STEP && reports->in_round; i++) {
		if (!reports_have_room(reports))
			return;
		if (peers_next(reports->peers, now_s, &reports->cursor, &word)) {
			tell(reports, &word);
			continue;
		}
		reports->in_round = false;
		ask(reports, "{\"op\":\"report\",\"round\":\"end\"}");
	}
}

void reports_dispatch(struct reports *reports, uint64_t now_s)
{
	synprint_async_dispatch(reports->async);
	go_round(reports, now_s);
}

void reports_tell(struct reports *reports, const struct peers_word *word)
{
	if (reports->is_connected)
		tell(reports, word);
}

void reports_lost(struct reports *reports)
{
	reports->is_connected = reports->in_round = false;
}

void reports_tick(struct reports *reports, uint64_t now_s)
{
	int rc;

	if (!reports->is_connected && reports->waiting == 0) {
		reports->cursor = 0;
		rc = synprint_async_request(reports->async,
					    "{\"op\":\"report\",\"round\":\"begin\"}", on_begun,
					    reports);
		if (rc == 0)
			reports->waiting++;
		else if (rc != -EAGAIN) /* which is: not yet, or what was asked before waits */
			note_missed(reports, rc);
	}
	reports_dispatch(reports, now_s);
}

void reports_get_stats(const struct reports *reports, struct reports_stats *ret_stats)
{
	*ret_stats = (struct reports_stats){.is_connected = reports->is_connected,
					    .told = reports->told,
					    .refused = reports->refused};
}
