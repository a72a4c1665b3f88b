/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where events go besides the others: files, the journal, a plain list, CrowdSec. Each sink has a
 * subscription of its own and takes the lines as they come over the control socket; none is ever in
 * a packet's way.
 */
#ifndef SYNPRINT_SHARE_SINKS_SINK_H
#define SYNPRINT_SHARE_SINKS_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"
#include "share/words/local.h"

enum sink_kind { SINK_FILE, SINK_JOURNAL, SINK_LIST, SINK_CROWDSEC };

enum sink_form { SINK_FORM_SYNPRINT, SINK_FORM_EVE, SINK_FORM_ECS };

struct sink_config {
	enum sink_kind kind;
	enum sink_form form; /* of SINK_FILE */
	struct local_rule rule; /* the clients whose events are wanted */
	bool syns; /* every SYN, not only new clients and changes */
	const char *path; /* SINK_FILE, SINK_LIST; SINK_CROWDSEC: whom it was told, or NULL */
	int max_mb, keep; /* SINK_FILE: rotated at this size; how many old ones stay */
	const char *url, *machine, *password_file; /* SINK_CROWDSEC */
};

/* An event, read once for all that a sink may want of it. */
struct sink_event {
	const char *line; /* as it came, without its newline */
	size_t len;
	const struct cJSON *tree;
};

struct sink;

struct sink_type {
	/** open() - Return: 0; -EINVAL with the reason. */
	int (*open)(const struct sink_config *config, struct text_error *ret_error,
		    struct sink **ret_sink);
	void (*take)(struct sink *sink, uint64_t now_s, const struct sink_event *event);
	void (*tick)(struct sink *sink, uint64_t now_s); /* once a second; NULL: not needed */
	void (*reopen)(struct sink *sink); /* on SIGHUP; NULL: not needed */
	void (*free)(struct sink *sink);
};

/* The first member of each sink's own struct. */
struct sink {
	const struct sink_type *type;
	uint64_t taken, failed; /* events */
};

extern const struct sink_type sink_file, sink_journal, sink_list, sink_crowdsec;

/** sink_type_of() - of a configured kind. */
const struct sink_type *sink_type_of(enum sink_kind kind);

#endif
