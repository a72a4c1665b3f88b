/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: events of synprintd go into slots and to every broker; words of the others come
 * from every broker, are limited to what is believed, and go to synprintd.
 */
#ifndef SYNPRINT_SHARE_SHARE_H
#define SYNPRINT_SHARE_SHARE_H

#include "share/accept.h"
#include "share/broker.h"
#include "share/words/peers.h"
#include "share/reports.h"
#include "share/words/slots.h"

struct share_counts {
	uint64_t topics; /* that are none of ours */
	uint64_t parsed[MESSAGE_RESULT_COUNT], accepted[ACCEPT_RESULT_COUNT];
	uint64_t taken[PEERS_RESULT_COUNT];
	uint64_t gaps; /* events that synprintd could not keep for us */
};

/** share_run() - until SIGINT or SIGTERM. Return: the exit code; the reason is logged. */
int share_run(struct share_config *config);

/* What the figures are made of; see figures.c. */
struct share_figures {
	const struct share_config *config;
	const struct share_counts *counts;
	struct slots_stats slots;
	uint32_t peers;
	struct reports_stats reports;
	struct broker_stats brokers[SHARE_BROKERS_MAX];
	const struct sink *const *sinks;
};

/** figures_put() - as text for Prometheus. */
void figures_put(const struct share_figures *figures, struct text_buf *out);

#endif
