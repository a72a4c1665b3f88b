/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's figures as of one moment, and a table that says what each of them is called: the
 * status reply (status.c) and the metrics (metrics.c) are two ways to write them. A new figure is a
 * member, a line where it is gathered, and a row.
 */
#ifndef SYNPRINT_DAEMON_ANSWERS_FIGURES_H
#define SYNPRINT_DAEMON_ANSWERS_FIGURES_H

#include "config/advice.h"
#include "control/p0f_server.h"
#include "control/server.h"
#include "core/baseline/baseline.h"
#include "core/reported/reported.h"
#include "daemon/packets/confirmer.h"
#include "daemon/packets/keeper.h"
#include "daemon/packets/reports.h"
#include "daemon/packets/timing.h"
#include "input/nfqueue_proc.h"

struct figures_queue {
	unsigned number;
	struct worker_stats worker;
	struct nfqueue_figures kernel; /* zero where it cannot be asked */
	bool has_kernel;
	bool is_stalled; /* its worker has made no progress for a second */
};

struct figures {
	const struct generation *generation; /* its names and settings; valid until a reload */
	uint64_t uptime_s, reloads;
	struct sigdb_stats sigdb;
	size_t links;
	struct keeper_stats rules;
	struct worker_stats workers; /* together */
	unsigned queue_count;
	struct figures_queue queues[CONFIG_QUEUES_MAX];
	struct clients_stats clients;
	struct confirmer_stats confirm;
	struct timing_stats timing;
	struct evidence_stats evidence;
	struct baseline_stats baseline;
	struct tally_stats unknown, learned;
	struct publisher_stats publish;
	struct server_stats control;
	uint64_t events_held; /* changes_held() */
	struct p0f_server_stats p0f;
	struct reported_stats reported;
	struct reports_stats reports;
	const char *socket, *p0f_socket; /* paths that are listened at */
	bool has_baseline, has_learned, has_p0f, has_clocks;
	const char *clocks_by; /* "mark", "label", "counter", "rules" or "nothing" */
	bool confirms; /* the rules in the kernel confirm connections */
	const char *confirms_by; /* "mark", "label" or "nothing" */
	struct advice_list advice; /* what else */
	char confirm_note[512]; /* what the administrator should know of it, or "" */
};

enum figure_type { FIGURE_COUNTER, FIGURE_GAUGE };

/* One of them: an unsigned number or a bool, in struct figures or in what a row of them stands for. */
struct figure {
	const char *member; /* in the status reply; NULL: not there */
	const char *metric; /* without "synprint_"; NULL: none */
	enum figure_type type;
	const char *help;
	size_t offset, size;
};

struct figure_group {
	const char *member; /* the object in the status reply; "": none; NULL: not there */
	const struct figure *rows;
	unsigned count;
	size_t has_offset; /* of the bool that says whether there are any; 0: always */
};

extern const struct figure_group figure_groups[];
extern const unsigned figure_group_count;

extern const struct figure_group figures_of_queue; /* in struct figures_queue */
extern const struct figure_group figures_of_set; /* in struct publisher_target_stats */

/** figure_value() - of the struct that the row's group is about. */
uint64_t figure_value(const struct figure *figure, const void *of);

/** figure_group_is_there() - false for what is switched off. */
bool figure_group_is_there(const struct figure_group *group, const struct figures *figures);

#endif
