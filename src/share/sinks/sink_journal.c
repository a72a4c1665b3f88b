/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events as entries of the journal, with fields of their own: `journalctl SYNPRINT_FLAGS=vpn`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <systemd/sd-journal.h>

#include "share/sinks/forms.h"
#include "share/sinks/sink.h"
#include "sys/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define FIELDS_MAX 24
#define FIELD_BYTES 256

struct journal_sink {
	struct sink sink;
	const struct sink_config *config;
};

struct entry {
	int count;
	struct iovec fields[FIELDS_MAX];
	char text[FIELDS_MAX][FIELD_BYTES];
};

/* A field may be there several times (systemd.journal-fields(7)). */
static void add(struct entry *entry, const char *name, const char *value)
{
	char *text;
	int len;

	if (entry->count == FIELDS_MAX || !value)
		return;
	text = entry->text[entry->count];
	len = snprintf(text, FIELD_BYTES, "%s=%s", name, value);
	if (len >= FIELD_BYTES)
		len = FIELD_BYTES - 1;
	entry->fields[entry->count++] = (struct iovec){.iov_base = text, .iov_len = (size_t)len};
}

static void add_number(struct entry *entry, const char *name, const cJSON *value)
{
	char text[32];

	if (!cJSON_IsNumber(value))
		return;
	snprintf(text, sizeof(text), "%.10g", value->valuedouble);
	add(entry, name, text);
}

static void fill(struct entry *entry, const cJSON *event)
{
	const cJSON *os = cJSON_GetObjectItemCaseSensitive(event, "os");
	const cJSON *link = cJSON_GetObjectItemCaseSensitive(event, "link");
	char message[FIELD_BYTES - 8];
	const cJSON *flag;

	snprintf(message, sizeof(message), "%s %s: %s", event_text(event, "ip"),
		 event_text(event, "event"), event_text(os, "label"));
	add(entry, "MESSAGE", message);
	add(entry, "PRIORITY", "6"); /* LOG_INFO */
	add(entry, "SYSLOG_IDENTIFIER", "synprint");
	add(entry, "SYNPRINT_EVENT", event_text(event, "event"));
	add(entry, "SYNPRINT_IP", event_text(event, "ip"));
	add_number(entry, "SYNPRINT_PORT", cJSON_GetObjectItemCaseSensitive(event, "port"));
	add(entry, "SYNPRINT_OS", event_text(os, "class"));
	add(entry, "SYNPRINT_LABEL", event_text(os, "label"));
	add_number(entry, "SYNPRINT_CONFIDENCE",
		   cJSON_GetObjectItemCaseSensitive(os, "confidence"));
	add(entry, "SYNPRINT_LINK", event_text(link, "label"));
	add(entry, "SYNPRINT_GRADE", event_text(link, "grade"));
	add_number(entry, "SYNPRINT_MTU", cJSON_GetObjectItemCaseSensitive(link, "mtu"));
	cJSON_ArrayForEach (flag, cJSON_GetObjectItemCaseSensitive(event, "flags"))
		add(entry, "SYNPRINT_FLAGS", cJSON_GetStringValue(flag));
}

static int journal_open(const struct sink_config *config, struct text_error *ret_error,
			struct sink **ret_sink)
{
	struct journal_sink *journal = calloc(1, sizeof(*journal));

	if (!journal)
		return text_error_set(ret_error, 0, 0, "out of memory");
	journal->sink.type = &sink_journal;
	journal->config = config;
	*ret_sink = &journal->sink;
	return 0;
}

static void journal_take(struct sink *sink, uint64_t now_s, const struct sink_event *event)
{
	static struct log_limit limit;
	struct journal_sink *journal = (struct journal_sink *)sink;
	struct entry entry = {.count = 0};
	int rc;

	(void)now_s;
	if (!sink_wants(journal->config, event))
		return;
	fill(&entry, event->tree);
	rc = sd_journal_sendv(entry.fields, entry.count);
	if (rc == 0 && access(JOURNAL_SOCKET, F_OK) < 0)
		rc = -errno; /* libsystemd does not tell that nobody is there */
	if (rc == 0) {
		journal->sink.taken++;
		return;
	}
	journal->sink.failed++;
	log_limited(&limit, LOG_LEVEL_WARNING, "the journal takes no events: %s", strerror(-rc));
}

static void journal_free(struct sink *sink)
{
	free(sink);
}

const struct sink_type sink_journal = {.open = journal_open,
				       .take = journal_take,
				       .free = journal_free};
