/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event in the forms of others: synprint's own line, an EVE record as Suricata's readers expect
 * it, or the Elastic Common Schema. From the event alone; nothing is looked up.
 */
#ifndef SYNPRINT_SHARE_SINKS_FORMS_H
#define SYNPRINT_SHARE_SINKS_FORMS_H

#include "share/sinks/sink.h"

/** sink_wants() - whether an event is about a client, and the configured rule is met. */
bool sink_wants(const struct sink_config *config, const struct sink_event *event);

/** form_put() - one line without its newline. */
void form_put(enum sink_form form, const struct sink_event *event, struct text_buf *out);

/** event_text() - a member that is a string, else "". */
const char *event_text(const struct cJSON *object, const char *name);

#endif
