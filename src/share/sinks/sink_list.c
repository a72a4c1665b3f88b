/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plain list of addresses, one a line, for firewalls that fetch lists: replaced whole, at most
 * once in two seconds, and only where it has changed. That of before a restart stays until synprintd
 * has told whom it knows: an empty one would let everybody go.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "share/sinks/forms.h"
#include "share/sinks/sink.h"
#include "share/words/slots.h"
#include "sys/file.h"
#include "sys/log.h"

#define WRITE_EVERY_S 2

struct list_sink {
	struct sink sink;
	const struct sink_config *config;
	struct slots *slots;
	uint64_t write_at_s;
	unsigned written; /* addresses */
	bool has_changed;
	bool is_filled; /* whom synprintd knows has been told */
	char text[MESSAGE_SLOTS * ADDR_TEXT_MAX];
};

static struct list_sink *list_of(struct sink *sink)
{
	return (struct list_sink *)sink;
}

static int list_write(struct list_sink *list, uint64_t now_s)
{
	struct message message;
	struct text_buf buf;
	uint32_t left_s;

	text_buf_init(&buf, list->text, sizeof(list->text));
	list->written = 0;
	for (unsigned slot = 0; slot < MESSAGE_SLOTS; slot++) {
		char ip[ADDR_TEXT_MAX];

		if (slots_get(list->slots, now_s, (uint16_t)slot, &message, &left_s) < 0 ||
		    message.is_gone)
			continue;
		addr_format(&message.addr, ip);
		text_put(&buf, ip);
		text_put_char(&buf, '\n');
		list->written++;
	}
	return file_replace(list->config->path, buf.data, buf.len, false);
}

/* Where there is a list, only whether another one can take its place. */
static int begin_list(struct list_sink *list)
{
	char folder[PATH_MAX];
	int rc;

	if (access(list->config->path, F_OK) < 0)
		return list_write(list, 0);
	rc = file_may_replace(list->config->path);
	if (rc < 0)
		return rc;
	snprintf(folder, sizeof(folder), "%s", list->config->path);
	return access(dirname(folder), W_OK | X_OK) < 0 ? -errno : 0;
}

static int list_open(const struct sink_config *config, struct text_error *ret_error,
		     struct sink **ret_sink)
{
	struct list_sink *list = calloc(1, sizeof(*list));
	int rc;

	if (list)
		list->slots = slots_new(0);
	if (!list || !list->slots) {
		free(list);
		return text_error_set(ret_error, 0, 0, "out of memory");
	}
	list->sink.type = &sink_list;
	list->config = config;
	rc = begin_list(list);
	if (rc < 0) {
		sink_list.free(&list->sink);
		return text_error_set(ret_error, 0, 0, "sink %s: %s", config->path,
				      file_error_text(rc));
	}
	*ret_sink = &list->sink;
	return 0;
}

static void list_take(struct sink *sink, uint64_t now_s, const struct sink_event *event)
{
	struct list_sink *list = list_of(sink);
	struct message suspect;
	uint32_t expiry_s;
	uint16_t slot;

	if (strcmp(event_text(event->tree, "event"), "snapshot_end") == 0)
		list->is_filled = list->has_changed = true;
	switch (local_judge(&list->config->rule, 1, event->tree, &suspect, &expiry_s)) {
	case LOCAL_NOTHING: return;
	case LOCAL_TELL:
		list->has_changed |= slots_put(list->slots, now_s, &suspect, expiry_s, &slot) == 1;
		list->sink.taken++;
		return;
	case LOCAL_TAKE_BACK:
		list->has_changed |= slots_withdraw(list->slots, now_s, &suspect.addr, &slot) == 0;
		return;
	}
}

static void list_tick(struct sink *sink, uint64_t now_s)
{
	static struct log_limit limit;
	struct list_sink *list = list_of(sink);
	struct slots_stats stats;
	int rc;

	slots_expire(list->slots, now_s);
	slots_get_stats(list->slots, &stats);
	if (!list->is_filled)
		return;
	if ((!list->has_changed && stats.used == list->written) || now_s < list->write_at_s)
		return;
	list->write_at_s = now_s + WRITE_EVERY_S;
	rc = list_write(list, now_s);
	list->has_changed = rc < 0;
	if (rc == 0)
		return;
	list->sink.failed++;
	log_limited(&limit, LOG_LEVEL_WARNING, "%s cannot be written, the old list stays: %s",
		    list->config->path, file_error_text(rc));
}

static void list_free(struct sink *sink)
{
	slots_free(list_of(sink)->slots);
	free(sink);
}

const struct sink_type sink_list = {.open = list_open,
				    .take = list_take,
				    .tick = list_tick,
				    .free = list_free};
